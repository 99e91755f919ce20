"""Test calls as campaign-command sees them: a permit like any other's, no contact, no fact, nothing counted."""

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from campaign_command import workspaces
from campaign_command.erasures import request_erasure
from campaign_command.housekeeping import settle_overdue
from campaign_command.permits import Granted, NotGranted
from campaign_command.store import now_of
from campaign_command.suppressions import suppress
from campaign_command.trial_permits import TrialAsk, answer_trial
from campaign_events.facts import CallCorrected, CallEnded, CallPlaced, NumberSuppressed
from campaign_events.settings import Conversation, Outcome

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

OWN, OTHER = "+493023222222", "+493023222223"


def ask_for(desk: "Desk", campaign_id: UUID, number: str = OWN, **changes: Any) -> TrialAsk:
    values = {"call_id": uuid4(), "contact_id": uuid4(), "campaign_id": campaign_id, "workspace": desk.workspace}
    return TrialAsk(**(values | {"number": number} | changes))


def answer(desk: "Desk", ask: TrialAsk) -> Granted | NotGranted:
    found: Granted | NotGranted = desk.do(lambda tx: answer_trial(tx, ask, desk.terms))
    return found


def granted(desk: "Desk", campaign_id: UUID, number: str = OWN) -> TrialAsk:
    ask = ask_for(desk, campaign_id, number)
    assert isinstance(answer(desk, ask), Granted)
    return ask


def code(desk: "Desk", ask: TrialAsk) -> str:
    refused = answer(desk, ask)
    assert isinstance(refused, NotGranted), refused
    return refused.code


def ended(desk: "Desk", ask: TrialAsk, outcome: Outcome, *, kind: type[Any] = CallEnded, **more: Any) -> Any:
    return kind(
        at=desk.now(),
        campaign_id=ask.campaign_id,
        contact_id=ask.contact_id,
        call_id=ask.call_id,
        attempt=1,
        settings_version=1,
        outcome=outcome,
        kind="test",
        **more,
    )


@pytest.mark.parametrize("status", ["draft", "running", "paused"])
def test_a_campaign_that_is_not_over_may_be_tried_out_whatever_the_hours(desk: "Desk", status: str) -> None:
    closed = {"time_zone": "Europe/Berlin", "weekly": {"mon": [["03:00", "03:01"]]}}
    campaign_id = desk.draft(1, schedule=closed, custom_prompt="Say hello.", limits={"max_call_seconds": 60})
    if status != "draft":
        desk.start(campaign_id)
    if status == "paused":
        desk.pause(campaign_id)
    before = desk.log()
    given = answer(desk, ask_for(desk, campaign_id))
    assert isinstance(given, Granted)
    assert (given.number, given.prompt, given.agent_id, given.max_call_seconds) == (OWN, "Say hello.", "agent-1", 60)
    assert given.context["test"] is True
    assert given.caller_number in desk.campaign(campaign_id).settings.caller_numbers
    assert desk.log() == before, "no fact"
    assert [row["number"] for row in desk.live()] == [OWN]


def test_a_campaign_that_is_over_gone_unready_or_of_others_is_not_tried_out(desk: "Desk") -> None:
    over, unready, gone = desk.running(1), desk.draft(1, agent_id=None), desk.draft(1)
    desk.cancel(over)
    desk.delete(gone)
    assert code(desk, ask_for(desk, over)) == "campaign_is_final"
    assert code(desk, ask_for(desk, unready)) == "not_ready"
    assert code(desk, ask_for(desk, gone)) == "unknown_campaign"
    assert code(desk, ask_for(desk, uuid4())) == "unknown_campaign"
    assert code(desk, ask_for(desk, desk.draft(1), workspace=uuid4())) == "unknown_campaign"
    assert desk.live() == []


@pytest.mark.parametrize(("number", "why"), [("+4930", "too_short"), ("+49900123456", "premium_rate")])
def test_a_number_that_is_none_or_costs_is_not_rung(desk: "Desk", number: str, why: str) -> None:
    ask = ask_for(desk, desk.draft(1)).model_copy(update={"number": number})
    assert code(desk, ask) in (why, "invalid_number")
    assert desk.live() == []


