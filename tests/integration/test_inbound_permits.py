"""Inbound campaigns on a real PostgreSQL: who may be answered, what becomes of who rings, and whom it spares a call."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from campaign_command.campaign import Refused
from campaign_command.contact import DO_NOT_CALL, IN_PROGRESS, Contact, fold_contacts
from campaign_command.contacts import NewContact, add_contacts
from campaign_command.housekeeping import settle_overdue
from campaign_command.inbound import InboundAsk, InboundGranted, InboundRefused, answer_ask
from campaign_command.permits import Ask, Granted, NotGranted
from campaign_command.store import now_of
from campaign_command.suppressions import suppress
from campaign_command.workspaces import change
from campaign_events.facts import CallCorrected, CallEnded, CampaignCompleted, ContactStatusChanged, NumberSuppressed
from campaign_events.settings import Conversation, Outcome

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

LINE, OTHER_LINE = "+493023125000", "+493023125001"
CALLER, SECOND_CALLER = "+493023112345", "+493023112346"


def _inbound(desk: "Desk", *, line: str = LINE, **changes: Any) -> UUID:
    return desk.running([], type="inbound", caller_numbers=(line,), **changes)


def _ask(desk: "Desk", campaign_id: UUID, *, caller: str = CALLER, line: str = LINE, **changes: Any) -> InboundAsk:
    version = desk.campaign(campaign_id).settings_version
    values = {"call_id": uuid4(), "campaign_id": campaign_id, "settings_version": version, "caller": caller}
    return InboundAsk(**(values | {"number": line} | changes))


def _answer(desk: "Desk", ask: InboundAsk) -> InboundGranted | InboundRefused:
    answer: InboundGranted | InboundRefused = desk.do(lambda tx: answer_ask(tx, ask, desk.terms))
    return answer


def _code(desk: "Desk", ask: InboundAsk) -> str:
    answer = _answer(desk, ask)
    return "granted" if isinstance(answer, InboundGranted) else answer.code


def _rings(desk: "Desk", campaign_id: UUID, *, caller: str = CALLER) -> Ask:
    """Somebody rings and may be answered: the call as the dialer reports on it."""
    answer = _answer(desk, _ask(desk, campaign_id, caller=caller))
    assert isinstance(answer, InboundGranted), answer
    return Ask(
        call_id=answer.call_id,
        campaign_id=campaign_id,
        contact_id=answer.contact_id,
        attempt=answer.attempt,
        settings_version=answer.settings_version,
    )


def _ends(desk: "Desk", call: Ask, outcome: Outcome = Outcome.HUMAN, **more: Any) -> None:
    fact: dict[str, Any] = {"kind": CallEnded, **more}
    ended = desk.ended(call, outcome, **fact)
    desk.report(ended.model_copy(update={"kind": "inbound"}))


def _corrects(desk: "Desk", call: Ask, conversation: Conversation, **more: Any) -> None:
    _ends(desk, call, kind=CallCorrected, conversation=conversation, **more)


def _changes(desk: "Desk", contact: Contact) -> list[ContactStatusChanged]:
    return [f for f in desk.facts() if isinstance(f, ContactStatusChanged) and f.contact_id == contact.contact_id]


def _opt_out(desk: "Desk", number: str) -> None:
    desk.do(lambda tx: suppress(tx, [number], workspace=desk.workspace, source="api", now=now_of(tx.cursor)))


def _as_the_log_says(desk: "Desk", *campaign_ids: UUID) -> None:
    folded = fold_contacts(desk.facts())
    for campaign_id in campaign_ids:
        for contact in desk.contacts(campaign_id):
            assert contact == folded[contact.contact_id]


# --- two campaigns and one number ---------------------------------------------------------------------------


def test_two_running_inbound_campaigns_cannot_share_a_number(desk: "Desk") -> None:
    first = _inbound(desk)
    second = desk.draft([], type="inbound", caller_numbers=(OTHER_LINE, LINE))
    with pytest.raises(Refused) as refused:
        desk.start(second)
    assert refused.value.code == "number_in_use"
    assert refused.value.extra["number"] == LINE
    assert refused.value.extra["campaign_id"] == str(first)
    desk.pause(first)
    desk.start(second)
    with pytest.raises(Refused, match="pause that one first"):
        desk.resume(first)
    desk.edit(first, {"caller_numbers": ["+493023125002"]})
    desk.resume(first)
    assert _code(desk, _ask(desk, second)) == "granted"


@pytest.mark.parametrize("leave", ["pause", "cancel"])
def test_a_number_is_free_when_its_campaign_no_longer_runs(desk: "Desk", leave: str) -> None:
    first = _inbound(desk)
    getattr(desk, leave)(first)
    _inbound(desk)


def test_a_number_of_another_workspace_is_refused_without_saying_whose(desk: "Desk") -> None:
    _inbound(desk)
    desk.workspace = uuid4()
    second = desk.draft([], type="inbound")
    with pytest.raises(Refused) as refused:
        desk.start(second)
    assert (refused.value.code, refused.value.extra["campaign_id"]) == ("number_in_use", None)


def test_an_outbound_campaign_may_call_from_a_number_that_an_inbound_one_answers(desk: "Desk") -> None:
    _inbound(desk)
    desk.running(1, caller_numbers=(LINE,))


# --- who may be answered ------------------------------------------------------------------------------------


def test_who_rings_becomes_a_contact_and_a_call(desk: "Desk") -> None:
    campaign_id = _inbound(desk, custom_prompt="Help them.", limits={"max_call_seconds": 600})
    answer = _answer(desk, _ask(desk, campaign_id))
    assert isinstance(answer, InboundGranted)
    (contact,) = desk.contacts(campaign_id)
    assert (contact.status, contact.attempt, contact.contact_id) == (IN_PROGRESS, 1, answer.contact_id)
    assert contact.time_zones == ("Europe/Berlin",)
    assert (answer.agent_id, answer.prompt, answer.max_call_seconds) == ("agent-1", "Help them.", 600)
    (live,) = desk.live()
    assert (live["number"], live["caller_number"], live["reported"]) == (CALLER, LINE, False)
    assert desk.names(campaign_id)[-2:] == ["ContactsAdded", "ContactStatusChanged"]
    assert all(CALLER not in str(fact) for fact in desk.facts())


def test_a_known_number_is_that_contact(desk: "Desk") -> None:
    campaign_id = desk.running([CALLER], type="inbound")
    known = desk.contact(campaign_id)
    assert _rings(desk, campaign_id).contact_id == known.contact_id
    assert len(desk.contacts(campaign_id)) == 1


def test_the_same_call_gets_the_same_answer_while_its_permit_stands(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    ask = _ask(desk, campaign_id)
    first, again = _answer(desk, ask), _answer(desk, ask)
    assert isinstance(again, InboundGranted)
    assert again.model_copy(update={"expires_in_seconds": 2.0}) == first
    assert len(desk.live()) == 1
    call = Ask(
        **first.model_dump(include={"call_id", "contact_id", "attempt", "settings_version"}), campaign_id=campaign_id
    )
    desk.report(desk.placed(call))
    assert _code(desk, ask) == "call_closed"
    _ends(desk, call)
    assert _code(desk, ask) == "call_closed"


def test_a_permit_from_before_a_pause_is_void_for_good(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    ask = _ask(desk, campaign_id)
    assert _code(desk, ask) == "granted"
    desk.pause(campaign_id)
    assert _code(desk, ask) == "call_closed"
    desk.resume(campaign_id)
    assert _code(desk, ask) == "call_closed"


def test_a_campaign_that_does_not_run_answers_nobody(desk: "Desk") -> None:
    campaign_id = desk.draft([], type="inbound")
    assert _code(desk, _ask(desk, campaign_id)) == "not_running"
    desk.start(campaign_id)
    desk.pause(campaign_id)
    assert _code(desk, _ask(desk, campaign_id)) == "not_running"
    desk.cancel(campaign_id)
    assert _code(desk, _ask(desk, campaign_id)) == "not_running"
    assert desk.contacts(campaign_id) == []


def test_a_paused_workspace_answers_nobody(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    desk.do(lambda tx: change(tx, desk.workspace, {"paused_all": True}))
    assert _code(desk, _ask(desk, campaign_id)) == "workspace_paused"


def test_hours_that_were_checked_under_other_settings_do_not_count(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"description": "new"})
    desk.resume(campaign_id)
    assert _code(desk, _ask(desk, campaign_id, settings_version=1)) == "settings_changed"
    assert _code(desk, _ask(desk, campaign_id, line=OTHER_LINE)) == "settings_changed"
    assert _code(desk, _ask(desk, campaign_id)) == "granted"


def test_a_caller_who_is_on_the_phone_already_is_busy(desk: "Desk") -> None:
    campaign_id, outbound = _inbound(desk), desk.running([SECOND_CALLER])
    _rings(desk, campaign_id)
    assert _code(desk, _ask(desk, campaign_id)) == "number_live"
    desk.granted(desk.contact(outbound))
    assert _code(desk, _ask(desk, campaign_id, caller=SECOND_CALLER)) == "number_live"


def test_of_many_rings_of_one_number_at_once_one_is_answered(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    asks = [_ask(desk, campaign_id) for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda ask: _code(desk, ask), asks))
    assert sorted(codes) == ["granted", *["number_live"] * 23]
    assert len(desk.contacts(campaign_id)) == 1


def test_a_number_on_the_do_not_call_list_may_ring(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    _opt_out(desk, CALLER)
    call = _rings(desk, campaign_id)
    _ends(desk, call, conversation=Conversation.GOAL_MET)
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reached_by, contact.attempt) == (DO_NOT_CALL, call.call_id, 1)
    assert _changes(desk, contact)[-1].placed


def test_somebody_who_asked_not_to_be_called_rings_and_stays_so(desk: "Desk") -> None:
    campaign_id = desk.draft([], type="inbound")
    new = NewContact(number=CALLER, time_zones=("Europe/Berlin",), zone_source="number", do_not_call=True)
    desk.do(lambda tx: add_contacts(tx, campaign_id, [new], now=now_of(tx.cursor)))
    desk.start(campaign_id)
    for outcome in (Outcome.HUMAN, Outcome.CANCELLED, Outcome.NOT_PLACED):
        call = _rings(desk, campaign_id)
        _ends(desk, call, outcome, rang=True)
        assert desk.contact(campaign_id).status == DO_NOT_CALL
    _as_the_log_says(desk, campaign_id)


def test_what_the_dialer_turns_away_is_only_told_its_hash(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    answer = _answer(desk, _ask(desk, campaign_id, turned_away="outside_hours"))
    assert isinstance(answer, InboundRefused)
    assert (answer.code, len(answer.number_hash or "")) == ("outside_hours", 64)
    assert (desk.contacts(campaign_id), desk.live()) == ([], [])


def test_an_inbound_campaign_calls_nobody(desk: "Desk") -> None:
    campaign_id = desk.running([CALLER], type="inbound")
    (answer,) = desk.permits(desk.ask_for(desk.contact(campaign_id)))
    assert isinstance(answer, NotGranted)
    assert (answer.kind, answer.code) == ("permanent", "inbound_campaign")


# --- what becomes of who rings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "conversation", "status"),
    [
        (Outcome.HUMAN, Conversation.GOAL_MET, "completed"),
        (Outcome.HUMAN, Conversation.GOAL_NOT_MET, "failed"),
        (Outcome.HUMAN, Conversation.CALLBACK, "rescheduled"),
        (Outcome.HUMAN, Conversation.DO_NOT_CALL, "do_not_call"),
        (Outcome.HUMAN, None, "completed"),
        (Outcome.CANCELLED, None, "no_answer"),
        (Outcome.UNKNOWN, None, "no_answer"),
    ],
)
def test_a_call_makes_of_its_contact_what_it_would_anywhere_and_nobody_calls_again(
    desk: "Desk", outcome: Outcome, conversation: Conversation | None, status: str
) -> None:
    campaign_id = _inbound(desk)
    call = _rings(desk, campaign_id)
    at = desk.now() + timedelta(hours=2) if conversation is Conversation.CALLBACK else None
    _ends(desk, call, outcome, conversation=conversation, callback_at=at, rang=True)
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.due_at, contact.attempt) == (status, None, 1)
    last = _changes(desk, contact)[-1]
    assert (last.placed, last.answered, last.kind) == (True, outcome is Outcome.HUMAN, "inbound")
    assert desk.live() == []
    assert desk.campaign(campaign_id).status == "running"
    _as_the_log_says(desk, campaign_id)


def test_who_rings_again_after_the_end_gets_a_new_verdict(desk: "Desk") -> None:
    campaign_id = _inbound(desk, limits={"max_attempts": 1})
    for conversation in (Conversation.GOAL_MET, Conversation.GOAL_NOT_MET, Conversation.CALLBACK):
        _ends(desk, _rings(desk, campaign_id), conversation=conversation)
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.attempt) == ("rescheduled", 3)


def test_a_call_that_was_not_answered_after_all_leaves_its_contact_as_it_was(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    _ends(desk, _rings(desk, campaign_id), conversation=Conversation.GOAL_MET)
    _ends(desk, _rings(desk, campaign_id), Outcome.NOT_PLACED)
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reason, contact.attempt) == ("completed", "goal_met", 1)


def test_the_call_is_its_callers_though_the_dialer_never_learnt_who_that_is(desk: "Desk") -> None:
    """Killed between the permit and its answer: the dialer's row has a contact of its own invention."""
    campaign_id = _inbound(desk)
    call = _rings(desk, campaign_id)
    _ends(desk, call.model_copy(update={"contact_id": uuid4()}), Outcome.CANCELLED, rang=True)
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reason, desk.live()) == ("no_answer", "cancelled", [])


