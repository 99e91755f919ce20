"""Call reports on a real PostgreSQL: applied once, in order, whatever comes twice, late, or about what is gone."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from campaign_command import callability
from campaign_command.campaign import Refused
from campaign_command.contact import DO_NOT_CALL, IN_PROGRESS, fold_contacts
from campaign_command.housekeeping import pause_ended, purge, settle_overdue
from campaign_command.permits import Ask, Granted
from campaign_events.facts import (
    CallAnswered,
    CallCorrected,
    CampaignCompleted,
    CampaignPaused,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactNotCallable,
    ContactStatusChanged,
    NumberSuppressed,
)
from campaign_events.positions import Gap, Received, UnknownLog
from campaign_events.settings import Conversation, Outcome

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, DialerLog

NUMBER, OTHER = "+493023111111", "+493023111112"


def _changes(desk: "Desk", contact_id: UUID) -> list[ContactStatusChanged]:
    return [f for f in desk.facts() if isinstance(f, ContactStatusChanged) and f.contact_id == contact_id]


def _not_callable(desk: "Desk", campaign_id: UUID, index: int = 0, version: int = 1) -> ContactNotCallable:
    return ContactNotCallable(
        at=desk.now(),
        campaign_id=campaign_id,
        contact_id=desk.contact(campaign_id, index).contact_id,
        reason="no_open_minute",
        settings_version=version,
    )


def _positions(desk: "Desk") -> list[dict[str, Any]]:
    return desk.rows("SELECT topic, partition, log, position FROM positions ORDER BY topic, partition")


# --- once, in order -----------------------------------------------------------------------------------------


def test_a_batch_that_comes_twice_or_overlaps_is_applied_once(desk: "Desk") -> None:
    campaign_id = desk.running(4, retry={"no_answer": {"delays_seconds": [60]}})
    asks = [desk.granted(contact) for contact in desk.contacts(campaign_id)]
    received = desk.dialer.received(
        *(fact for ask in asks for fact in (desk.placed(ask), desk.ended(ask, Outcome.NO_ANSWER))),
        workspace=desk.workspace,
    )
    assert desk.feed(received[:5]) == 5
    after_some = desk.log()[-1][0]
    assert desk.feed(received[:5]) == 0
    assert desk.log()[-1][0] == after_some
    assert desk.feed(received[2:]) == 3
    end, contacts = desk.log()[-1][0], desk.contacts(campaign_id)
    assert desk.feed(received) == 0
    assert desk.feed(received[-1:]) == 0
    assert (desk.log()[-1][0], desk.contacts(campaign_id)) == (end, contacts)
    assert [contact.attempt for contact in contacts] == [1, 1, 1, 1]
    (position,) = _positions(desk)
    assert position == {
        "topic": "call-events",
        "partition": received[0].partition,
        "log": desk.dialer.log,
        "position": received[-1].event.position,
    }


def test_a_report_that_fails_moves_no_position(desk: "Desk", monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = desk.running(1)
    ask = desk.granted(desk.contact(campaign_id))
    received = desk.dialer.received(desk.ended(ask, Outcome.HUMAN), workspace=desk.workspace)
    with monkeypatch.context() as patched:
        patched.setattr("campaign_command.reports.complete_if_done", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.feed(received)
    assert (_positions(desk), desk.contact(campaign_id).status) == ([], IN_PROGRESS)
    assert desk.feed(received) == 1
    assert desk.contact(campaign_id).status == "completed"


def test_a_gap_stops_and_changes_nothing(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    one, two = [desk.granted(contact) for contact in desk.contacts(campaign_id)]
    received = desk.dialer.received(
        desk.ended(one, Outcome.HUMAN), desk.placed(two), desk.ended(two, Outcome.HUMAN), workspace=desk.workspace
    )
    desk.feed(received[:1])
    before = desk.log()[-1][0]
    with pytest.raises(Gap, match="position 3 follows 2, applied so far 1"):
        desk.feed(received[2:])
    assert (desk.log()[-1][0], _positions(desk)[0]["position"]) == (before, 1)
    desk.feed(received[1:])
    assert desk.campaign(campaign_id).status == "completed"


def test_another_log_is_refused_on_every_partition(desk: "Desk") -> None:
    """A dialer's database that was restored or made anew counts from the beginning: not ours to guess."""
    first = desk.running(1)
    desk.report(desk.ended(desk.granted(desk.contact(first)), Outcome.HUMAN))
    known = _positions(desk)
    other_log: DialerLog = type(desk.dialer)()
    for _ in range(3):  # in whatever partition
        campaign_id = desk.running(1)
        ask = desk.granted(desk.contact(campaign_id))
        with pytest.raises(UnknownLog, match=str(other_log.log)):
            desk.feed(other_log.received(desk.ended(ask, Outcome.HUMAN), workspace=desk.workspace))
        assert desk.contact(campaign_id).status is IN_PROGRESS
    assert _positions(desk) == known


