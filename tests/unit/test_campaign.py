"""What may happen to a campaign: every status, every command; given facts, when a command, then facts or a refusal."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from campaign_command import campaign
from campaign_command.campaign import (
    Campaign,
    CampaignStreamFact,
    Cancel,
    Command,
    Complete,
    Create,
    Delete,
    Edit,
    Pause,
    Refused,
    Resume,
    Start,
    decide,
    ends_at,
    evolve,
    require_editable,
)
from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
)
from campaign_events.schedule import STORED, Schedule
from campaign_events.settings import CampaignSettings, CampaignStatus, Limits

CAMPAIGN, WORKSPACE = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
READY: dict[str, Any] = {"name": "Spring", "agent_id": "agent-1", "caller_numbers": ("+4930123456",)}
SETTINGS = CampaignSettings(**READY)
OTHER_SETTINGS = CampaignSettings(**READY | {"name": "Summer"})


# --- given, when, then ---------------------------------------------------------------------------------------


def fold(facts: Sequence[CampaignStreamFact]) -> Campaign | None:
    state: Campaign | None = None
    for fact in facts:
        state = evolve(state, fact)
    return state


def tried(state: Campaign | None, command: Command, *, at: datetime = NOON) -> list[CampaignStreamFact] | Refused:
    try:
        return decide(state, command, at)
    except Refused as refused:
        return refused


class Given:
    """`Given(facts).when(command)` and one of three endings: `.then(facts)`, `.nothing()`, `.refused(code)`."""

    def __init__(self, *facts: CampaignStreamFact) -> None:
        self.facts = facts

    def when(self, command: Command, *, at: datetime = NOON) -> "When":
        return When(tried(fold(self.facts), command, at=at))


class When:
    def __init__(self, result: list[CampaignStreamFact] | Refused) -> None:
        self.result = result

    def then(self, *facts: CampaignStreamFact) -> None:
        assert self.result == list(facts)

    def nothing(self) -> None:
        assert self.result == []

    def refused(self, code: str, **extra: Any) -> None:
        assert isinstance(self.result, Refused), f"not refused, but {self.result}"
        assert self.result.code == code
        for name, value in extra.items():
            assert self.result.extra[name] == value


FACT: dict[str, Any] = {"at": NOON, "campaign_id": CAMPAIGN}
STARTED = CampaignStarted(**FACT, settings_version=1)
PAUSED = CampaignPaused(**FACT)
RESUMED = CampaignResumed(**FACT, settings_version=1)
COMPLETED = CampaignCompleted(**FACT)
CANCELLED = CampaignCancelled(**FACT, previous=CampaignStatus.RUNNING)


def created(settings: CampaignSettings = SETTINGS) -> CampaignCreated:
    return CampaignCreated(**FACT, workspace=WORKSPACE, settings=settings)


def with_end(day: date, **schedule: Any) -> CampaignSettings:
    return CampaignSettings(**READY, schedule=Schedule(end_date=day, **schedule))


GIVEN: dict[str, tuple[CampaignStreamFact, ...]] = {
    "draft": (created(),),
    "running": (created(), STARTED),
    "paused": (created(), STARTED, PAUSED),
    "completed": (created(), STARTED, COMPLETED),
    "cancelled": (created(), STARTED, CANCELLED),
}
START = Start(total=2, callable=2)
COMMANDS: dict[str, Command] = {
    "edit": Edit(OTHER_SETTINGS),
    "start": START,
    "pause": Pause(),
    "resume": Resume(),
    "cancel": Cancel(),
    "complete": Complete(),
    "delete": Delete(),
}

# --- the table ----------------------------------------------------------------------------------------------------

COLUMNS = ("edit", "contacts", "start", "pause", "resume", "cancel", "complete", "delete")
# The product's words: "Draft may edit, add/remove contacts, start, delete; Running may pause, cancel; Paused may edit,
# add/remove contacts, resume, cancel, delete; Completed and Cancelled: delete; final, never restarted."
# Repeating what is satisfied changes nothing; completion is the running campaign's own.
TABLE: dict[str, tuple[str, ...]] = {
    "draft": ("edited", "allowed", "started", "refused", "refused", "refused", "refused", "deleted"),
    "running": ("refused", "refused", "nothing", "paused", "nothing", "cancelled", "completed", "refused"),
    "paused": ("edited", "allowed", "resume_instead", "nothing", "resumed", "cancelled", "refused", "deleted"),
    "completed": ("refused", "refused", "refused", "refused", "refused", "refused", "nothing", "deleted"),
    "cancelled": ("refused", "refused", "refused", "refused", "refused", "nothing", "refused", "deleted"),
}
# "409 with a code, the current status and the allowed transitions."
ALLOWED: dict[str, set[str]] = {
    "draft": {"edit", "contacts", "start", "duplicate", "delete"},
    "running": {"pause", "cancel", "duplicate"},
    "paused": {"edit", "contacts", "resume", "cancel", "duplicate", "delete"},
    "completed": {"duplicate", "delete"},
    "cancelled": {"duplicate", "delete"},
}
FACT_OF: dict[str, type[CampaignStreamFact]] = {
    "edited": CampaignEdited,
    "started": CampaignStarted,
    "paused": CampaignPaused,
    "resumed": CampaignResumed,
    "cancelled": CampaignCancelled,
    "completed": CampaignCompleted,
    "deleted": CampaignDeleted,
}
CODES = {"edit": "campaign_not_editable", "contacts": "campaign_not_editable"}
ROWS = [(status, column, cell) for status, cells in TABLE.items() for column, cell in zip(COLUMNS, cells, strict=True)]


@pytest.mark.parametrize(("status", "command", "expected"), ROWS, ids=[f"{s}-{c}" for s, c, _ in ROWS])
def test_every_status_answers_every_command(status: str, command: str, expected: str) -> None:
    state = fold(GIVEN[status])
    assert state is not None
    assert state.status == status
    result = _contacts(state) if command == "contacts" else tried(state, COMMANDS[command])
    if expected in FACT_OF:
        assert isinstance(result, list)
        assert [type(fact) for fact in result] == [FACT_OF[expected]]
        assert result[0].at == NOON
        assert result[0].campaign_id == CAMPAIGN
    elif expected in ("nothing", "allowed"):
        assert result == []
    else:
        assert isinstance(result, Refused)
        code = CODES.get(command, f"cannot_{command}") if expected == "refused" else expected
        assert (result.code, result.extra["campaign_status"]) == (code, status)
        assert set(result.extra["allowed"]) == ALLOWED[status]
        assert result.message


def _contacts(state: Campaign) -> list[CampaignStreamFact] | Refused:
    try:
        assert require_editable(state) is state
    except Refused as refused:
        return refused
    return []


def test_the_table_in_the_docstring_says_the_same() -> None:
    lines = [line for line in (campaign.__doc__ or "").splitlines() if line.startswith("|")]
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert tuple(header[1:]) == COLUMNS
    assert {row[0]: tuple(row[1:]) for row in rows} == TABLE


@pytest.mark.parametrize("status", TABLE)
def test_what_a_refusal_allows_is_what_the_table_allows(status: str) -> None:
    moves = {
        column
        for column, cell in zip(COLUMNS, TABLE[status], strict=True)
        if (cell in FACT_OF and column != "complete") or cell == "allowed"
    }
    assert ALLOWED[status] == moves | {"duplicate"}
    assert set(campaign.ALLOWED[CampaignStatus(status)]) == ALLOWED[status]


# --- create ------------------------------------------------------------------------------------------------------


def test_a_new_campaign_is_a_draft_at_settings_version_one() -> None:
    state = fold(decide(None, Create(CAMPAIGN, WORKSPACE, SETTINGS), NOON))
    assert state == Campaign(CAMPAIGN, WORKSPACE, SETTINGS, 1, CampaignStatus.DRAFT, 1, NOON)


def test_a_duplicate_names_its_original() -> None:
    original = UUID(int=9)
    (fact,) = decide(None, Create(CAMPAIGN, WORKSPACE, SETTINGS, duplicate_of=original), NOON)
    assert isinstance(fact, CampaignCreated)
    assert fact.duplicate_of == original


@pytest.mark.parametrize("status", TABLE)
def test_a_campaign_is_created_once(status: str) -> None:
    Given(*GIVEN[status]).when(Create(CAMPAIGN, WORKSPACE, SETTINGS)).refused("campaign_exists")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_campaign_that_never_was_or_is_deleted_is_unknown(command: str) -> None:
    deleted = CampaignDeleted(**FACT, previous=CampaignStatus.DRAFT)
    Given().when(COMMANDS[command]).refused("unknown_campaign")
    Given(created(), deleted).when(COMMANDS[command]).refused("unknown_campaign")


def test_contacts_of_an_unknown_or_deleted_campaign_are_refused() -> None:
    for state in (None, fold([created(), CampaignDeleted(**FACT, previous=CampaignStatus.DRAFT)])):
        with pytest.raises(Refused) as refused:
            require_editable(state)
        assert refused.value.code == "unknown_campaign"


# --- start ------------------------------------------------------------------------------------------------------


def test_start_without_contacts_is_refused() -> None:
    Given(created()).when(Start(total=0, callable=0)).refused(
        "no_contacts", campaign_status="draft", allowed=list(campaign.ALLOWED[CampaignStatus.DRAFT])
    )


def test_start_with_nobody_to_call_says_why_by_reason() -> None:
    blocked = {"do_not_call": 2, "not_callable": 1}
    Given(created()).when(Start(total=3, callable=0, blocked=blocked)).refused(
        "no_callable_contacts",
        reasons=blocked,
        campaign_status="draft",
        allowed=list(campaign.ALLOWED[CampaignStatus.DRAFT]),
    )


@pytest.mark.parametrize(
    ("absent", "missing"),
    [
        ({"agent_id"}, ["agent_id"]),
        ({"caller_numbers"}, ["caller_numbers"]),
        ({"agent_id", "caller_numbers"}, ["agent_id", "caller_numbers"]),
    ],
)
@pytest.mark.parametrize("kind", ["outbound", "inbound"])
def test_start_lists_what_is_missing(absent: set[str], missing: list[str], kind: str) -> None:
    settings = CampaignSettings(
        **{name: value for name, value in READY.items() if name not in absent},
        type=kind,
    )
    Given(created(settings)).when(START).refused(
        "not_ready", missing=missing, campaign_status="draft", allowed=list(campaign.ALLOWED[CampaignStatus.DRAFT])
    )


def test_a_paused_campaign_that_lost_its_agent_or_its_caller_numbers_does_not_resume() -> None:
    bare = SETTINGS.model_copy(update={"agent_id": None, "caller_numbers": ()})
    edited = CampaignEdited(**FACT, settings=bare, settings_version=2, changed=("agent_id", "caller_numbers"))
    Given(created(), STARTED, PAUSED, edited).when(Resume()).refused(
        "not_ready", missing=["agent_id", "caller_numbers"], campaign_status="paused"
    )


def test_an_inbound_campaign_needs_no_contacts() -> None:
    inbound = CampaignSettings(**READY, type="inbound")
    Given(created(inbound)).when(Start(total=0, callable=0)).then(STARTED)


def test_start_carries_the_settings_version_it_runs_under() -> None:
    edited = CampaignEdited(**FACT, settings=OTHER_SETTINGS, settings_version=2, changed=("name",))
    Given(created(), edited).when(START).then(CampaignStarted(**FACT, settings_version=2))


def test_start_of_a_paused_campaign_points_to_resume() -> None:
    Given(*GIVEN["paused"]).when(START).refused("resume_instead")


def test_start_of_a_running_campaign_changes_nothing_even_if_its_list_is_empty_now() -> None:
    Given(*GIVEN["running"]).when(Start(total=0, callable=0)).nothing()


# --- the end date --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "end"),
    [
        # In the campaign's own zone the day ends at its midnight: Berlin in winter is one hour ahead of UTC.
        ({"use_callee_time_zone": False, "time_zone": "Europe/Berlin"}, datetime(2026, 3, 2, 23, tzinfo=UTC)),
        ({"use_callee_time_zone": False, "time_zone": "UTC"}, datetime(2026, 3, 3, tzinfo=UTC)),
        # In the callees' zones it ends where a date ends last: at UTC-12.
        ({"use_callee_time_zone": True, "time_zone": "Europe/Berlin"}, datetime(2026, 3, 3, 12, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize(("before", "command"), [("draft", START), ("paused", Resume())], ids=["start", "resume"])
def test_past_its_end_date_a_campaign_neither_starts_nor_resumes(
    schedule: dict[str, Any], end: datetime, before: str, command: Command
) -> None:
    settings = with_end(date(2026, 3, 2), **schedule)
    assert ends_at(settings) == end
    given = Given(created(settings), *GIVEN[before][1:])
    given.when(command, at=end).refused(
        "schedule_ended", campaign_status=before, allowed=list(campaign.ALLOWED[CampaignStatus(before)])
    )
    assert isinstance(given.when(command, at=end - timedelta(microseconds=1)).result, list)


def test_without_an_end_date_a_campaign_has_no_end() -> None:
    assert ends_at(SETTINGS) is None
    Given(*GIVEN["paused"]).when(Resume(), at=NOON + timedelta(days=10_000)).then(
        CampaignResumed(at=NOON + timedelta(days=10_000), campaign_id=CAMPAIGN, settings_version=1)
    )


def test_an_extended_campaign_resumes() -> None:
    edited = CampaignEdited(**FACT, settings=with_end(date(2026, 6, 1)), settings_version=2, changed=("schedule",))
    ended = CampaignPaused(**FACT, reason="schedule_ended")
    given = Given(created(with_end(date(2026, 3, 1))), STARTED, ended, edited)
    given.when(Resume()).then(CampaignResumed(**FACT, settings_version=2))


def test_a_schedule_that_ended_is_remembered_until_the_campaign_goes_on() -> None:
    ended = CampaignPaused(**FACT, reason="schedule_ended")
    Given(*GIVEN["running"]).when(Pause("schedule_ended")).then(ended)
    paused = fold([*GIVEN["running"], ended])
    assert paused is not None
    assert paused.pause_reason == "schedule_ended"
    for fact in (RESUMED, CANCELLED):
        after = evolve(paused, fact)
        assert after.pause_reason is None


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_a_stored_zone_that_is_no_zone_stops_nobody(name: str) -> None:
    stored = CampaignSettings.model_validate(
        READY | {"schedule": {"time_zone": name, "use_callee_time_zone": False, "end_date": "2026-03-02"}},
        context=STORED,
    )
    assert ends_at(stored) == datetime(2026, 3, 3, tzinfo=UTC)


# --- edit ------------------------------------------------------------------------------------------------------


def test_an_edit_names_what_changed_and_raises_the_version_by_one() -> None:
    settings = SETTINGS.model_copy(update={"name": "Summer", "limits": Limits(max_attempts=5)})
    Given(created()).when(Edit(settings)).then(
        CampaignEdited(**FACT, settings=settings, settings_version=2, changed=("name", "limits"))
    )


def test_an_edit_to_the_same_settings_changes_nothing() -> None:
    Given(created()).when(Edit(CampaignSettings.model_validate_json(SETTINGS.model_dump_json()))).nothing()


@pytest.mark.parametrize("status", ["draft", "paused"])
def test_the_type_is_fixed_at_creation(status: str) -> None:
    inbound = SETTINGS.model_copy(update={"type": "inbound"})
    Given(*GIVEN[status]).when(Edit(inbound)).refused(
        "type_is_fixed", campaign_status=status, allowed=list(campaign.ALLOWED[CampaignStatus(status)])
    )


names = st.sampled_from(["Spring", "Summer", "Autumn"])


@for_all(edits=st.lists(names, max_size=12))
def test_the_settings_version_grows_by_one_with_each_edit_that_changes_something(edits: list[str]) -> None:
    state = evolve(None, created())
    for name in edits:
        before = state
        for fact in decide(state, Edit(SETTINGS.model_copy(update={"name": name})), NOON):
            state = evolve(state, fact)
        assert state.settings_version == before.settings_version + (name != before.settings.name)
        assert state.settings.name == name


# --- ends ------------------------------------------------------------------------------------------------------


def test_an_inbound_campaign_does_not_complete_by_itself() -> None:
    inbound = CampaignSettings(**READY, type="inbound")
    Given(created(inbound), STARTED).when(Complete()).refused("cannot_complete")
    Given(created(inbound), STARTED).when(Cancel()).then(CANCELLED)


@pytest.mark.parametrize("status", ["running", "paused"])
def test_cancelling_says_what_the_campaign_was(status: str) -> None:
    Given(*GIVEN[status]).when(Cancel()).then(CampaignCancelled(**FACT, previous=CampaignStatus(status)))


@pytest.mark.parametrize("status", ["draft", "paused", "completed", "cancelled"])
def test_deleting_says_what_the_campaign_was(status: str) -> None:
    Given(*GIVEN[status]).when(Delete()).then(CampaignDeleted(**FACT, previous=CampaignStatus(status)))


@pytest.mark.parametrize(
    ("status", "final"),
    [("draft", False), ("running", False), ("paused", False), ("completed", True), ("cancelled", True)],
)
def test_a_completed_cancelled_or_deleted_campaign_is_final(status: str, final: bool) -> None:
    state = fold(GIVEN[status])
    assert state is not None
    assert state.is_final is final
    assert evolve(state, CampaignDeleted(**FACT, previous=state.status)).is_final


# --- for all sequences of commands -----------------------------------------------------------------------------------

commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Start, total=st.integers(0, 2), callable=st.integers(0, 2)),
    names.map(lambda name: Edit(SETTINGS.model_copy(update={"name": name}))),
    st.sampled_from(
        [
            Pause(),
            Pause("schedule_ended"),
            Resume(),
            Cancel(),
            Complete(),
            Delete(),
            Create(CAMPAIGN, WORKSPACE, SETTINGS),
        ]
    ),
)


def histories(check: Callable[[Campaign | None, Command, list[CampaignStreamFact]], None]) -> Callable[[Any], None]:
    def run(sequence: Sequence[Command]) -> None:
        state: Campaign | None = None
        for command in (Create(CAMPAIGN, WORKSPACE, SETTINGS), *sequence):
            result = tried(state, command)
            facts = [] if isinstance(result, Refused) else result
            check(state, command, facts)
            for fact in facts:
                state = evolve(state, fact)

    return run


sequences = st.lists(commands, max_size=25)


@for_all(sequence=sequences)
def test_repeating_an_accepted_command_changes_nothing(sequence: list[Command]) -> None:
    def check(state: Campaign | None, command: Command, facts: list[CampaignStreamFact]) -> None:
        for fact in facts:
            state = evolve(state, fact)
        if not facts or state is None:
            return
        again = tried(state, command)
        # What was created or deleted is refused by its code: there is nothing more to change.
        code = {Create: "campaign_exists", Delete: "unknown_campaign"}.get(type(command))
        assert again == [] if code is None else isinstance(again, Refused) and again.code == code

    histories(check)(sequence)


@for_all(sequence=sequences)
def test_a_final_campaign_never_runs_again(sequence: list[Command]) -> None:
    def check(state: Campaign | None, command: Command, facts: list[CampaignStreamFact]) -> None:
        if state is not None and state.is_final:
            assert all(isinstance(fact, CampaignDeleted) for fact in facts)
        if state is not None and state.deleted:
            assert facts == []

    histories(check)(sequence)


@for_all(sequence=sequences)
def test_every_fact_raises_the_version_by_one(sequence: list[Command]) -> None:
    def check(state: Campaign | None, command: Command, facts: list[CampaignStreamFact]) -> None:
        for fact in facts:
            after = evolve(state, fact)
            assert after.version == (state.version if state else 0) + 1
            state = after

    histories(check)(sequence)


ONE_OF_EACH: dict[type[CampaignStreamFact], CampaignStreamFact] = {
    CampaignCreated: created(),
    CampaignEdited: CampaignEdited(**FACT, settings=OTHER_SETTINGS, settings_version=2, changed=("name",)),
    CampaignStarted: STARTED,
    CampaignPaused: PAUSED,
    CampaignResumed: RESUMED,
    CampaignCancelled: CANCELLED,
    CampaignCompleted: COMPLETED,
    CampaignDeleted: CampaignDeleted(**FACT, previous=CampaignStatus.DRAFT),
}


def test_evolve_knows_every_fact_of_the_stream() -> None:
    assert set(ONE_OF_EACH) == set(get_args(CampaignStreamFact))
    folded = {
        fact_type: (after.status, after.settings.name, after.deleted)
        for fact_type, fact in ONE_OF_EACH.items()
        for after in [evolve(evolve(None, created()), fact)]
    }
    assert folded == {
        CampaignCreated: ("draft", "Spring", False),
        CampaignEdited: ("draft", "Summer", False),
        CampaignStarted: ("running", "Spring", False),
        CampaignPaused: ("paused", "Spring", False),
        CampaignResumed: ("running", "Spring", False),
        CampaignCancelled: ("cancelled", "Spring", False),
        CampaignCompleted: ("completed", "Spring", False),
        CampaignDeleted: ("draft", "Spring", True),
    }


def test_a_refusal_reads_as_its_message() -> None:
    with pytest.raises(Refused, match=re.escape("A running campaign does not allow delete.")):
        decide(fold(GIVEN["running"]), Delete(), NOON)
