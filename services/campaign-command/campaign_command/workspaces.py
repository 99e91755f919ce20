"""A workspace: its frequency caps, trunks and phone numbers, how long call history keeps numbers, and whether all its
calling is paused.

What must stay true: each change is a fact in the transaction that writes the row, and a permit reads the row under the
same lock, so none is granted after a pause has committed. The campaigns stay what they are: what was running runs on
when the workspace resumes. A phone number belongs to one workspace at most.

| command | paused | not paused |
|---|---|---|
| pause | nothing | WorkspacePaused: permits are refused (`workspace_paused`), those granted before are void |
| resume | WorkspaceResumed | nothing |
| change settings | WorkspaceSettingsChanged, or nothing when they are so already | the same |
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, assert_never
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from campaign_command.business_numbers import load_phone_numbers, require_own, save_phone_numbers
from campaign_command.commands import merge_patch
from campaign_command.store import Transaction, now_of
from campaign_events.facts import PersonErased, WorkspacePaused, WorkspaceResumed, WorkspaceSettingsChanged
from campaign_events.presets import FrequencyCap
from campaign_events.schedule import STORED
from campaign_events.trunks import DEFAULT_TRUNK, MAX_PHONE_NUMBERS, MAX_TRUNKS, PhoneNumber, Trunk
from campaign_service.problems import Problem, invalid_request

DEFAULT_RETENTION_DAYS = 1826
MAX_RETENTION_DAYS = 3653
MAX_CAPS = 10

WorkspaceStreamFact = WorkspacePaused | WorkspaceResumed | WorkspaceSettingsChanged | PersonErased

_SAVE = """
INSERT INTO workspaces (workspace, version, settings_version, caps, retention_days, trunks, paused, paused_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (workspace) DO UPDATE SET
    version = excluded.version, settings_version = excluded.settings_version, caps = excluded.caps,
    retention_days = excluded.retention_days, trunks = excluded.trunks, paused = excluded.paused,
    paused_at = excluded.paused_at
"""
_RULES = "SELECT workspace, caps, paused, paused_at FROM workspaces WHERE workspace = ANY(%s)"
_SETTINGS = ("caps", "retention_days", "trunks", "phone_numbers")


def _require_different_windows(caps: tuple[FrequencyCap, ...]) -> tuple[FrequencyCap, ...]:
    twice = [seconds for seconds, times in Counter(cap.window_seconds for cap in caps).items() if times > 1]
    if twice:
        raise ValueError(f"window_seconds {twice[0]} is there twice; allowed: one cap for each length of a window")
    return caps


class WorkspaceSettings(BaseModel):
    """What a workspace sets for all its campaigns."""

    model_config = ConfigDict(frozen=True)

    caps: Annotated[tuple[FrequencyCap, ...], AfterValidator(_require_different_windows)] = Field(
        default=(),
        max_length=MAX_CAPS,
        description="Calls to one number within rolling windows, over all campaigns and caller numbers",
        examples=[[{"calls": 3, "window_seconds": 86_400}]],
    )
    retention_days: int = Field(
        default=DEFAULT_RETENTION_DAYS,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="How long the call history keeps numbers, and the words of a call",
    )
    trunks: tuple[Trunk, ...] = Field(
        default=(),
        max_length=MAX_TRUNKS,
        description="Ways into the telephone network; their ceilings hold for all campaigns together",
        examples=[[{"id": "berlin-1", "max_calls": 30, "calls_per_second": 5}]],
    )
    phone_numbers: tuple[PhoneNumber, ...] = Field(
        default=(),
        max_length=MAX_PHONE_NUMBERS,
        description="The business's numbers; where there are any, campaigns may call from these only",
        examples=[[{"number": "+493023125000", "trunk": "berlin-1", "label": "Office"}]],
    )
    paused_all: bool = Field(default=False, description="Whether no new call starts in the whole workspace")


@dataclass(frozen=True, slots=True)
class Rules:
    """What permits have to know of a workspace."""

    caps: tuple[FrequencyCap, ...] = ()
    paused: bool = False
    paused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Workspace:
    """The fold of a workspace's facts. `version` counts them."""

    workspace: UUID
    version: int = 0
    settings_version: int = 0
    caps: tuple[FrequencyCap, ...] = ()
    retention_days: int = DEFAULT_RETENTION_DAYS
    trunks: tuple[Trunk, ...] = ()
    phone_numbers: tuple[PhoneNumber, ...] = ()
    paused: bool = False
    paused_at: datetime | None = None

    @property
    def settings(self) -> WorkspaceSettings:
        """As its owner sees and changes them."""
        given = {name: getattr(self, name) for name in _SETTINGS}
        return WorkspaceSettings.model_construct(**given, paused_all=self.paused)


def evolve(state: Workspace, fact: WorkspaceStreamFact) -> Workspace:
    """The workspace after one more fact of its stream."""
    state = replace(state, version=state.version + 1)
    match fact:
        case WorkspacePaused():
            return replace(state, paused=True, paused_at=fact.at)
        case WorkspaceResumed():
            return replace(state, paused=False)
        case WorkspaceSettingsChanged():
            return replace(
                state,
                settings_version=fact.settings_version,
                caps=fact.caps,
                retention_days=fact.retention_days,
                trunks=fact.trunks,
                phone_numbers=fact.phone_numbers,
            )
        case PersonErased():
            return state
        case _:
            assert_never(fact)


def decide(state: Workspace, wanted: WorkspaceSettings, now: datetime) -> list[WorkspaceStreamFact]:
    """The facts that make the workspace as wanted; none when it is so already."""
    facts: list[WorkspaceStreamFact] = []
    changed = tuple(name for name in _SETTINGS if getattr(wanted, name) != getattr(state, name))
    if changed:
        facts.append(
            WorkspaceSettingsChanged(
                at=now,
                workspace=state.workspace,
                settings_version=state.settings_version + 1,
                caps=wanted.caps,
                retention_days=wanted.retention_days,
                trunks=wanted.trunks,
                phone_numbers=wanted.phone_numbers,
                changed=changed,
            )
        )
    if wanted.paused_all and not state.paused:
        facts.append(WorkspacePaused(at=now, workspace=state.workspace))
    if state.paused and not wanted.paused_all:
        facts.append(WorkspaceResumed(at=now, workspace=state.workspace))
    return facts


def change(
    tx: Transaction, workspace: UUID, patch: Mapping[str, Any], *, if_match: int | None = None
) -> dict[str, Any]:
    """Merge the patch (RFC 7396) into the settings.

    Problem 412: `if_match` is another version; 422: not valid; 409: a number is another workspace's.
    """
    state = load_workspace(tx.cursor, workspace)
    if if_match is not None and if_match != state.version:
        detail = f"If-Match: the workspace's settings have version {state.version}, not {if_match}."
        raise Problem(412, "version_mismatch", detail, version=state.version)
    try:
        merged = merge_patch(state.settings.model_dump(mode="json"), patch)
        wanted = WorkspaceSettings.model_validate(merged, extra="forbid")
    except RecursionError:
        raise Problem(422, "invalid_request", "body: nested far deeper than settings are.") from None
    except ValidationError as error:
        raise invalid_request(list(error.errors(include_url=False))) from None
    _require_sound(wanted)
    if wanted.phone_numbers != state.phone_numbers:
        require_own(tx.cursor, [one.number for one in wanted.phone_numbers], workspace=workspace)
    return answer(append(tx, state, decide(state, wanted, now_of(tx.cursor))))


def _require_sound(settings: WorkspaceSettings) -> None:
    """Each id and number once, and each number's trunk is there."""
    errors: list[dict[str, Any]] = []
    for field, values in (
        ("trunks.{}.id", [trunk.id for trunk in settings.trunks]),
        ("phone_numbers.{}.number", [one.number for one in settings.phone_numbers]),
    ):
        first: dict[str, int] = {}
        for n, value in enumerate(values):
            if first.setdefault(value, n) != n:
                rule = f"is there twice (the first is {field.format(first[value])}); allowed: each once"
                errors.append(_error(field.format(n), rule, value))
    known = {DEFAULT_TRUNK, *(trunk.id for trunk in settings.trunks)}
    for n, one in enumerate(settings.phone_numbers):
        if one.trunk not in known:
            rule = f"there is no trunk {one.trunk!r}; allowed: {', '.join(sorted(known))}"
            errors.append(_error(f"phone_numbers.{n}.trunk", rule, one.trunk))
    if errors:
        raise invalid_request(errors)


def _error(field: str, message: str, value: str) -> dict[str, Any]:
    return {"type": "value_error", "loc": tuple(field.split(".")), "msg": message, "input": value}


def append(tx: Transaction, state: Workspace, facts: Sequence[WorkspaceStreamFact]) -> Workspace:
    """Append facts to the workspace's stream and write its row. Returns the workspace after."""
    if not facts:
        return state
    tx.append(facts, workspace=state.workspace, versions={state.workspace: state.version})
    for fact in facts:
        state = evolve(state, fact)
    caps, trunks = (
        orjson.dumps([one.model_dump() for one in values]).decode() for values in (state.caps, state.trunks)
    )
    columns = (state.workspace, state.version, state.settings_version, caps, state.retention_days, trunks)
    tx.cursor.execute(_SAVE, (*columns, state.paused, state.paused_at))
    if any(isinstance(fact, WorkspaceSettingsChanged) and "phone_numbers" in fact.changed for fact in facts):
        save_phone_numbers(tx.cursor, state.workspace, state.phone_numbers)
    return state


def load_workspace(cursor: Cursor[DictRow], workspace: UUID) -> Workspace:
    """The workspace as of now; with the defaults when it has never been changed."""
    row = cursor.execute("SELECT * FROM workspaces WHERE workspace = %s", (workspace,)).fetchone()
    if row is None:
        return Workspace(workspace)
    lists = {
        "caps": tuple(FrequencyCap.model_validate(cap) for cap in row["caps"]),
        "trunks": tuple(Trunk.model_validate(trunk, context=STORED) for trunk in row["trunks"]),
        "phone_numbers": load_phone_numbers(cursor, workspace),
    }
    return Workspace(**{**row, **lists})


def load_rules(cursor: Cursor[DictRow], workspaces: Iterable[UUID]) -> dict[UUID, Rules]:
    """What permits have to know of each of these workspaces, as of now."""
    found = {workspace: Rules() for workspace in workspaces}
    for row in cursor.execute(_RULES, (list(found),), prepare=True).fetchall():
        caps = tuple(FrequencyCap.model_validate(cap) for cap in row["caps"])
        found[row["workspace"]] = Rules(caps=caps, paused=row["paused"], paused_at=row["paused_at"])
    return found


def answer(state: Workspace) -> dict[str, Any]:
    """A workspace as commands answer it."""
    paused_at = state.paused_at.isoformat().replace("+00:00", "Z") if state.paused and state.paused_at else None
    return {
        "id": str(state.workspace),
        **state.settings.model_dump(mode="json"),
        "paused_at": paused_at,
        "version": state.version,
    }