def test_a_fact_of_a_later_version_is_skipped_and_its_position_kept(desk: "Desk") -> None:
    from campaign_events.envelope import decode, encode

    campaign_id = desk.running(1)
    ask = desk.granted(desk.contact(campaign_id))
    first, second = desk.dialer.received(desk.placed(ask), desk.ended(ask, Outcome.HUMAN), workspace=desk.workspace)
    line = encode(first.event).replace(b'"CallPlaced"', b'"CallTransferred"')
    unknown = Received(first.topic, first.partition, first.offset, decode(line))
    assert desk.feed([unknown, second]) == 2
    assert desk.contact(campaign_id).status == "completed"
    assert _positions(desk)[0]["position"] == 2


def test_several_reports_about_one_contact_in_one_batch_build_on_each_other(desk: "Desk") -> None:
    campaign_id = desk.running(1, success_rule="reported")
    ask = desk.granted(desk.contact(campaign_id))
    at = desk.now()
    answered = CallAnswered(at=at, campaign_id=campaign_id, contact_id=ask.contact_id, call_id=ask.call_id)
    desk.report(
        desk.placed(ask),
        answered,
        desk.ended(ask, Outcome.HUMAN),
        desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.GOAL_MET),
    )
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reason) == ("completed", "goal_met")
    names = desk.names(campaign_id)
    assert names[-3:] == ["ContactStatusChanged", "ContactCorrected", "CampaignCompleted"]


# --- each outcome settles -----------------------------------------------------------------------------------

SETTLED: list[tuple[Outcome, dict[str, Any], str, str | None, int]] = [
    (Outcome.HUMAN, {}, "completed", "answered", 1),
    (Outcome.HUMAN, {"conversation": Conversation.GOAL_MET}, "completed", "goal_met", 1),
    (Outcome.HUMAN, {"conversation": Conversation.GOAL_NOT_MET}, "failed", "goal_not_met", 1),
    (Outcome.HUMAN, {"conversation": Conversation.CALLBACK}, "rescheduled", "callback", 1),
    (Outcome.HUMAN, {"conversation": Conversation.DO_NOT_CALL}, "do_not_call", "asked", 1),
    (Outcome.MACHINE, {}, "voicemail", "machine", 1),
    (Outcome.FAX, {}, "failed", "fax", 1),
    (Outcome.ABANDONED, {}, "failed", "abandoned", 1),
    (Outcome.NO_ANSWER, {}, "no_answer", "no_answer", 1),
    (Outcome.BUSY, {}, "no_answer", "busy", 1),
    (Outcome.DECLINED, {}, "no_answer", "declined", 1),
    (Outcome.INVALID_NUMBER, {}, "failed", "invalid_number", 1),
    (Outcome.BLOCKED, {}, "failed", "blocked", 1),
    (Outcome.UNWANTED, {}, "do_not_call", "asked", 1),
    (Outcome.CONFIGURATION, {}, "pending", "configuration", 0),
    (Outcome.CARRIER_ERROR, {}, "pending", "carrier_error", 0),
    (Outcome.CANCELLED, {"rang": True}, "no_answer", "cancelled", 1),
    (Outcome.CANCELLED, {"rang": False}, "pending", None, 0),
    (Outcome.UNKNOWN, {}, "no_answer", "unknown", 1),
    (Outcome.NOT_PLACED, {}, "pending", None, 0),
]


