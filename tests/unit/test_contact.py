"""A contact: when it may be called, what ends its waiting, and how its facts fold."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest

from campaign_command.campaign import Campaign
from campaign_command.contact import (
    WAITING,
    Contact,
    ContactStreamFact,
    LastCall,
    PermitRefusal,
    decide_permit,
    evolve,
    fold_contacts,
    is_waiting,
    mark_not_callable,
    may_be_tried,
    opt_out,
)
from campaign_events.facts import (
    CampaignStarted,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactDetailsChanged,
    ContactNotCallable,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    ContactTimeZonesChanged,
    Fact,
    PermitChecks,
    Verdict,
)
from campaign_events.schedule import Schedule
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus, Limits, Outcome

CAMPAIGN, WORKSPACE, ANNA, BEN, CALL = (UUID(int=n) for n in range(1, 6))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
EIGHT = tuple(ContactStatus)


# --- given, when, then ---------------------------------------------------------------------------------------


def contact(status: str = "pending", **state: Any) -> Contact:
    return Contact(ANNA, CAMPAIGN, ("Europe/Berlin",), status=ContactStatus(status), **state)


def campaign(
    status: str = "running", *, version: int = 1, max_attempts: int = 3, end_date: date | None = None
) -> Campaign:
    settings = CampaignSettings(
        name="Spring",
        limits=Limits(max_attempts=max_attempts),
        schedule=Schedule(end_date=end_date, use_callee_time_zone=False),
    )
    return Campaign(CAMPAIGN, WORKSPACE, settings, version, CampaignStatus(status), 2, NOON)


def ask(
    given: Contact, of: Campaign | None = None, **changes: Any
) -> tuple[list[ContactStreamFact], PermitRefusal | None]:
    """Ask for a permit that fits the contact, unless `changes` say otherwise."""
    question: dict[str, Any] = {
        "call_id": CALL,
        "attempt": given.attempt + 1,
        "settings_version": 1,
        "suppressed": False,
        "number_is_live": False,
        "now": NOON,
    }
    return decide_permit(given, of or campaign(), **question | changes)


def changed(previous: str, status: str, **values: Any) -> ContactStatusChanged:
    fields = {"at": NOON, "campaign_id": CAMPAIGN, "contact_id": ANNA, "previous": previous, "status": status}
    return ContactStatusChanged(**{"attempt": 1, **fields, **values})


def fold(given: Contact, facts: Sequence[ContactStreamFact]) -> Contact:
    for fact in facts:
        given = evolve(given, fact)
    return given


# --- who waits, and for what -----------------------------------------------------------------------------------

WAITS = [
    # status, attempt, due_at, with max_attempts 3: waits?
    ("pending", 0, None, True),
    ("pending", 2, LATER, True),  # after carrier errors
    ("rescheduled", 1, LATER, True),
    ("rescheduled", 3, LATER, True),  # one callback over the budget: the person asked for it
    ("rescheduled", 4, LATER, False),
    ("no_answer", 2, LATER, True),
    ("no_answer", 3, LATER, False),  # the budget is spent
    ("no_answer", 1, None, False),  # the rule tries no more
    ("voicemail", 2, LATER, True),
    ("voicemail", 3, LATER, False),
    ("voicemail", 1, None, False),
    ("in_progress", 1, None, False),
    ("completed", 1, None, False),
    ("failed", 1, None, False),
    ("do_not_call", 0, None, False),
]


@pytest.mark.parametrize(("status", "attempt", "due_at", "waits"), WAITS)
def test_who_waits_to_be_called(status: str, attempt: int, due_at: datetime | None, waits: bool) -> None:
    given = contact(status, attempt=attempt, due_at=due_at)
    assert is_waiting(given, 3) is waits
    assert may_be_tried(given, 3) is waits


def test_a_contact_without_an_open_minute_waits_but_cannot_be_tried() -> None:
    given = contact(callable=False, not_callable_reason="no_open_minute")
    assert is_waiting(given, 3)
    assert not may_be_tried(given, 3)


def test_raising_the_attempts_opens_an_exhausted_contact_again() -> None:
    given = contact("no_answer", attempt=3, due_at=LATER)
    assert not may_be_tried(given, 3)
    assert may_be_tried(given, 4)


def test_every_status_was_considered() -> None:
    assert {status for status, *_ in WAITS} == set(EIGHT)


# --- permits: the order of the dialling rules ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "attempt", "due_at"),
    [
        ("pending", 0, None),
        ("no_answer", 1, NOON),
        ("voicemail", 2, NOON - timedelta(days=1)),
        ("rescheduled", 3, NOON),
    ],
)
def test_a_due_contact_of_a_running_campaign_is_granted(status: str, attempt: int, due_at: datetime | None) -> None:
    given = contact(status, attempt=attempt, due_at=due_at, reason="because")
    facts, refusal = ask(given)
    assert refusal is None
    assert facts == [
        changed(
            status,
            "in_progress",
            attempt=attempt + 1,
            call_id=CALL,
            settings_version=1,
            previous_attempt=attempt,
            previous_due_at=due_at,
            checks=PermitChecks(callback="on_time" if status == "rescheduled" else None),
        )
    ]
    after = fold(given, facts)
    assert (after.status, after.attempt, after.due_at, after.reason) == ("in_progress", attempt + 1, None, None)
    assert after.call == LastCall(CALL, NOON, ContactStatus(status), due_at, "because")


@pytest.mark.parametrize(
    ("since", "check"), [(0, "on_time"), (900, "on_time"), (901, "late"), (90_000, "late")], ids=str
)
def test_a_callback_beyond_its_tolerance_goes_on_and_is_flagged_as_late(since: int, check: str) -> None:
    asked_for = contact("rescheduled", attempt=1, due_at=NOON - timedelta(seconds=since), reason="callback")
    facts, refusal = ask(asked_for)
    assert refusal is None
    (fact,) = facts
    assert isinstance(fact, ContactStatusChanged)
    assert fact.checks is not None
    assert fact.checks.callback == check


def test_a_callback_is_never_made_before_the_time_that_was_asked_for() -> None:
    due_at = NOON + timedelta(seconds=1)
    facts, refusal = ask(contact("rescheduled", attempt=1, due_at=due_at, reason="callback"))
    assert (facts, refusal) == ([], PermitRefusal("temporary", "not_due", due_at))


def test_a_retry_is_no_callback_however_late_it_is() -> None:
    facts, _ = ask(contact("no_answer", attempt=1, due_at=NOON - timedelta(days=1)))
    (fact,) = facts
    assert isinstance(fact, ContactStatusChanged)
    assert fact.checks is not None
    assert fact.checks.callback is None


# Each line breaks its own rule and every later one: the first broken rule is the answer.
SPENT: dict[str, Any] = {"status": "no_answer", "attempt": 3, "due_at": LATER}
BAD: dict[str, Any] = {"suppressed": True, "number_is_live": True}
ORDER: list[tuple[str, str, Contact, Campaign, dict[str, Any], datetime | None]] = [
    ("not_running", "temporary", contact(**SPENT), campaign("paused", version=2), BAD | {"attempt": 9}, None),
    (
        "schedule_ended",
        "temporary",
        contact(**SPENT),
        campaign(version=2, end_date=date(2026, 3, 1)),
        BAD | {"attempt": 9},
        None,
    ),
    ("settings_changed", "stale_settings", contact(**SPENT), campaign(version=2), BAD | {"attempt": 9}, None),
    ("contact_in_progress", "temporary", contact("in_progress", attempt=3), campaign(), BAD | {"attempt": 9}, None),
    ("not_callable", "permanent", contact(**SPENT, callable=False), campaign(), BAD | {"attempt": 9}, None),
    ("attempts_spent", "permanent", contact(**SPENT), campaign(), BAD | {"attempt": 9}, None),
    (
        "attempt_changed",
        "stale_settings",
        contact("no_answer", attempt=2, due_at=LATER),
        campaign(),
        BAD | {"attempt": 9},
        None,
    ),
    ("not_due", "temporary", contact("no_answer", attempt=2, due_at=LATER), campaign(), BAD, LATER),
    ("suppressed", "permanent", contact("no_answer", attempt=2, due_at=NOON), campaign(), BAD, None),
    (
        "number_live",
        "temporary",
        contact("no_answer", attempt=2, due_at=NOON),
        campaign(),
        {"number_is_live": True},
        NOON + timedelta(seconds=15),
    ),
]


@pytest.mark.parametrize(("code", "kind", "given", "of", "changes", "again"), ORDER, ids=[row[0] for row in ORDER])
def test_a_permit_is_refused_by_the_first_rule_that_forbids_it(
    code: str, kind: str, given: Contact, of: Campaign, changes: dict[str, Any], again: datetime | None
) -> None:
    facts, refusal = ask(given, of, **changes)
    assert refusal == PermitRefusal(kind, code, again)  # type: ignore[arg-type]
    assert bool(facts) is (code == "suppressed")


@pytest.mark.parametrize("status", [s for s in CampaignStatus if s is not CampaignStatus.RUNNING])
def test_only_a_running_campaign_gets_a_permit(status: CampaignStatus) -> None:
    assert ask(contact(), campaign(status)) == ([], PermitRefusal("temporary", "not_running"))


def test_a_deleted_campaign_gets_no_permit() -> None:
    running = campaign()
    deleted = Campaign(CAMPAIGN, WORKSPACE, running.settings, 1, running.status, 3, NOON, deleted=True)
    assert ask(contact(), deleted) == ([], PermitRefusal("temporary", "not_running"))


@pytest.mark.parametrize("status", ["completed", "failed", "do_not_call"])
def test_a_finished_contact_gets_no_permit(status: str) -> None:
    assert ask(contact(status, attempt=1)) == ([], PermitRefusal("permanent", "not_callable"))


def test_a_suppressed_contact_becomes_do_not_call_by_asking() -> None:
    given = contact("rescheduled", attempt=1, due_at=NOON)
    facts, refusal = ask(given, suppressed=True)
    assert refusal == PermitRefusal("permanent", "suppressed")
    assert facts == [
        changed(
            "rescheduled",
            "do_not_call",
            attempt=1,
            reason="suppressed",
            previous_attempt=1,
            previous_due_at=NOON,
        )
    ]
    assert ask(fold(given, facts), suppressed=True) == ([], PermitRefusal("permanent", "not_callable"))


def test_the_last_moment_before_the_end_date_still_gets_a_permit() -> None:
    ends = campaign(end_date=date(2026, 3, 2))
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    assert ask(contact(), ends, now=midnight - timedelta(microseconds=1))[1] is None
    assert ask(contact(), ends, now=midnight)[1] == PermitRefusal("temporary", "schedule_ended")


# --- opt-out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "attempt", "due_at", "waits"), WAITS)
def test_an_opt_out_reaches_only_who_waits(status: str, attempt: int, due_at: datetime | None, waits: bool) -> None:
    given = contact(status, attempt=attempt, due_at=due_at)
    facts = opt_out(given, max_attempts=3, reason="asked", now=NOON)
    expected = changed(
        status, "do_not_call", attempt=attempt, reason="asked", previous_attempt=attempt, previous_due_at=due_at
    )
    assert facts == ([expected] if waits else [])
    after = fold(given, facts)
    assert after.due_at == (None if waits else due_at)
    assert opt_out(after, max_attempts=3, reason="asked", now=NOON) == []


def test_an_opt_out_reaches_a_contact_that_waits_without_an_open_minute() -> None:
    (fact,) = opt_out(contact(callable=False), max_attempts=3, reason="asked", now=NOON)
    assert isinstance(fact, ContactStatusChanged)
    assert fact.status == "do_not_call"


# --- not callable ----------------------------------------------------------------------------------------------


def not_callable(version: int = 1) -> ContactNotCallable:
    return ContactNotCallable(
        at=NOON, campaign_id=CAMPAIGN, contact_id=ANNA, reason="no_open_minute", settings_version=version
    )


@pytest.mark.parametrize("status", EIGHT)
def test_a_contact_that_waits_is_marked_not_callable_and_keeps_its_status(status: ContactStatus) -> None:
    given = contact(status, attempt=1, due_at=LATER)
    facts = mark_not_callable(given, campaign(), not_callable(), now=NOON)
    after = fold(given, facts)
    assert bool(facts) is (status in WAITING)
    assert after.status is status
    assert (after.callable, after.not_callable_reason) == ((False, "no_open_minute") if facts else (True, None))
    assert mark_not_callable(after, campaign(), not_callable(), now=NOON) == []


def test_what_was_found_under_older_settings_is_looked_at_again() -> None:
    assert mark_not_callable(contact(), campaign(version=2), not_callable(1), now=NOON) == []
    (fact,) = mark_not_callable(contact(), campaign(version=2), not_callable(2), now=NOON)
    assert isinstance(fact, ContactCallabilityChanged)
    assert (fact.callable, fact.settings_version) == (False, 2)


# --- the fold --------------------------------------------------------------------------------------------------

IN_CALL = contact(
    "in_progress", attempt=1, call=LastCall(CALL, NOON, ContactStatus.PENDING, None, None), tries={Outcome.BUSY: 1}
)


def corrected(**values: Any) -> ContactCorrected:
    return ContactCorrected(
        **{
            "at": NOON,
            "campaign_id": CAMPAIGN,
            "contact_id": ANNA,
            "call_id": CALL,
            "day": NOON.date(),
            "old": Verdict(status=ContactStatus.COMPLETED, answered=True, reached=True, duration_seconds=20),
            "new": Verdict(status=ContactStatus.VOICEMAIL, answered=False, reached=False),
            "reason": "machine",
            "due_at": LATER,
            **values,
        }
    )


def test_evolve_knows_every_fact_of_the_stream() -> None:
    fields = {"at": NOON, "campaign_id": CAMPAIGN, "contact_id": ANNA}
    one_of_each: list[ContactStreamFact] = [
        changed("in_progress", "completed", call_id=CALL),
        corrected(),
        ContactCallabilityChanged(**fields, callable=False, reason="no_zone", settings_version=1),
        ContactTimeZonesChanged(**fields, time_zones=("Asia/Tokyo",)),
        ContactDetailsChanged(**fields, changed=("first_name",)),
    ]
    assert [type(fact) for fact in one_of_each] == list(get_args(ContactStreamFact))
    status, correction, callability, zones, details = (evolve(IN_CALL, fact) for fact in one_of_each)
    assert status.status == "completed"
    assert correction.status == "voicemail"
    assert (callability.callable, callability.not_callable_reason) == (False, "no_zone")
    assert zones.time_zones == ("Asia/Tokyo",)
    assert {state.version for state in (status, correction, callability, zones, details)} == {1}


def test_the_end_of_a_call_settles_it_and_counts_a_try_of_its_outcome() -> None:
    fact = changed(
        "in_progress",
        "no_answer",
        call_id=CALL,
        outcome=Outcome.BUSY,
        reason="busy",
        due_at=LATER,
        attempt=1,
        placed=True,
    )
    after = evolve(IN_CALL, fact)
    assert after.tries == {Outcome.BUSY: 2}
    assert after.call == LastCall(
        CALL, NOON, ContactStatus.PENDING, None, None, settled=True, counted_as=ContactStatus.NO_ANSWER
    )
    assert (after.status, after.reason, after.due_at) == ("no_answer", "busy", LATER)


def test_a_call_that_was_not_placed_is_no_try() -> None:
    fact = changed("in_progress", "pending", call_id=CALL, outcome=Outcome.NOT_PLACED, attempt=0)
    after = evolve(IN_CALL, fact)
    assert after.tries == {Outcome.BUSY: 1}
    assert after.attempt == 0


def test_the_first_person_who_answers_makes_the_contact_reached() -> None:
    fact = changed("in_progress", "completed", call_id=CALL, outcome=Outcome.HUMAN, answered=True, first_reached=True)
    assert evolve(IN_CALL, fact).reached_by == CALL


def test_a_correction_takes_the_reach_of_its_call_away_but_no_other_calls() -> None:
    other = UUID(int=77)
    done = contact("completed", reason="answered", attempt=1, call=IN_CALL.call, reached_by=CALL)
    assert evolve(done, corrected()).reached_by is None
    still = Verdict(status=ContactStatus.VOICEMAIL, answered=False, reached=True)
    by_another = contact("completed", reason="answered", attempt=2, call=IN_CALL.call, reached_by=other)
    assert evolve(by_another, corrected(new=still)).reached_by == other


def test_a_correction_of_an_older_call_leaves_the_newest_as_it_is() -> None:
    newest = LastCall(UUID(int=78), NOON, ContactStatus.NO_ANSWER, None, "busy", settled=True)
    done = contact("no_answer", reason="busy", attempt=2, call=newest)
    assert evolve(done, corrected(call_id=CALL)).call == newest


def test_the_list_folds_to_its_contacts() -> None:
    added = ContactsAdded(
        at=NOON,
        campaign_id=CAMPAIGN,
        contact_ids=(ANNA, BEN),
        zone_lists=(("Europe/Berlin",), ("America/Denver", "America/Phoenix")),
        zone_index=(1, 0),
        do_not_call=(BEN,),
        pending_count=1,
        do_not_call_count=1,
    )
    started = CampaignStarted(at=NOON, campaign_id=CAMPAIGN, settings_version=1)
    granted = changed("pending", "in_progress", call_id=CALL)
    folded = fold_contacts([added, started, granted])
    assert folded[ANNA].time_zones == ("America/Denver", "America/Phoenix")
    assert (folded[ANNA].status, folded[ANNA].version) == ("in_progress", 1)
    assert (folded[BEN].status, folded[BEN].reason, folded[BEN].version) == ("do_not_call", "suppressed", 0)
    removed = ContactsRemoved(at=NOON, campaign_id=CAMPAIGN, contact_ids=(BEN,), counts={ContactStatus.DO_NOT_CALL: 1})
    log: list[Fact] = [added, started, granted, removed]
    assert set(fold_contacts(log)) == {ANNA}