def test_no_test_call_rings_who_asked_not_to_be_called(desk: "Desk") -> None:
    campaign_id = desk.draft(1)
    desk.do(lambda tx: suppress(tx, [OWN], workspace=desk.workspace, source="api", now=now_of(tx.cursor)))
    assert code(desk, ask_for(desk, campaign_id)) == "suppressed"


def test_no_test_call_starts_while_the_workspace_is_paused(desk: "Desk") -> None:
    campaign_id = desk.draft(1)
    desk.do(lambda tx: workspaces.change(tx, desk.workspace, {"paused_all": True}))
    assert code(desk, ask_for(desk, campaign_id)) == "workspace_paused"


def test_one_live_call_a_number_holds_for_test_calls_both_ways(desk: "Desk") -> None:
    campaign_id = desk.running([OWN, OTHER])
    desk.granted(desk.contact(campaign_id, 0))
    assert code(desk, ask_for(desk, campaign_id)) == "number_live"
    granted(desk, campaign_id, OTHER)
    (refused,) = desk.permits(desk.ask_for(desk.contact(campaign_id, 1)))
    assert isinstance(refused, NotGranted)
    assert refused.code == "number_live"


def test_the_same_ask_again_gets_the_same_answer_until_the_call_is_over(desk: "Desk") -> None:
    ask = granted(desk, desk.draft(1))
    again = answer(desk, ask)
    assert isinstance(again, Granted)
    assert again.expires_in_seconds < desk.terms.permit_seconds
    assert len(desk.live()) == 1
    desk.report(ended(desk, ask, Outcome.NOT_PLACED))
    assert desk.live() == []
    assert code(desk, ask) == "call_closed"


def test_a_test_call_counts_nowhere_and_frees_the_number_at_its_end(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    before = desk.log()
    ask = granted(desk, campaign_id)
    fields = {"campaign_id": campaign_id, "contact_id": ask.contact_id, "call_id": ask.call_id}
    placed = CallPlaced(at=desk.now(), **fields, attempt=1, settings_version=1, kind="test")
    desk.report(placed, ended(desk, ask, Outcome.HUMAN, conversation=Conversation.GOAL_MET))
    assert desk.log() == before
    assert desk.live() == []
    assert desk.rows("SELECT * FROM counted_calls") == []
    assert desk.campaign(campaign_id).status == "running"


@pytest.mark.parametrize("late", [False, True])
def test_do_not_call_said_in_a_test_call_suppresses_the_number(desk: "Desk", late: bool) -> None:
    campaign_id = desk.running([OTHER])
    ask = granted(desk, campaign_id, OWN)
    if late:
        desk.report(ended(desk, ask, Outcome.HUMAN))
    said = CallCorrected if late else CallEnded
    desk.report(ended(desk, ask, Outcome.HUMAN, kind=said, conversation=Conversation.DO_NOT_CALL))
    (entry,) = [fact for fact in desk.facts() if isinstance(fact, NumberSuppressed)]
    assert (entry.source, entry.expires_at) == ("agent", None)
    assert code(desk, ask_for(desk, campaign_id, OWN)) == "suppressed"


def test_a_test_call_that_nobody_reports_frees_its_number_after_the_deadline(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    granted(desk, campaign_id)
    before = desk.log()
    with desk.store.recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute("UPDATE live_calls SET deadline_at = now() - interval '1 second'")
    assert desk.do(settle_overdue) == 1
    assert (desk.live(), desk.log()) == ([], before)


def test_a_person_who_is_being_erased_is_not_rung_by_a_test(desk: "Desk") -> None:
    campaign_id = desk.running([OWN])
    desk.granted(desk.contact(campaign_id))
    desk.do(lambda tx: request_erasure(tx, OWN, workspace=desk.workspace, requested_by="ada"))
    assert code(desk, ask_for(desk, campaign_id)) == "being_erased"