def test_every_outcome_is_in_the_table() -> None:
    assert {outcome for outcome, *_ in SETTLED} == set(Outcome)


def test_every_outcome_settles_its_contact_and_frees_the_number(desk: "Desk") -> None:
    campaign_id = desk.running(len(SETTLED) + 1)
    contacts = desk.contacts(campaign_id)
    asks = [desk.ask_for(contact) for contact in contacts[:-1]]
    assert all(isinstance(answer, Granted) for answer in desk.permits(*asks))
    ends = [desk.ended(ask, outcome, **more) for ask, (outcome, more, *_) in zip(asks, SETTLED, strict=True)]
    assert desk.report(*ends) == len(SETTLED)
    found = [(c.status, c.reason, c.attempt) for c in desk.contacts(campaign_id)[:-1]]
    assert found == [(status, reason, attempt) for _, _, status, reason, attempt in SETTLED]
    assert desk.live() == []
    for ask, end, (outcome, _, _, _, attempt) in zip(asks, ends, SETTLED, strict=True):
        fact = _changes(desk, ask.contact_id)[-1]
        assert (fact.previous, fact.outcome, fact.call_id) == (IN_PROGRESS, outcome, ask.call_id)
        assert (fact.placed, fact.day is not None) == (attempt == 1, attempt == 1)
        assert fact.answered == fact.first_reached == (outcome in (Outcome.HUMAN, Outcome.ABANDONED))
        assert fact.duration_seconds == (10.0 if fact.answered else None)
        assert fact.ended_at == end.ended_at


@pytest.mark.parametrize(
    ("outcome", "delay"),
    [(Outcome.NO_ANSWER, 7200), (Outcome.BUSY, 900), (Outcome.DECLINED, 86400), (Outcome.CARRIER_ERROR, 120)],
)
def test_the_retry_clock_starts_when_the_attempt_ended(desk: "Desk", outcome: Outcome, delay: int) -> None:
    campaign_id = desk.running(1)
    end = desk.ended(desk.granted(desk.contact(campaign_id)), outcome)
    desk.report(end)
    assert desk.contact(campaign_id).due_at == end.ended_at + timedelta(seconds=delay)
    assert desk.campaign(campaign_id).status == "running"


def test_a_callback_is_due_when_the_person_asked_for_it(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    at = desk.now() + timedelta(days=3)
    one, two = [desk.granted(contact) for contact in desk.contacts(campaign_id)]
    desk.report(
        desk.ended(one, Outcome.HUMAN, conversation=Conversation.CALLBACK, callback_at=at),
        desk.ended(two, Outcome.HUMAN, conversation=Conversation.CALLBACK, callback_at=at + timedelta(days=90)),
    )
    first, second = desk.contacts(campaign_id)
    assert (first.status, first.due_at) == ("rescheduled", at)
    assert (second.status, second.reason) == ("failed", "callback_not_possible")


def test_a_carriers_fault_is_tried_again_and_given_up_beyond_its_cap(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    for turn in range(3):
        contact = desk.contact(campaign_id)
        assert (contact.status, contact.attempt) == ("pending", 0)
        desk.do(lambda tx: tx.cursor.execute("UPDATE contacts SET due_at = NULL"))
        desk.report(desk.ended(desk.granted(contact), Outcome.CARRIER_ERROR))
        assert desk.contact(campaign_id).tries == {"carrier_error": turn + 1}
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reason, contact.attempt) == ("failed", "carrier_error", 0)
    assert desk.campaign(campaign_id).status == "completed"


# --- later verdicts, older calls ----------------------------------------------------------------------------


def test_a_later_verdict_corrects_what_was_settled_by_default(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, Outcome.HUMAN))
    assert desk.contact(campaign_id).reached_by == ask.call_id
    machine = desk.ended(ask, Outcome.MACHINE, kind=CallCorrected)
    desk.report(machine)
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reached_by) == ("voicemail", None)
    fact = desk.facts(campaign_id)[-1]
    assert isinstance(fact, ContactCorrected)
    assert (fact.old.status, fact.old.answered, fact.old.reached, fact.old.duration_seconds) == (
        "completed",
        True,
        True,
        10.0,
    )
    assert (fact.new.status, fact.new.answered, fact.new.reached, fact.new.duration_seconds) == (
        "voicemail",
        False,
        False,
        None,
    )
    end = desk.log()[-1][0]
    desk.report(machine)  # the same again, as a new report
    assert desk.log()[-1][0] == end


