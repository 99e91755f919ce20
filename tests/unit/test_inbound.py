"""Inbound campaigns without a database: settings, start and resume, hours, verdicts, and whom a call spares another."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics_projector.figures import NOTHING, figures_of
from campaign_command.campaign import Campaign, Refused, Resume, Start, Taken, decide, ends_at
from campaign_command.contact import Contact, LastCall, decide_permit, evolve
from campaign_command.timeline import told
from campaign_command.verdict import decide_joined, decide_report
from campaign_events.facts import CallCorrected, CallEnded, ContactStatusChanged
from campaign_events.schedule import STORED, Schedule
from campaign_events.settings import (
    CampaignSettings,
    CampaignStatus,
    ContactStatus,
    Conversation,
    InboundSettings,
    Limits,
    Outcome,
)
from dialer.answering import Hours, hours_of, set_answer
from dialer.carriers import InboundAnswer, TurnedAway
from dialer.carriers.simulated import read_inbound, reply_body
from simulated_carrier.behaviour import Behaviour
from simulated_carrier.inbound import draw_talk

CAMPAIGN, OTHER, WORKSPACE, ANNA = (UUID(int=n) for n in range(1, 5))
CALL = UUID(int=100)
LINE, CALLER = "+493023125000", "+493023112345"
STARTED = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENDED = STARTED + timedelta(seconds=40)
NOW = ENDED + timedelta(seconds=2)
OFFICE_HOURS = Schedule(time_zone="Europe/Berlin")


def settings(**changes: Any) -> CampaignSettings:
    given = {"name": "Support", "type": "inbound", "agent_id": "a", "caller_numbers": (LINE,)}
    return CampaignSettings.model_validate(given | {"schedule": OFFICE_HOURS} | changes)


def campaign(status: str = "running", **changes: Any) -> Campaign:
    return Campaign(CAMPAIGN, WORKSPACE, settings(**changes), 1, CampaignStatus(status), 2, STARTED)


def outbound(status: str = "running", **changes: Any) -> Campaign:
    return campaign(status, type="outbound", **changes)


def ringing(before: str = "pending", *, attempt: int = 1, **state: Any) -> Contact:
    call = LastCall(CALL, STARTED, ContactStatus(before), None, "as before")
    return Contact(ANNA, CAMPAIGN, (), status=ContactStatus.IN_PROGRESS, attempt=attempt, call=call, **state)


def waiting(status: str = "pending", **state: Any) -> Contact:
    due_at = None if status == "pending" else STARTED + timedelta(hours=4)
    return Contact(ANNA, OTHER, (), status=ContactStatus(status), due_at=due_at, **state)


def ended(outcome: str, conversation: str | None = None, **values: Any) -> CallEnded:
    fields: dict[str, Any] = {"at": NOW, "campaign_id": CAMPAIGN, "contact_id": ANNA, "call_id": CALL, "attempt": 1}
    fields |= {"settings_version": 1, "outcome": outcome, "conversation": conversation, "started_at": STARTED}
    fields |= {"ended_at": ENDED, "rang": True, "kind": "inbound"}
    if outcome in ("human", "abandoned"):
        fields |= {"answered_at": STARTED, "duration_seconds": 40.0}
    return CallEnded.model_validate(fields | values)


def settled(report: CallEnded, contact: Contact | None = None, of: Campaign | None = None) -> ContactStatusChanged:
    (fact,) = decide_report(contact or ringing(), of or campaign(), report, suppressed=False, now=NOW)
    assert isinstance(fact, ContactStatusChanged)
    return fact


def joined(report: Any, contact: Contact, of: Campaign | None = None, **more: Any) -> list[Any]:
    given: dict[str, Any] = {"joined": False, "suppressed": False, "since": STARTED, "now": NOW}
    return decide_joined(contact, of or outbound(), report, **(given | more))


# --- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "where", "allowed"),
    [
        ({"inbound": {"when_closed": "message"}}, ("inbound", "message_id"), "allowed: the id of a message"),
        ({"inbound": {"message_id": "m"}}, ("inbound", "message_id"), "allowed: null, or when_closed 'message'"),
        ({"inbound": {"when_closed": "hang_up"}}, ("inbound", "when_closed"), "'reject' or 'message'"),
        ({"inbound": {"when_closed": "message", "message_id": ""}}, ("inbound", "message_id"), "at least 1"),
        ({"inbound": {"when_closed": "message", "message_id": "a\0"}}, ("inbound", "message_id"), "NUL"),
        ({"type": "outbound", "inbound": {}}, ("inbound",), "is for campaigns of the type inbound; allowed: null"),
    ],
)
def test_bad_input_is_refused_with_field_and_what_is_allowed(
    changes: dict[str, Any], where: tuple[str, ...], allowed: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**changes)
    (error,) = refused.value.errors()
    assert error["loc"] == where
    assert allowed in error["msg"]


def test_stored_settings_are_taken_as_they_are() -> None:
    stored = {"name": "x", "inbound": {"when_closed": "message"}}
    assert CampaignSettings.model_validate(stored, context=STORED).inbound == InboundSettings(
        when_closed="reject"
    ).model_copy(update={"when_closed": "message"})


def test_joining_is_on_unless_it_is_switched_off() -> None:
    assert CampaignSettings(name="x").join_inbound


# --- start and resume ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "command"), [("draft", Start(0, 0, {}, Taken(LINE, OTHER))), ("paused", Resume(Taken(LINE, OTHER)))]
)
def test_a_number_that_a_running_campaign_answers_is_refused(status: str, command: Any) -> None:
    with pytest.raises(Refused) as refused:
        decide(campaign(status), command, STARTED)
    assert refused.value.code == "number_in_use"
    assert (refused.value.extra["number"], refused.value.extra["campaign_id"]) == (LINE, str(OTHER))
    assert LINE in refused.value.message


@pytest.mark.parametrize("command", [Start(0, 0, {}, Taken(LINE, OTHER)), Resume(Taken(LINE, OTHER))])
def test_starting_what_runs_changes_nothing_whoever_has_the_number(command: Any) -> None:
    assert decide(campaign(), command, STARTED) == []


def test_an_inbound_campaign_ends_in_its_own_zone() -> None:
    last = {"schedule": OFFICE_HOURS.model_copy(update={"end_date": date(2026, 3, 2)})}
    assert ends_at(settings(**last)) == datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert ends_at(settings(type="outbound", **last)) == datetime(2026, 3, 3, 12, tzinfo=UTC)


@given(status=st.sampled_from(ContactStatus), campaign_status=st.sampled_from(CampaignStatus))
def test_no_permit_is_ever_given_to_call_for_an_inbound_campaign(
    status: ContactStatus, campaign_status: CampaignStatus
) -> None:
    contact = Contact(ANNA, CAMPAIGN, (), status=status)
    facts, refusal = decide_permit(
        contact,
        campaign(campaign_status),
        call_id=CALL,
        attempt=1,
        settings_version=1,
        suppressed=False,
        number_is_live=False,
        now=NOW,
    )
    assert facts == []
    assert refusal is not None
    assert (refusal.kind, refusal.code) == ("permanent", "inbound_campaign")


# --- hours --------------------------------------------------------------------------------------------------

MONDAY_NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
MONDAY_EVENING = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
"""18:30 in Berlin, half past twelve in New York."""


@pytest.mark.parametrize("use_callee_time_zone", [True, False])
def test_hours_are_the_businesss_own_whoever_rings(use_callee_time_zone: bool) -> None:
    schedule = OFFICE_HOURS.model_copy(update={"use_callee_time_zone": use_callee_time_zone})
    found = hours_of(settings(schedule=schedule), CampaignStatus.RUNNING, workspace_paused=False, now=MONDAY_NOON)
    assert found == Hours(until=datetime(2026, 3, 2, 17, tzinfo=UTC))
    found = hours_of(settings(schedule=schedule), CampaignStatus.RUNNING, workspace_paused=False, now=MONDAY_EVENING)
    assert found == Hours("outside_hours", next_open_at=datetime(2026, 3, 3, 8, tzinfo=UTC))


@pytest.mark.parametrize("status", [one for one in CampaignStatus if one is not CampaignStatus.RUNNING])
def test_only_a_running_campaign_answers(status: CampaignStatus) -> None:
    assert hours_of(settings(), status, workspace_paused=False, now=MONDAY_NOON) == Hours(status.value)


def test_a_paused_workspace_answers_nobody() -> None:
    found = hours_of(settings(), CampaignStatus.RUNNING, workspace_paused=True, now=MONDAY_NOON)
    assert found == Hours("workspace_paused")


def test_an_unknown_zone_is_closed() -> None:
    stored = {"name": "x", "type": "inbound", "schedule": {"time_zone": "Mars/Olympus"}}
    lost = CampaignSettings.model_validate(stored, context=STORED)
    found = hours_of(lost, CampaignStatus.RUNNING, workspace_paused=False, now=MONDAY_NOON)
    assert found == Hours("unknown_time_zone")


@pytest.mark.parametrize(
    ("inbound", "reason", "reply"),
    [
        (None, "outside_hours", TurnedAway("reject")),
        ({"when_closed": "message", "message_id": "m"}, "paused", TurnedAway("message", "m")),
        ({"when_closed": "message", "message_id": "m"}, "withheld_number", TurnedAway("message", "m")),
        ({"when_closed": "message", "message_id": "m"}, "lines_busy", TurnedAway("busy")),
        (None, "number_live", TurnedAway("busy")),
    ],
)
def test_who_is_not_let_in_meets_what_is_set_or_the_busy_tone(inbound: Any, reason: str, reply: TurnedAway) -> None:
    assert set_answer(settings(inbound=inbound), reason) == reply
    assert set_answer(None, "unknown_number") == TurnedAway("reject")


# --- verdicts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("conversation", [None, *Conversation])
def test_nothing_that_comes_in_is_ever_dialled_by_an_inbound_campaign(
    outcome: Outcome, conversation: Conversation | None
) -> None:
    fact = settled(ended(outcome, conversation))
    assert fact.due_at is None
    assert fact.kind == "inbound"
    assert (fact.placed, fact.attempt) == ((True, 1) if fact.day else (False, 0))


def test_a_callback_is_kept_however_often_the_person_has_rung() -> None:
    fact = settled(ended("human", "callback"), ringing(attempt=40), campaign(limits=Limits(max_attempts=1)))
    assert (fact.status, fact.reason) == ("rescheduled", "callback")


def test_a_caller_who_hangs_up_before_the_answer_was_received_and_not_answered() -> None:
    fact = settled(ended("cancelled"))
    assert (fact.status, fact.reason, fact.placed, fact.answered) == ("no_answer", "cancelled", True, False)
    assert "the caller hung up" in (told(fact) or "")


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("conversation", [None, *Conversation])
def test_who_must_not_be_called_stays_so_whatever_their_own_call_brings(
    outcome: Outcome, conversation: Conversation | None
) -> None:
    contact = ringing("do_not_call")
    for fact in decide_report(contact, campaign(), ended(outcome, conversation), suppressed=False, now=NOW):
        contact = evolve(contact, fact)
    assert contact.status == "do_not_call"


# --- whom a call spares -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conversation", "status"),
    [
        ("goal_met", "completed"),
        ("goal_not_met", "failed"),
        ("do_not_call", "do_not_call"),
        ("callback", "rescheduled"),
    ],
)
@pytest.mark.parametrize("before", ["pending", "rescheduled", "no_answer", "voicemail"])
def test_a_waiting_contact_gets_the_outcome_and_no_attempt_is_counted(
    before: str, conversation: str, status: str
) -> None:
    (fact,) = joined(ended("human", conversation), waiting(before, attempt=1))
    assert (fact.previous, fact.status, fact.attempt, fact.previous_attempt) == (before, status, 1, 1)
    assert (fact.placed, fact.answered, fact.first_reached, fact.kind) == (False, False, True, "inbound")
    counted = figures_of(fact)
    assert (counted.reached, counted.placed, counted.answered, counted.talk_calls) == (1, 0, 0, 0)
    assert evolve(waiting(before, attempt=1), fact).reached_by == CALL
    assert "rang an inbound campaign" in (told(fact) or "") or status == "do_not_call"


def test_a_person_who_was_reached_before_is_not_reached_again() -> None:
    (fact,) = joined(ended("human", "goal_met"), waiting("rescheduled", reached_by=UUID(int=7)))
    assert (fact.first_reached, fact.day) == (False, None)
    assert figures_of(fact) is NOTHING


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.HUMAN])
def test_only_a_conversation_spares_a_call(outcome: Outcome) -> None:
    assert joined(ended(outcome), waiting()) == []


@pytest.mark.parametrize(
    "contact",
    [
        *(waiting(status) for status in ("completed", "failed", "do_not_call", "in_progress")),
        waiting("no_answer", attempt=3),
        waiting("pending", attempt=3),
    ],
)
def test_who_does_not_wait_keeps_the_status(contact: Contact) -> None:
    assert joined(ended("human", "goal_met"), contact) == []


def test_a_callback_over_the_budget_is_still_made_once() -> None:
    (fact,) = joined(ended("human", "callback"), waiting("rescheduled", attempt=3))
    assert (fact.status, fact.due_at) == ("rescheduled", ENDED + timedelta(days=1))


def test_what_was_joined_by_default_is_corrected_and_nothing_else() -> None:
    late = CallCorrected(**ended("human", "goal_not_met").model_dump())
    by_default = waiting("completed", reason="answered", reached_by=CALL)
    (fact,) = joined(late, by_default, joined=True)
    assert (fact.previous, fact.status, fact.first_reached) == ("completed", "failed", False)
    assert joined(late, waiting("completed", reason="goal_met", reached_by=CALL), joined=True) == []
    assert joined(late, waiting("completed", reason="answered"), joined=False) == []


def test_a_repeated_report_joins_once() -> None:
    (fact,) = joined(ended("human"), waiting())
    assert joined(ended("human"), evolve(waiting(), fact), joined=True) == []


def test_a_carriers_clock_that_is_wrong_parks_nobody() -> None:
    (fact,) = joined(ended("human", "callback", ended_at=NOW + timedelta(days=300)), waiting())
    assert fact.due_at == NOW + timedelta(days=1)


# --- the carrier --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "caller"),
    [
        (CALLER, CALLER),
        (None, None),
        ("anonymous", None),
        ("", None),
        ("sip:anna@example.org", None),
        ("030 123", None),
    ],
)
def test_a_caller_without_an_e164_number_has_none(given: str | None, caller: str | None) -> None:
    body = orjson.dumps({"call_id": CALL, "from": given, "to": LINE, "at": STARTED})
    assert read_inbound(body).caller == caller


@pytest.mark.parametrize("given", ["", "+49 30", "a\0b", "sip:support@example.org"])
def test_what_is_no_number_is_nobodys(given: str) -> None:
    assert read_inbound(orjson.dumps({"call_id": CALL, "from": CALLER, "to": given, "at": STARTED})).number == ""


def test_the_carrier_is_told_until_when_the_agent_may_pick_up() -> None:
    call = read_inbound(orjson.dumps({"call_id": CALL, "from": CALLER, "to": LINE, "at": STARTED}))
    reply = InboundAnswer(not_after=NOW, max_call_seconds=60, agent_id="a", prompt="p", context={}, token="t")
    said = orjson.loads(reply_body(call, reply, public_url="http://dialer/"))
    assert datetime.fromisoformat(said["not_after"]) == NOW
    assert said["agent"]["outcome_url"] == f"http://dialer/v1/calls/{CALL}/outcome"
    assert orjson.loads(reply_body(call, TurnedAway("message", "m"), public_url="")) == {
        "reply": "message",
        "message_id": "m",
    }


@given(seed=st.integers(min_value=0, max_value=2**32), nth=st.integers(min_value=1, max_value=5))
def test_a_talk_is_drawn_from_seed_and_caller_alone(seed: int, nth: int) -> None:
    def drawn() -> Any:
        return draw_talk(Behaviour(seed=seed), caller=CALLER, nth=nth, wanted=None, max_call_seconds=30)

    script = drawn()
    assert script == drawn()
    assert script is not None
    assert script.steps[0].what == "answered"
    assert script.steps[-1].at_seconds <= 30