def test_no_caller_stays_in_progress_whatever_became_of_the_dialer(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    _rings(desk, campaign_id)
    desk.do(lambda tx: tx.cursor.execute("UPDATE live_calls SET deadline_at = now()"))
    assert desk.do(settle_overdue) == 1
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.reason, contact.due_at) == ("no_answer", "unknown", None)


def test_a_cancelled_campaign_takes_the_outcome_of_the_call_in_progress(desk: "Desk") -> None:
    campaign_id = _inbound(desk)
    call = _rings(desk, campaign_id)
    desk.cancel(campaign_id)
    _ends(desk, call, conversation=Conversation.GOAL_MET)
    assert desk.contact(campaign_id).status == "completed"


# --- whom it spares a call ----------------------------------------------------------------------------------


def test_a_waiting_contact_who_rings_gets_the_calls_outcome_uncounted(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER, SECOND_CALLER])
    _ends(desk, _rings(desk, inbound), conversation=Conversation.GOAL_MET)
    joined, other = desk.contacts(outbound)
    assert (joined.status, joined.reason, joined.attempt) == ("completed", "goal_met", 0)
    assert other.status == "pending"
    (fact,) = _changes(desk, joined)
    assert (fact.placed, fact.answered, fact.first_reached, fact.duration_seconds) == (False, False, True, None)
    assert fact.kind == "inbound"
    assert fact.day is not None
    _as_the_log_says(desk, inbound, outbound)