def test_an_abandoned_call_is_failed_and_a_late_verdict_corrects_the_day_of_the_call(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    ask = desk.granted(desk.contact(campaign_id))
    yesterday = desk.now() - timedelta(seconds=1)
    desk.report(desk.ended(ask, Outcome.ABANDONED, started_at=yesterday))
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reason, contact.reached_by) == ("failed", "abandoned", ask.call_id)
    counted = _changes(desk, contact.contact_id)[-1]
    assert (counted.outcome, counted.answered, counted.placed) == (Outcome.ABANDONED, True, True)
    desk.report(desk.ended(ask, Outcome.MACHINE, kind=CallCorrected))
    fact = desk.facts(campaign_id)[-1]
    assert isinstance(fact, ContactCorrected)
    assert (fact.old.abandoned, fact.new.abandoned, fact.day) == (True, False, counted.day)
    assert desk.contact(campaign_id).status == "voicemail"


def test_late_contradicting_and_repeated_reports_correct_the_calls_day_once(desk: "Desk") -> None:
    """A machine's verdict after the hang-up, then the agent's own word, then both again, then another word."""
    campaign_id = desk.running(2)
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, Outcome.HUMAN))
    day = _changes(desk, ask.contact_id)[-1].day
    told = [
        desk.ended(ask, Outcome.MACHINE, kind=CallCorrected),
        desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.GOAL_NOT_MET),
        desk.ended(ask, Outcome.MACHINE, kind=CallCorrected),
        desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.GOAL_NOT_MET),
        desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.GOAL_MET),
    ]
    for report in told:
        desk.report(report)
    corrections = [fact for fact in desk.facts(campaign_id) if isinstance(fact, ContactCorrected)]
    steps = [(fact.old.status, fact.new.status, fact.day) for fact in corrections]
    assert steps == [("completed", "voicemail", day), ("voicemail", "failed", day)], "an agent's own report stands"


def test_under_the_french_preset_a_refusal_suppresses_the_number_for_sixty_days(desk: "Desk") -> None:
    french = {"weekly": {"mon": [["10:00", "13:00"]]}, "public_holidays": {"country": "FR"}}
    caps = [{"calls": 4, "window_seconds": 30 * 86_400}]
    settings = {"preset": "france", "schedule": french, "frequency_caps": caps}
    campaign_id, elsewhere = desk.draft([NUMBER, OTHER], **settings), desk.running([NUMBER, OTHER])
    with desk.store.recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute("UPDATE contacts SET consent_basis = 'contract' WHERE campaign_id = %s", (campaign_id,))
    desk.start(campaign_id)
    ask = desk.granted(desk.contact(campaign_id, 0))
    refusal = desk.ended(ask, Outcome.HUMAN, conversation=Conversation.GOAL_NOT_MET)
    desk.report(refusal)
    assert (desk.contact(campaign_id, 0).status, desk.contact(campaign_id, 0).reason) == ("failed", "goal_not_met")
    (entry,) = [fact for fact in desk.facts() if isinstance(fact, NumberSuppressed)]
    assert (entry.source, entry.scope, entry.expires_at) == ("agent", None, refusal.ended_at + timedelta(days=60))
    assert desk.contact(elsewhere, 0).status is DO_NOT_CALL, "in any campaign of the workspace"
    assert desk.contact(elsewhere, 1).status == "pending"
    desk.report(desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.GOAL_NOT_MET))
    assert len([fact for fact in desk.facts() if isinstance(fact, NumberSuppressed)]) <= 2
    other = desk.granted(desk.contact(campaign_id, 1))
    desk.report(desk.ended(other, Outcome.HUMAN, conversation=Conversation.GOAL_MET))
    assert desk.contact(elsewhere, 1).status == "pending", "who did not refuse may be called"


