"""The campaign list: given facts, then the row."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from analytics_projector import oracle
from analytics_projector.campaign_list import CampaignRow, evolve, progress, worked
from campaign_events.envelope import Event, Malformed, UnknownFact, decode, wrap
from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignFact,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    ContactTimeZonesChanged,
    Verdict,
)
from campaign_events.schedule import Schedule
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus, Limits

CAMPAIGN, WORKSPACE, LOG = uuid4(), uuid4(), uuid4()
ANNA, BEN, CARL, DORA = (uuid4() for _ in range(4))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MONDAY = date(2026, 3, 2)
LATER = NOON + timedelta(hours=2)
FACT: dict[str, Any] = {"at": NOON, "campaign_id": CAMPAIGN}


def settings(**changes: Any) -> CampaignSettings:
    return CampaignSettings(**{"name": "Spring", "limits": Limits(max_attempts=3), **changes})


def created(**changes: Any) -> CampaignCreated:
    return CampaignCreated(**FACT, workspace=WORKSPACE, settings=settings(**changes))


def added(*contacts: UUID, do_not_call: tuple[UUID, ...] = ()) -> ContactsAdded:
    return ContactsAdded(
        **FACT,
        contact_ids=contacts,
        zone_lists=(("UTC",),),
        zone_index=(0,) * len(contacts),
        do_not_call=do_not_call,
        pending_count=len(contacts) - len(do_not_call),
        do_not_call_count=len(do_not_call),
    )


def called(contact: UUID, *, attempt: int = 1, previous: str = "pending") -> ContactStatusChanged:
    before: dict[str, Any] = {"previous_attempt": attempt - 1}
    if previous != "pending":
        before["previous_due_at"] = NOON
    return ContactStatusChanged(
        **FACT, contact_id=contact, previous=previous, status="in_progress", attempt=attempt, **before
    )


def ended(contact: UUID, status: str, *, attempt: int = 1, **figures: Any) -> ContactStatusChanged:
    call = {"placed": True, "day": MONDAY, **figures}
    return ContactStatusChanged(
        **FACT,
        contact_id=contact,
        previous="in_progress",
        previous_attempt=attempt,
        status=status,
        attempt=attempt,
        **call,
    )


def answered(contact: UUID, status: str = "completed", *, seconds: float = 60.0, **more: Any) -> ContactStatusChanged:
    return ended(contact, status, answered=True, first_reached=True, duration_seconds=seconds, **more)


def given(*facts: CampaignFact) -> CampaignRow:
    row: CampaignRow | None = None
    for event in events_of(*facts):
        row = evolve(row, event)
    assert row is not None
    return row


def events_of(*facts: CampaignFact) -> list[Event[Any]]:
    return [
        wrap(
            fact,
            log=LOG,
            position=position,
            prior=position - 1,
            stream_version=position,
            workspace=WORKSPACE,
            correlation_id=None,
            causation_id=None,
        )
        for position, fact in enumerate(facts, start=1)
    ]


def test_a_created_campaign_is_a_draft_without_contacts() -> None:
    row = given(created(description="Call all", agent_id="agent-7", schedule=Schedule(time_zone="Europe/Berlin")))
    assert (row.id, row.workspace, row.position) == (CAMPAIGN, WORKSPACE, 1)
    assert (row.name, row.description, row.status) == ("Spring", "Call all", CampaignStatus.DRAFT)
    assert (row.agent_id, row.plan.time_zone, row.plan.max_attempts) == ("agent-7", "Europe/Berlin", 3)
    assert (row.contacts.total, progress(row), worked(row)) == (0, None, None)


def test_the_life_of_a_campaign_is_told_by_its_status() -> None:
    start = (created(), CampaignStarted(**FACT, settings_version=1))
    paused = (*start, CampaignPaused(**FACT, reason="schedule_ended"))
    assert (given(*start).status, given(*start).started_at) == (CampaignStatus.RUNNING, NOON)
    assert (given(*paused).status, given(*paused).paused_reason) == (CampaignStatus.PAUSED, "schedule_ended")
    resumed = given(*paused, CampaignResumed(**FACT, settings_version=1))
    assert (resumed.status, resumed.paused_reason) == (CampaignStatus.RUNNING, None)
    cancelled = given(*paused, CampaignCancelled(**FACT, previous="paused"))
    assert (cancelled.status, cancelled.ended_at, cancelled.paused_reason) == (CampaignStatus.CANCELLED, NOON, None)
    completed = given(*start, CampaignCompleted(**FACT))
    assert (completed.status, completed.ended_at) == (CampaignStatus.COMPLETED, NOON)


def test_an_edit_changes_what_the_list_shows() -> None:
    edit = CampaignEdited(
        **FACT, settings=settings(name="Summer", limits=Limits(max_attempts=5)), settings_version=2, changed=("name",)
    )
    row = given(created(), edit)
    assert (row.name, row.settings_version, row.plan.max_attempts) == ("Summer", 2, 5)


def test_contacts_count_by_the_status_they_start_with() -> None:
    counts = given(created(), added(ANNA, BEN, CARL, do_not_call=(CARL,))).contacts
    assert (counts.total, counts.pending, counts.do_not_call) == (3, 2, 1)


def test_removed_contacts_leave_their_statuses_and_their_reach() -> None:
    row = given(
        created(),
        added(ANNA, BEN),
        called(ANNA),
        answered(ANNA),
        ContactsRemoved(**FACT, contact_ids=(ANNA,), counts={"completed": 1}, reached=1),
    )
    assert (row.contacts.total, row.contacts.pending, row.contacts.completed, row.reached) == (1, 1, 0, 0)
    assert row.calls.completed == 1, "the call was made, whoever is on the list"


def test_a_call_moves_its_contact_and_counts_once() -> None:
    row = given(created(), added(ANNA, BEN), called(ANNA))
    assert (row.contacts.pending, row.contacts.in_progress, row.calls.placed) == (1, 1, 0)
    row = given(created(), added(ANNA, BEN), called(ANNA), answered(ANNA, seconds=30.5))
    assert (row.contacts.in_progress, row.contacts.completed) == (0, 1)
    assert (row.calls.placed, row.calls.answered, row.calls.completed, row.reached) == (1, 1, 1, 1)
    assert (row.calls.talk_milliseconds, row.calls.talk_calls) == (30_500, 1)


def test_a_call_that_was_not_placed_counts_nowhere() -> None:
    row = given(created(), added(ANNA), called(ANNA), ended(ANNA, "pending", attempt=0, placed=False, day=None))
    assert (row.contacts.pending, row.calls.placed, row.calls.no_answer) == (1, 0, 0)


def test_a_person_found_to_have_answered_an_older_call_is_reached_and_no_call_is_placed() -> None:
    found = ContactStatusChanged(
        **FACT,
        contact_id=ANNA,
        previous="no_answer",
        previous_attempt=2,
        previous_due_at=LATER,
        status="completed",
        attempt=2,
        answered=True,
        first_reached=True,
        duration_seconds=20,
        day=MONDAY,
    )
    no_answer: dict[str, Any] = {"due_at": LATER}
    row = given(
        created(),
        added(ANNA),
        called(ANNA),
        ended(ANNA, "no_answer", **no_answer),
        called(ANNA, attempt=2, previous="no_answer"),
        ended(ANNA, "no_answer", attempt=2, **no_answer),
        found,
    )
    assert (row.contacts.completed, row.reached, row.retries) == (1, 1, {})
    assert (row.calls.placed, row.calls.answered, row.calls.completed, row.calls.talk_calls) == (2, 1, 0, 1)


def test_a_final_fact_that_keeps_the_status_still_counts_its_call() -> None:
    fact = ContactStatusChanged(
        **FACT, contact_id=ANNA, previous="do_not_call", status="do_not_call", attempt=1, placed=True, day=MONDAY
    )
    row = given(created(), added(ANNA, do_not_call=(ANNA,)), fact)
    assert (row.contacts.do_not_call, row.calls.placed, row.calls.do_not_call) == (1, 1, 1)


def test_a_correction_moves_the_contact_and_the_figures() -> None:
    correction = ContactCorrected(
        **FACT,
        contact_id=ANNA,
        call_id=uuid4(),
        old=Verdict(status="completed", answered=True, reached=True, duration_seconds=60),
        new=Verdict(status="voicemail", answered=False, reached=False),
        day=MONDAY,
        attempt=1,
        due_at=LATER,
    )
    row = given(created(), added(ANNA), called(ANNA), answered(ANNA), correction)
    assert (row.contacts.completed, row.contacts.voicemail, row.retries) == (0, 1, {1: 1})
    assert (row.calls.placed, row.calls.answered, row.calls.completed, row.calls.voicemail) == (1, 0, 0, 1)
    assert (row.reached, row.calls.talk_milliseconds, row.calls.talk_calls) == (0, 0, 0)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([answered(ANNA)], 0.25),
        ([ended(ANNA, "failed")], 0.25),
        ([ended(ANNA, "no_answer", due_at=LATER)], 0.0),
        ([ended(ANNA, "no_answer")], 0.25),
        ([ended(ANNA, "rescheduled", due_at=LATER)], 0.0),
        ([ended(ANNA, "no_answer", due_at=LATER), called(ANNA, attempt=2, previous="no_answer")], 0.0),
    ],
)
def test_worked_is_the_share_of_contacts_with_nothing_left_to_do(
    ends: list[ContactStatusChanged], expected: float
) -> None:
    assert worked(given(created(), added(ANNA, BEN, CARL, DORA), called(ANNA), *ends)) == expected


def test_the_attempts_of_the_current_settings_decide_what_is_left_to_do() -> None:
    facts = (created(), added(ANNA, BEN), called(ANNA), ended(ANNA, "no_answer", due_at=LATER))
    assert worked(given(*facts)) == 0
    lowered = CampaignEdited(**FACT, settings=settings(limits=Limits(max_attempts=1)), settings_version=2, changed=())
    raised = CampaignEdited(**FACT, settings=settings(limits=Limits(max_attempts=2)), settings_version=3, changed=())
    assert worked(given(*facts, lowered)) == 0.5
    assert worked(given(*facts, lowered, raised)) == 0


def test_an_opt_out_of_an_exhausted_contact_takes_no_retry_from_another() -> None:
    opt_out = ContactStatusChanged(
        **FACT, contact_id=BEN, previous="no_answer", previous_attempt=1, status="do_not_call", attempt=1
    )
    row = given(
        created(),
        added(ANNA, BEN),
        called(ANNA),
        ended(ANNA, "no_answer", due_at=LATER),
        called(BEN),
        ended(BEN, "no_answer"),
        opt_out,
    )
    assert (row.retries, worked(row)) == ({1: 1}, 0.5)


def test_removed_contacts_take_their_retries_along() -> None:
    removed = ContactsRemoved(**FACT, contact_ids=(ANNA,), counts={"no_answer": 1}, retries={1: 1})
    row = given(created(), added(ANNA, BEN), called(ANNA), ended(ANNA, "no_answer", due_at=LATER), removed)
    assert (row.retries, row.contacts.total) == ({}, 1)


def test_a_completed_campaign_has_worked_all_but_reached_only_some() -> None:
    row = given(
        created(),
        added(ANNA, BEN, CARL),
        CampaignStarted(**FACT, settings_version=1),
        called(ANNA),
        answered(ANNA),
        ContactCallabilityChanged(
            **FACT, contact_id=BEN, callable=False, reason="no_common_open_minute", settings_version=1
        ),
        called(CARL),
        ended(CARL, "no_answer"),
        CampaignCompleted(**FACT),
    )
    assert (worked(row), progress(row)) == (1.0, 1 / 3)


def test_an_inbound_campaign_receives_calls_and_has_no_progress() -> None:
    answer = oracle.views(events_of(created(type="inbound"), added(ANNA), called(ANNA), answered(ANNA)))[CAMPAIGN]
    figures = answer.campaign()["figures"]
    assert (figures["received"], figures["placed"]) == (1, None)
    assert (figures["progress"], figures["worked"]) == (None, None)
    assert (figures["success_rate"], figures["answer_rate"]) == (1.0, 1.0)


def test_nothing_divided_by_nothing_is_null() -> None:
    figures = oracle.views(events_of(created()))[CAMPAIGN].campaign()["figures"]
    ratios = ("success_rate", "answer_rate", "conversion", "average_call_duration_seconds", "progress", "worked")
    assert {name: figures[name] for name in ratios} == dict.fromkeys(ratios)


def test_a_deleted_campaign_leaves_a_tombstone_that_keeps_only_its_position() -> None:
    row = given(created(), added(ANNA), CampaignDeleted(**FACT, previous="draft"))
    assert (row.deleted, row.position, row.name, row.contacts.total) == (True, 3, "", 0)


def test_facts_about_zones_and_callability_move_only_the_position() -> None:
    before = given(created(), added(ANNA))
    after = given(
        created(), added(ANNA), ContactTimeZonesChanged(**FACT, contact_id=ANNA, time_zones=("Europe/Berlin",))
    )
    assert (after.position, after.contacts) == (3, before.contacts)


def test_an_unknown_fact_moves_only_the_position() -> None:
    line = events_of(created(), CampaignCompleted(**FACT))[1].model_dump_json().replace("CampaignCompleted", "NewFact")
    event = decode(line.encode())
    assert isinstance(event.data, UnknownFact)
    row = given(created())
    after = evolve(row, event)
    assert after is not None
    assert (after.position, after.status) == (2, CampaignStatus.DRAFT)
    assert evolve(None, event) is None


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ([added(ANNA)], "comes before its CampaignCreated"),
        ([created(), created()], "created a second time"),
        ([created(), called(ANNA)], "leaves pending, where there is none"),
        ([created(), ContactsRemoved(**FACT, contact_ids=(ANNA,), counts={"pending": 1})], "where there are fewer"),
        ([created(), added(ANNA), called(ANNA), ended(ANNA, "no_answer", day=None)], "no day they belong to"),
        (
            [created(), ContactsAdded(**FACT, contact_ids=(ANNA,), zone_lists=(), zone_index=(), pending_count=2)],
            "its counts 2 pending",
        ),
    ],
)
def test_facts_that_cannot_follow_each_other_are_malformed(facts: list[CampaignFact], complaint: str) -> None:
    with pytest.raises(Malformed, match=complaint):
        given(*facts)


def test_the_answer_shows_the_row_as_it_is() -> None:
    view = oracle.views(events_of(created(), added(ANNA, BEN), called(ANNA), answered(ANNA)))[CAMPAIGN]
    answer = view.campaign()
    assert answer["contacts"] == {
        **dict.fromkeys([s.value for s in ContactStatus], 0),
        "total": 2,
        "pending": 1,
        "completed": 1,
    }
    assert answer["settings"]["name"] == "Spring"
    beside = {name: answer[name] for name in ("settings", "abandoned_30_days")}
    assert {**view.list_item(), **beside} == answer