def test_the_last_open_contact_who_rings_completes_the_campaign(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER])
    _ends(desk, _rings(desk, inbound), conversation=Conversation.GOAL_NOT_MET)
    assert desk.campaign(outbound).status == "completed"
    assert isinstance(desk.facts(outbound)[-1], CampaignCompleted)


def test_nobody_is_rung_while_they_ring(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER])
    _rings(desk, inbound)
    (answer,) = desk.permits(desk.ask_for(desk.contact(outbound)))
    assert isinstance(answer, NotGranted)
    assert answer.code == "number_live"


def test_a_callback_asked_for_in_the_call_is_made_by_the_outbound_campaign(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER])
    at = desk.now() + timedelta(hours=3)
    _ends(desk, _rings(desk, inbound), conversation=Conversation.CALLBACK, callback_at=at)
    contact = desk.contact(outbound)
    assert (contact.status, contact.due_at, contact.attempt) == ("rescheduled", at, 0)
    assert desk.contact(inbound).due_at is None


def test_each_campaigns_own_success_rule_holds(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER], success_rule="reported")
    _ends(desk, _rings(desk, inbound))
    assert desk.contact(inbound).reason == "answered"
    assert desk.contact(outbound).reason == "no_outcome_reported"


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.UNKNOWN, Outcome.ABANDONED, Outcome.NOT_PLACED])
def test_only_a_conversation_spares_a_call(desk: "Desk", outcome: Outcome) -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER])
    _ends(desk, _rings(desk, inbound), outcome, rang=True)
    assert desk.contact(outbound).status == "pending"