def test_without_such_a_preset_a_refusal_suppresses_nobody(desk: "Desk") -> None:
    campaign_id, elsewhere = desk.running([NUMBER, OTHER]), desk.running([NUMBER])
    ask = desk.granted(desk.contact(campaign_id, 0))
    desk.report(desk.ended(ask, Outcome.HUMAN, conversation=Conversation.GOAL_NOT_MET))
    assert desk.contact(elsewhere).status == "pending"


def test_an_agents_own_report_stands(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, Outcome.HUMAN, conversation=Conversation.GOAL_MET))
    end = desk.log()[-1][0]
    desk.report(desk.ended(ask, Outcome.MACHINE, kind=CallCorrected))
    desk.report(desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.GOAL_NOT_MET))
    assert desk.log()[-1][0] == end


def test_an_older_call_changes_only_that_a_person_answered_or_asked_not_to_be_called(desk: "Desk") -> None:
    campaign_id = desk.running([NUMBER, OTHER], retry={"no_answer": {"delays_seconds": [1]}})
    calls: list[Ask] = []
    for _ in range(2):
        desk.do(lambda tx: tx.cursor.execute("UPDATE contacts SET due_at = now() WHERE due_at IS NOT NULL"))
        calls.append(desk.granted(desk.contact(campaign_id)))
        desk.report(desk.ended(calls[-1], Outcome.NO_ANSWER))
    older = calls[0]
    before = desk.contact(campaign_id)
    desk.report(desk.ended(older, Outcome.BUSY, kind=CallCorrected))
    assert desk.contact(campaign_id) == before
    desk.report(desk.ended(older, Outcome.HUMAN, kind=CallCorrected))
    after = desk.contact(campaign_id)
    assert (after.status, after.due_at) == ("completed", None)
    assert after.reached_by == older.call_id
    desk.report(desk.ended(older, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.DO_NOT_CALL))
    assert desk.contact(campaign_id).status is DO_NOT_CALL
    assert desk.rows("SELECT number FROM suppressions") == [{"number": NUMBER}]


def test_a_report_about_an_older_call_does_not_end_the_one_that_is_live(desk: "Desk") -> None:
    campaign_id = desk.running([NUMBER])
    older = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(older, Outcome.NOT_PLACED))
    current = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(older, Outcome.NO_ANSWER, kind=CallCorrected))
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.call and contact.call.call_id) == (IN_PROGRESS, current.call_id)
    assert [row["call_id"] for row in desk.live()] == [current.call_id]


# --- the deadline -------------------------------------------------------------------------------------------


def _let_the_deadline_pass(desk: "Desk") -> datetime:
    desk.do(lambda tx: tx.cursor.execute("UPDATE live_calls SET deadline_at = now() - interval '1 second'"))
    return desk.now()


def test_a_contact_that_nobody_reports_is_settled_by_the_deadline(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    first, _ = desk.contacts(campaign_id)
    ask = desk.granted(first)
    assert desk.do(settle_overdue) == 0
    now = _let_the_deadline_pass(desk)
    assert desk.do(settle_overdue) == 1
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reason, contact.attempt) == ("no_answer", "unknown", 1)
    assert contact.due_at is not None
    assert contact.due_at > now + timedelta(seconds=7100)
    assert desk.live() == []
    assert desk.do(settle_overdue) == 0
    # The dialer comes back after all, and knows better.
    desk.report(desk.placed(ask), desk.ended(ask, Outcome.HUMAN, conversation=Conversation.GOAL_MET))
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.attempt, contact.due_at, contact.reached_by) == (
        "completed",
        1,
        None,
        ask.call_id,
    )
    (correction,) = [fact for fact in desk.facts(campaign_id) if isinstance(fact, ContactCorrected)]
    assert (correction.old.status, correction.new.status) == ("no_answer", "completed")


