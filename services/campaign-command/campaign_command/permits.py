"""Grants permits: the one place where it is decided, just before dialling, that a call may be placed.

What must stay true: between a grant and its commit nothing can pause the campaign, suppress the number or take the
contact, since the append lock is held. A call id gets one grant; the same question gets the same answer while the
permit stands.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from campaign_command import caps
from campaign_command.campaign import RUNNING, Campaign
from campaign_command.contact import (
    CallbackCheck,
    Contact,
    ContactStreamFact,
    PermitRefusal,
    callback_check,
    decide_permit,
    is_consent,
)
from campaign_command.contacts import ContactRow, complete_if_done, load, save
from campaign_command.store import Transaction, now_of
from campaign_command.suppressed import stale_lists_of, suppressed_numbers
from campaign_command.workspaces import load_rules
from campaign_events.presets import FrequencyCap
from campaign_events.trunks import caller_number_of

MAX_ASKS = 100

INSERT_LIVE_CALL = """
INSERT INTO live_calls (call_id, workspace, number, campaign_id, contact_id, attempt, settings_version,
                        campaign_version, caller_number, granted_at, expires_at, deadline_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
COUNT_CALLS = """
INSERT INTO counted_calls (call_id, workspace, number_hash, at)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bytea[], %s::timestamptz[])
"""
# One look into the index a number, whatever the planner believes of a table that has just begun to grow.
_COUNTED = """
SELECT n.workspace, n.number_hash, c.at FROM unnest(%s::uuid[], %s::bytea[]) AS n (workspace, number_hash)
CROSS JOIN LATERAL (
    SELECT at FROM counted_calls WHERE workspace = n.workspace AND number_hash = n.number_hash AND at > %s
    ORDER BY at DESC LIMIT %s
) AS c
"""
_BEING_ERASED = "SELECT workspace, number FROM erasures WHERE number IS NOT NULL AND workspace = ANY(%s)"
CALLS = """
SELECT originator_id AS contact_id, convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'call_id' AS call_id
FROM campaign_command_events
WHERE originator_id = ANY(%s) AND topic = 'ContactStatusChanged'
"""


class Ask(BaseModel):
    """One call the dialer wants to place. `attempt` is the number this attempt will have."""

    model_config = ConfigDict(frozen=True)

    call_id: UUID
    campaign_id: UUID
    contact_id: UUID
    attempt: int = Field(ge=1)
    settings_version: int = Field(ge=1)


class Asks(BaseModel):
    """A batch of up to 100 asks."""

    model_config = ConfigDict(frozen=True)

    asks: tuple[Ask, ...] = Field(min_length=1, max_length=MAX_ASKS)


class Granted(BaseModel):
    """The call may be placed within `expires_in_seconds`; here is what it needs."""

    result: Literal["granted"] = "granted"
    call_id: UUID
    expires_in_seconds: float
    number: str
    number_hash: str
    caller_number: str
    agent_id: str
    prompt: str
    ring_timeout_seconds: int
    max_call_seconds: int
    callback: CallbackCheck | None = None
    context: dict[str, Any]
    attempt: int
    settings_version: int


class NotGranted(BaseModel):
    """The call must not be placed: never, not now, or not under the settings the dialer knows."""

    result: Literal["refused"] = "refused"
    call_id: UUID
    kind: Literal["permanent", "temporary", "stale_settings"]
    code: str
    ask_again_at: AwareDatetime | None = None


Answer = Annotated[Granted | NotGranted, Field(discriminator="result")]


class Answers(BaseModel):
    """One answer an ask, in the same order."""

    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a permit stands, and how long a contact may stay in progress."""

    permit_seconds: float
    place_timeout_seconds: float
    in_progress_deadline_seconds: float


def answer_asks(tx: Transaction, asks: Sequence[Ask], terms: Terms) -> list[Answer]:
    """Decide a batch. Runs inside `Store.transact`."""
    now = now_of(tx.cursor)
    batch = _Batch(tx, asks, terms, now)
    answers = [batch.answer(ask) for ask in asks]
    batch.write()
    return answers


def foresee(tx: Transaction, contact: Contact, campaign: Campaign, terms: Terms) -> Granted | NotGranted:
    """What would be answered if the dialer asked for this contact now. Writes nothing, and needs no append lock."""
    ask = Ask(
        call_id=UUID(int=0),
        campaign_id=campaign.campaign_id,
        contact_id=contact.contact_id,
        attempt=contact.attempt + 1,
        settings_version=campaign.settings_version,
    )
    return _Batch(tx, [ask], terms, now_of(tx.cursor)).answer(ask)


class _Batch:
    """What the decisions of one batch have to know of each other."""

    def __init__(self, tx: Transaction, asks: Sequence[Ask], terms: Terms, now: datetime) -> None:
        self.tx, self.terms, self.now = tx, terms, now
        self.rows = load(tx.cursor, {ask.contact_id for ask in asks})
        self.campaigns = {ask.campaign_id: tx.campaign(ask.campaign_id) for ask in asks}
        tx.cursor.execute("SELECT * FROM live_calls WHERE call_id = ANY(%s)", ([ask.call_id for ask in asks],))
        self.standing = {row["call_id"]: row for row in tx.cursor.fetchall()}
        self.closed = self._closed_calls()
        self.live = self._live_numbers()
        self.suppressed = self._suppressed_numbers()
        self.stale_lists = stale_lists_of(tx, _known(self.campaigns.values()), now=now)
        self.workspaces = load_rules(tx.cursor, {one.workspace for one in _known(self.campaigns.values())})
        self.being_erased = self._being_erased()
        self.hashes = {
            (row.workspace, row.number): tx.hash_number(row.workspace, row.number) for row in self.rows.values()
        }
        self.counted = self._counted_calls()
        self.decided: dict[UUID, list[tuple[Contact, Sequence[ContactStreamFact]]]] = defaultdict(list)
        self.taken: set[UUID] = set()
        self.answered: dict[UUID, tuple[Ask, Granted | NotGranted]] = {}
        self.inserts: list[tuple[Any, ...]] = []
        self.counts: list[tuple[Any, ...]] = []

    def answer(self, ask: Ask) -> Granted | NotGranted:
        """The answer to one ask; facts and rows are collected for `write`."""
        if ask.call_id in self.answered:
            before, answer = self.answered[ask.call_id]
            return answer if before == ask else _refused(ask, PermitRefusal("permanent", "call_closed"))
        answer = self._decide(ask)
        self.answered[ask.call_id] = ask, answer
        return answer

    def _decide(self, ask: Ask) -> Granted | NotGranted:
        row, campaign = self.rows.get(ask.contact_id), self.campaigns[ask.campaign_id]
        if campaign is None or campaign.deleted:
            return _refused(ask, PermitRefusal("permanent", "unknown_campaign"))
        if row is None or row.contact.campaign_id != ask.campaign_id:
            return _refused(ask, PermitRefusal("permanent", "unknown_contact"))
        if ask.call_id in self.standing:
            return self._again(ask, row, campaign)
        if (ask.contact_id, str(ask.call_id)) in self.closed:
            return _refused(ask, PermitRefusal("permanent", "call_closed"))
        if ask.contact_id in self.taken:
            return _refused(ask, PermitRefusal("temporary", "contact_in_progress"))
        key = (row.workspace, row.number)
        facts, refusal = decide_permit(
            row.contact,
            campaign,
            call_id=ask.call_id,
            attempt=ask.attempt,
            settings_version=ask.settings_version,
            suppressed=(campaign.campaign_id, row.number) in self.suppressed,
            suppressed_by=self.suppressed.get((campaign.campaign_id, row.number), "suppressed"),
            list_is_stale=campaign.campaign_id in self.stale_lists,
            number_is_live=key in self.live,
            now=self.now,
            workspace_paused=self.workspaces[row.workspace].paused,
            being_erased=key in self.being_erased,
            capped_until=caps.allowed_at(self._caps_of(campaign), self.counted[key], self.now),
            has_consent=is_consent(row.details["consent_basis"]),
            zone_source=row.zone_source,
        )
        if facts:
            self.decided[campaign.campaign_id].append((row.contact, facts))
            self.taken.add(ask.contact_id)
        if refusal is not None:
            return _refused(ask, refusal)
        self.live.add(key)
        caller_number = caller_number_of(campaign.settings.caller_numbers, ask.contact_id)
        expires_at = self.now + timedelta(seconds=self.terms.permit_seconds)
        deadline_at = self.now + timedelta(seconds=self.terms.in_progress_deadline_seconds)
        # It may begin to ring as late as the permit's end: counted from there, no rolling window holds one too many.
        self.counted[key].append(expires_at)
        self.counts.append((ask.call_id, row.workspace, bytes.fromhex(self.hashes[key]), expires_at))
        self.inserts.append(
            (
                ask.call_id,
                row.workspace,
                row.number,
                ask.campaign_id,
                ask.contact_id,
                ask.attempt,
                ask.settings_version,
                campaign.version,
                caller_number,
                self.now,
                expires_at,
                deadline_at,
            )
        )
        return self._granted(
            ask,
            row,
            campaign,
            caller_number=caller_number,
            expires_in=self.terms.permit_seconds,
            callback=callback_check(row.contact.status, row.contact.due_at, campaign, at=self.now),
        )

    def write(self) -> None:
        """Append the facts and write the rows. A contact that became do_not_call may have been the last open one."""
        for campaign_id, decided in self.decided.items():
            campaign = self.campaigns[campaign_id]
            assert campaign is not None
            save(self.tx, decided, workspace=campaign.workspace)
        if self.inserts:
            self.tx.cursor.executemany(INSERT_LIVE_CALL, self.inserts)
            self.tx.cursor.execute(COUNT_CALLS, [list(column) for column in zip(*self.counts, strict=True)])
        for campaign_id in self.decided:
            complete_if_done(self.tx, campaign_id)

    def _again(self, ask: Ask, row: ContactRow, campaign: Campaign) -> Granted | NotGranted:
        standing = self.standing[ask.call_id]
        left = (standing["expires_at"] - self.now).total_seconds()
        same = standing["contact_id"] == ask.contact_id and standing["attempt"] == ask.attempt
        if standing["reported"] or left <= 0 or not same:
            return _refused(ask, PermitRefusal("permanent", "call_closed"))
        if campaign.status is not RUNNING:
            return _refused(ask, PermitRefusal("temporary", "not_running"))
        workspace = self.workspaces[campaign.workspace]
        if workspace.paused_at is not None and workspace.paused_at >= standing["granted_at"]:
            # As below, for all campaigns of the workspace at once.
            return _refused(ask, PermitRefusal("permanent", "call_closed"))
        if campaign.version != standing["campaign_version"]:
            # It has been paused since: that pause's answer may have been given, so the permit is void for good.
            return _refused(ask, PermitRefusal("permanent", "call_closed"))
        if (campaign.campaign_id, row.number) in self.suppressed:
            return _refused(ask, PermitRefusal("permanent", "suppressed"))
        call = row.contact.call
        assert call is not None, "a call that stands was begun"
        callback = callback_check(call.before_status, call.before_due_at, campaign, at=call.granted_at)
        return self._granted(
            ask, row, campaign, caller_number=standing["caller_number"], expires_in=left, callback=callback
        )

    def _granted(
        self,
        ask: Ask,
        row: ContactRow,
        campaign: Campaign,
        *,
        caller_number: str,
        expires_in: float,
        callback: CallbackCheck | None,
    ) -> Granted:
        settings = campaign.settings
        return Granted(
            call_id=ask.call_id,
            expires_in_seconds=expires_in,
            number=row.number,
            number_hash=self.hashes[row.workspace, row.number],
            caller_number=caller_number,
            agent_id=settings.agent_id or "",
            prompt=settings.custom_prompt,
            ring_timeout_seconds=settings.limits.ring_timeout_seconds,
            max_call_seconds=settings.limits.max_call_seconds,
            callback=callback,
            context={**row.details, "variables": dict(row.variables)},
            attempt=ask.attempt,
            settings_version=ask.settings_version,
        )

    def _closed_calls(self) -> set[tuple[UUID, str]]:
        # A contact's facts know all its calls; whoever was never called needs no look.
        called = [contact_id for contact_id, row in self.rows.items() if row.contact.call is not None]
        if not called:
            return set()
        self.tx.cursor.execute(CALLS, (called,))
        return {(row["contact_id"], row["call_id"]) for row in self.tx.cursor.fetchall()}

    def _caps_of(self, campaign: Campaign) -> tuple[FrequencyCap, ...]:
        return self.workspaces[campaign.workspace].caps + campaign.settings.frequency_caps

    def _counted_calls(self) -> dict[tuple[UUID, str], list[datetime]]:
        counted: dict[tuple[UUID, str], list[datetime]] = defaultdict(list)
        in_force = [cap for campaign in _known(self.campaigns.values()) for cap in self._caps_of(campaign)]
        if not in_force:
            return counted
        since, most = self.now - caps.longest_window(in_force), max(cap.calls for cap in in_force)
        keys = {(workspace, bytes.fromhex(hashed)): (workspace, n) for (workspace, n), hashed in self.hashes.items()}
        values = ([workspace for workspace, _ in keys], [hashed for _, hashed in keys], since, most)
        for row in self.tx.cursor.execute(_COUNTED, values).fetchall():
            counted[keys[row["workspace"], bytes(row["number_hash"])]].append(row["at"])
        return counted

    def _being_erased(self) -> set[tuple[UUID, str]]:
        rows = self.tx.cursor.execute(_BEING_ERASED, (list(self.workspaces),)).fetchall()
        return {(row["workspace"], row["number"]) for row in rows}

    def _live_numbers(self) -> set[tuple[UUID, str]]:
        wanted = {(row.workspace, row.number) for row in self.rows.values()}
        self.tx.cursor.execute(
            "SELECT workspace, number FROM live_calls"
            " WHERE (workspace, number) IN (SELECT * FROM unnest(%s::uuid[], %s::text[]))",
            ([workspace for workspace, _ in wanted], [number for _, number in wanted]),
        )
        return {(row["workspace"], row["number"]) for row in self.tx.cursor.fetchall()}

    def _suppressed_numbers(self) -> dict[tuple[UUID, str], str]:
        numbers: dict[UUID, list[str]] = defaultdict(list)
        for row in self.rows.values():
            numbers[row.contact.campaign_id].append(row.number)
        return {
            (campaign.campaign_id, number): why
            for campaign in _known(self.campaigns.values())
            for number, why in suppressed_numbers(self.tx, campaign, numbers[campaign.campaign_id]).items()
        }


def _known(campaigns: Iterable[Campaign | None]) -> Iterable[Campaign]:
    return (campaign for campaign in campaigns if campaign is not None)


def _refused(ask: Ask, refusal: PermitRefusal) -> NotGranted:
    return NotGranted(call_id=ask.call_id, kind=refusal.kind, code=refusal.code, ask_again_at=refusal.ask_again_at)