def test_only_running_campaigns_that_want_it_join(desk: "Desk") -> None:
    inbound = _inbound(desk)
    paused, unwilling = desk.running([CALLER]), desk.running([CALLER], join_inbound=False)
    draft = desk.draft([CALLER])
    desk.pause(paused)
    _ends(desk, _rings(desk, inbound), conversation=Conversation.GOAL_MET)
    assert [desk.contact(one).status for one in (paused, unwilling, draft)] == ["pending"] * 3


def test_contacts_that_do_not_wait_keep_their_status(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER, SECOND_CALLER])
    desk.report(desk.ended(desk.granted(desk.contact(outbound)), Outcome.HUMAN, conversation=Conversation.GOAL_NOT_MET))
    _ends(desk, _rings(desk, inbound), conversation=Conversation.GOAL_MET)
    assert desk.contact(outbound).status == "failed"


def test_another_workspaces_contact_is_nobodys_business(desk: "Desk") -> None:
    theirs, ours = desk.workspace, uuid4()
    outbound = desk.running([CALLER])
    desk.workspace = ours
    inbound = _inbound(desk, line=OTHER_LINE)
    answer = _answer(desk, _ask(desk, inbound, line=OTHER_LINE))
    assert isinstance(answer, InboundGranted)
    call = Ask(
        **answer.model_dump(include={"call_id", "contact_id", "attempt", "settings_version"}), campaign_id=inbound
    )
    _ends(desk, call, conversation=Conversation.DO_NOT_CALL)
    desk.workspace = theirs
    assert desk.contact(outbound).status == "pending"