def test_the_deadline_of_the_last_contact_completes_the_campaign(desk: "Desk") -> None:
    campaign_id = desk.running(1, max_attempts=1)
    desk.granted(desk.contact(campaign_id))
    _let_the_deadline_pass(desk)
    desk.do(settle_overdue)
    assert desk.names(campaign_id)[-2:] == ["ContactStatusChanged", "CampaignCompleted"]


def test_the_deadline_frees_the_number_of_a_deleted_campaign(desk: "Desk") -> None:
    campaign_id = desk.running([NUMBER])
    desk.granted(desk.contact(campaign_id))
    desk.pause(campaign_id)
    desk.delete(campaign_id)
    other = desk.running([NUMBER])
    assert [a.code for a in desk.permits(desk.ask_for(desk.contact(other))) if a.result == "refused"] == ["number_live"]
    _let_the_deadline_pass(desk)
    end = desk.log()[-1][0]
    assert desk.do(settle_overdue) == 1
    assert desk.log()[-1][0] == end, "nothing follows a deletion"
    desk.granted(desk.contact(other))


# --- do not call --------------------------------------------------------------------------------------------


def test_do_not_call_reaches_every_campaign_of_the_workspace_and_completes_them(desk: "Desk") -> None:
    other_workspace, desk.workspace = desk.workspace, uuid4()
    desk.workspace, mine = other_workspace, desk.workspace
    foreign = desk.running([NUMBER])
    desk.workspace = mine
    calling = desk.running([NUMBER, OTHER])
    only_him = desk.running([NUMBER])
    both = desk.running([NUMBER, OTHER])
    draft = desk.draft([NUMBER])
    done = desk.running([NUMBER])
    desk.report(desk.ended(desk.granted(desk.contact(done)), Outcome.HUMAN))
    ask = desk.granted(desk.contact(calling))
    log = desk.log()[-1][0]
    desk.report(desk.ended(ask, Outcome.HUMAN, conversation=Conversation.DO_NOT_CALL))
    for campaign_id in (calling, only_him, both, draft):
        assert desk.contact(campaign_id).status is DO_NOT_CALL
    assert desk.contact(foreign).status == "pending"
    assert desk.contact(done).status == "completed", "finished contacts keep their status"
    statuses = [str(desk.campaign(i).status) for i in (calling, only_him, both, draft, foreign)]
    assert statuses == ["running", "completed", "running", "draft", "running"]
    facts = desk.facts(after=log)
    assert sum(isinstance(fact, NumberSuppressed) for fact in facts) == 1
    assert isinstance(desk.facts(only_him, after=log)[-1], CampaignCompleted), (
        "after the contact's fact, in the same transaction"
    )
    (entry,) = desk.rows("SELECT number, source, scope FROM suppressions")
    assert entry == {"number": NUMBER, "source": "agent", "scope": None}


def test_a_live_call_to_a_number_that_is_suppressed_meanwhile_ends_as_do_not_call(desk: "Desk") -> None:
    campaign_id, other = desk.running([NUMBER, OTHER]), desk.running([NUMBER])
    older = desk.granted(desk.contact(other))
    desk.report(desk.ended(older, Outcome.HUMAN))
    ask = desk.granted(desk.contact(campaign_id))
    # In one batch: the older call's agent says do not call, and the live call ends unanswered.
    desk.report(
        desk.ended(older, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.DO_NOT_CALL),
        desk.ended(ask, Outcome.HUMAN),
    )
    assert desk.contact(campaign_id).status is DO_NOT_CALL
    assert desk.contact(other).status is DO_NOT_CALL


