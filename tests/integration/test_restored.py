"""A restored log takes in what the dialer has told since the backup: calls it has never permitted."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from campaign_command.permits import Ask
from campaign_command.reports import apply_reports
from campaign_events.facts import CallCorrected, CallFact, ContactStatusChanged
from campaign_events.settings import ContactStatus, Conversation, Outcome

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

DEADLINE_SECONDS = 3600.0


def unknown_call(desk: "Desk", campaign_id: Any, index: int = 0, *, attempt: int | None = None) -> Ask:
    """A call whose permit is younger than the backup."""
    contact = desk.contact(campaign_id, index)
    return desk.ask_for(contact, attempt=attempt or contact.attempt + 1)


def adopt(desk: "Desk", *facts: CallFact) -> None:
    """Apply reports as after a restore."""
    received = desk.dialer.received(*facts, workspace=desk.workspace)
    desk.do(lambda tx: apply_reports(tx, received, adopt_within=DEADLINE_SECONDS))


def statuses(desk: "Desk", campaign_id: Any) -> list[tuple[ContactStatus, int]]:
    return [(fact.status, fact.attempt) for fact in desk.facts(campaign_id) if isinstance(fact, ContactStatusChanged)]


@pytest.mark.parametrize(
    ("outcome", "more", "status"),
    [
        (Outcome.HUMAN, {"conversation": Conversation.GOAL_MET}, ContactStatus.COMPLETED),
        (Outcome.HUMAN, {"conversation": Conversation.DO_NOT_CALL}, ContactStatus.DO_NOT_CALL),
        (Outcome.NO_ANSWER, {}, ContactStatus.NO_ANSWER),
        (Outcome.BUSY, {}, ContactStatus.NO_ANSWER),
        (Outcome.MACHINE, {}, ContactStatus.VOICEMAIL),
        (Outcome.INVALID_NUMBER, {}, ContactStatus.FAILED),
    ],
)
def test_a_call_that_was_never_permitted_here_counts_as_any_other(
    desk: "Desk", outcome: Outcome, more: dict[str, Any], status: ContactStatus
) -> None:
    campaign_id = desk.running(2)
    ask = unknown_call(desk, campaign_id)
    adopt(desk, desk.placed(ask), desk.ended(ask, outcome, rang=True, **more))
    assert statuses(desk, campaign_id) == [(ContactStatus.IN_PROGRESS, 1), (status, 1)]
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.attempt, contact.call and contact.call.call_id) == (status, 1, ask.call_id)
    assert desk.live() == []
    counted = desk.rows("SELECT 1 FROM counted_calls WHERE call_id = %s", (ask.call_id,))
    assert len(counted) == 1, "for the caps on calls to a number, too"
    (answer,) = desk.permits(ask)
    assert answer.result == "refused", "the same call is never permitted again"


def test_a_call_that_has_not_ended_holds_its_contact_and_its_number(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    ask = unknown_call(desk, campaign_id)
    adopt(desk, desk.placed(ask))
    assert desk.contact(campaign_id).status is ContactStatus.IN_PROGRESS
    (live,) = desk.live()
    assert live["reported"]
    assert live["deadline_at"] - live["granted_at"] == timedelta(seconds=DEADLINE_SECONDS)
    (answer,) = desk.permits(unknown_call(desk, campaign_id))
    assert answer.result == "refused"
    desk.report(desk.ended(ask, Outcome.NO_ANSWER, rang=True))
    assert desk.contact(campaign_id).status is ContactStatus.NO_ANSWER
    assert desk.live() == []


def test_several_attempts_since_the_backup_spend_the_budget(desk: "Desk") -> None:
    campaign_id = desk.running(1, max_attempts=2)
    first, second = unknown_call(desk, campaign_id), unknown_call(desk, campaign_id, attempt=2)
    for ask in (first, second):
        adopt(desk, desk.placed(ask), desk.ended(ask, Outcome.NO_ANSWER, rang=True))
    contact = desk.contact(campaign_id)
    assert (contact.status, contact.attempt) == (ContactStatus.NO_ANSWER, 2)
    assert desk.campaign(campaign_id).status == "completed", "nothing is left to do"


def test_what_never_reached_the_carrier_is_not_entered(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    adopt(desk, desk.ended(unknown_call(desk, campaign_id), Outcome.NOT_PLACED, started_at=None))
    assert statuses(desk, campaign_id) == []
    assert desk.contact(campaign_id).attempt == 0


def test_a_call_that_is_known_is_not_entered_again(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.placed(ask), desk.ended(ask, Outcome.NO_ANSWER, rang=True))
    before = len(desk.facts(campaign_id))
    adopt(desk, desk.placed(ask), desk.ended(ask, Outcome.NO_ANSWER, kind=CallCorrected, rang=True))
    assert len(desk.facts(campaign_id)) == before


def test_a_contact_that_is_not_in_the_backup_is_passed_over(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    ask = unknown_call(desk, campaign_id).model_copy(update={"contact_id": uuid4()})
    adopt(desk, desk.placed(ask), desk.ended(ask, Outcome.HUMAN))
    assert statuses(desk, campaign_id) == []


def test_in_ordinary_times_an_unknown_call_begins_nothing(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    ask = unknown_call(desk, campaign_id)
    desk.report(desk.placed(ask), desk.ended(ask, Outcome.NO_ANSWER, rang=True))
    assert statuses(desk, campaign_id) == []