def test_do_not_call_said_to_an_inbound_agent_holds_everywhere(desk: "Desk") -> None:
    inbound, outbound, paused = _inbound(desk), desk.running([CALLER]), desk.running([CALLER])
    desk.pause(paused)
    _ends(desk, _rings(desk, inbound), conversation=Conversation.DO_NOT_CALL)
    assert [desk.contact(one).status for one in (inbound, outbound, paused)] == [DO_NOT_CALL] * 3
    (suppressed,) = [fact for fact in desk.facts() if isinstance(fact, NumberSuppressed)]
    assert suppressed.source == "inbound"
    _as_the_log_says(desk, inbound, outbound, paused)


def test_a_late_report_reaches_whom_the_call_has_joined_by_default(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER, SECOND_CALLER])
    call = _rings(desk, inbound)
    _ends(desk, call)
    assert desk.contact(outbound).reason == "answered"
    at = desk.now() + timedelta(hours=3)
    _corrects(desk, call, Conversation.CALLBACK, callback_at=at)
    contact = desk.contact(outbound)
    assert (contact.status, contact.due_at, contact.attempt) == ("rescheduled", at, 0)
    facts = len(_changes(desk, contact))
    _corrects(desk, call, Conversation.CALLBACK, callback_at=at)
    assert len(_changes(desk, contact)) == facts
    assert sum(fact.first_reached for fact in _changes(desk, contact)) == 1
    _as_the_log_says(desk, inbound, outbound)


def test_a_repeated_report_does_not_undo_the_callback_that_followed(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER])
    call = _rings(desk, inbound)
    _ends(desk, call, conversation=Conversation.CALLBACK, callback_at=desk.now())
    answer = desk.permits(desk.ask_for(desk.contact(outbound)))[0]
    assert isinstance(answer, Granted)
    asked = desk.ask_for(desk.contact(outbound), call_id=answer.call_id, attempt=1)
    desk.report(desk.ended(asked, Outcome.NO_ANSWER))
    _corrects(desk, call, Conversation.CALLBACK, callback_at=desk.now())
    contact = desk.contact(outbound)
    assert (contact.status, contact.attempt) == ("no_answer", 1)


def test_a_late_report_calls_nobody_back_for_a_campaign_that_has_ended(desk: "Desk") -> None:
    inbound, outbound = _inbound(desk), desk.running([CALLER])
    call = _rings(desk, inbound)
    _ends(desk, call)
    assert desk.campaign(outbound).status == "completed"
    _corrects(desk, call, Conversation.CALLBACK)
    assert desk.contact(outbound).status == "completed"
    _corrects(desk, call, Conversation.GOAL_NOT_MET)
    assert desk.contact(outbound).status == "failed"