@pytest.mark.parametrize("purged", [False, True])
def test_a_report_about_a_deleted_campaign_still_suppresses_the_number(desk: "Desk", purged: bool) -> None:
    campaign_id = desk.running([NUMBER])
    ask = desk.granted(desk.contact(campaign_id))
    desk.pause(campaign_id)
    desk.delete(campaign_id)
    if purged:
        assert purge(desk.store, before=desk.now() - timedelta(days=1)) == 1
        assert desk.contacts(campaign_id) == []
    waiting = desk.running([NUMBER])
    desk.report(desk.placed(ask), desk.ended(ask, Outcome.HUMAN, conversation=Conversation.DO_NOT_CALL))
    assert desk.rows("SELECT number FROM suppressions") == [{"number": NUMBER}]
    assert desk.contact(waiting).status is DO_NOT_CALL
    assert desk.names(campaign_id)[-1] == "CampaignDeleted"
    assert desk.live() == []


def test_no_report_adds_a_fact_after_a_deletion(desk: "Desk") -> None:
    campaign_id = desk.running(3)
    asks = [desk.granted(contact) for contact in desk.contacts(campaign_id)[:2]]
    not_callable = _not_callable(desk, campaign_id, 2)
    desk.report(desk.ended(asks[0], Outcome.HUMAN))
    desk.pause(campaign_id)
    desk.delete(campaign_id)
    desk.report(
        desk.ended(asks[1], Outcome.NO_ANSWER),
        desk.ended(asks[0], Outcome.MACHINE, kind=CallCorrected),
        not_callable,
    )
    assert desk.names(campaign_id)[-1] == "CampaignDeleted"


def test_a_report_that_names_another_campaign_than_its_contacts_changes_nothing(desk: "Desk") -> None:
    campaign_id, other = desk.running(1), desk.running(1)
    ask = desk.granted(desk.contact(campaign_id))
    end = desk.log()[-1][0]
    wrong = desk.ended(ask, Outcome.HUMAN).model_copy(update={"campaign_id": other})
    desk.report(wrong, _not_callable(desk, other).model_copy(update={"campaign_id": campaign_id}))
    assert desk.log()[-1][0] == end


def test_reports_about_strangers_are_counted_and_passed_over(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    ask = desk.granted(desk.contact(campaign_id))
    end = desk.log()[-1][0]
    stranger = desk.ended(ask, Outcome.HUMAN).model_copy(update={"contact_id": uuid4(), "call_id": uuid4()})
    gone = stranger.model_copy(update={"campaign_id": uuid4()})
    assert desk.report(stranger, gone) == 2
    assert desk.log()[-1][0] == end


# --- completion, cancel, callability ------------------------------------------------------------------------


def test_completion_follows_the_contacts_facts_in_their_transaction(desk: "Desk") -> None:
    campaign_id = desk.running(3)
    asks = [desk.granted(contact) for contact in desk.contacts(campaign_id)]
    for ask in asks[:2]:
        desk.report(desk.ended(ask, Outcome.HUMAN))
        assert desk.campaign(campaign_id).status == "running"
    log = desk.log()[-1][0]
    desk.report(desk.ended(asks[2], Outcome.INVALID_NUMBER))
    assert [type(fact).__name__ for fact in desk.facts(after=log)] == ["ContactStatusChanged", "CampaignCompleted"]
    xmins = desk.rows("SELECT DISTINCT xmin::text FROM campaign_command_events WHERE notification_id > %s", (log,))
    assert len(xmins) == 1


def test_a_paused_campaign_does_not_complete_until_it_is_resumed(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    ask = desk.granted(desk.contact(campaign_id))
    desk.pause(campaign_id)
    desk.report(desk.ended(ask, Outcome.HUMAN))
    assert desk.campaign(campaign_id).status == "paused"
    assert desk.resume(campaign_id)["status"] == "completed"
    assert desk.names(campaign_id)[-2:] == ["CampaignResumed", "CampaignCompleted"]


def test_a_call_in_progress_at_cancel_still_records_its_outcome_and_is_never_called_again(desk: "Desk") -> None:
    campaign_id = desk.running(3)
    one, two, _ = desk.contacts(campaign_id)
    asks = [desk.granted(one), desk.granted(two)]
    desk.cancel(campaign_id)
    assert desk.contacts(campaign_id)[2].status == "pending", "contacts not reached keep their status"
    desk.report(desk.ended(asks[0], Outcome.HUMAN), desk.ended(asks[1], Outcome.NO_ANSWER))
    after = desk.contacts(campaign_id)
    assert [(c.status, c.due_at) for c in after[:2]] == [("completed", None), ("no_answer", None)]
    assert desk.campaign(campaign_id).status == "cancelled"


def test_a_contact_that_cannot_be_called_does_not_hold_up_the_campaign_and_is_looked_at_again(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    stale = _not_callable(desk, campaign_id, 1, version=9)
    desk.report(stale)
    assert desk.contact(campaign_id, 1).callable
    desk.report(_not_callable(desk, campaign_id, 1))
    assert not desk.contact(campaign_id, 1).callable
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"description": "Longer hours"})
    contact = desk.contact(campaign_id, 1)
    assert (contact.callable, contact.not_callable_reason) == (True, None)
    desk.resume(campaign_id)
    desk.report(_not_callable(desk, campaign_id, 1, version=2))
    desk.report(desk.ended(desk.granted(desk.contact(campaign_id)), Outcome.HUMAN))
    assert desk.campaign(campaign_id).status == "completed"
    assert desk.contact(campaign_id, 1).status == "pending"
    flags = [fact.callable for fact in desk.facts(campaign_id) if isinstance(fact, ContactCallabilityChanged)]
    assert flags == [False, True, False]


def test_when_the_end_date_passes_the_campaign_is_paused(desk: "Desk") -> None:
    campaign_id, other = desk.running(2), desk.running(1)
    ask = desk.granted(desk.contact(campaign_id))
    desk.do(
        lambda tx: tx.cursor.execute(
            "UPDATE campaigns SET ends_at = now() - interval '1 second' WHERE campaign_id = %s", (campaign_id,)
        )
    )
    assert desk.do(pause_ended) == [campaign_id]
    assert desk.do(pause_ended) == []
    fact = desk.facts(campaign_id)[-1]
    assert isinstance(fact, CampaignPaused)
    assert fact.reason == "schedule_ended"
    assert desk.campaign(campaign_id).pause_reason == "schedule_ended"
    assert desk.campaign(other).status == "running"
    desk.report(desk.ended(ask, Outcome.HUMAN))
    assert desk.contact(campaign_id).status == "completed"


def test_the_contacts_table_equals_the_fold_of_the_log(desk: "Desk") -> None:
    campaign_id = desk.running(len(SETTLED))
    asks = [desk.granted(contact) for contact in desk.contacts(campaign_id)]
    desk.report(*(desk.ended(ask, outcome, **more) for ask, (outcome, more, *_) in zip(asks, SETTLED, strict=True)))
    desk.report(*(desk.ended(ask, Outcome.MACHINE, kind=CallCorrected) for ask in asks))
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"limits": {"max_attempts": 5}})
    folded = fold_contacts(desk.facts(campaign_id))
    assert {contact.contact_id: contact for contact in desk.contacts(campaign_id)} == folded


def test_an_edit_looks_again_at_a_chunk_and_the_campaign_resumes_when_all_are_looked_at(
    desk: "Desk", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callability, "MAX_CHUNK", 2)
    campaign_id = desk.running(4)
    found = [
        ContactNotCallable(
            at=desk.now(), campaign_id=campaign_id, contact_id=c.contact_id, reason="outside_hours", settings_version=1
        )
        for c in desk.contacts(campaign_id)[:3]
    ]
    desk.report(*found)
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"limits": {"ring_timeout_seconds": 45}})
    assert [c.callable for c in desk.contacts(campaign_id)].count(False) == 1, "more than a chunk waits for its turn"
    with pytest.raises(Refused) as refused:
        desk.resume(campaign_id)
    assert refused.value.code == "contacts_being_checked"
    assert desk.do(callability.look_again_somewhere) == 1
    assert desk.do(callability.look_again_somewhere) == 0
    desk.resume(campaign_id)
    assert all(c.callable for c in desk.contacts(campaign_id))
