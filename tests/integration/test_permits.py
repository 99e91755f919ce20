"""Permits on a real PostgreSQL: one live call a number, none after a pause's answer, and each answer for good."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from campaign_command.campaign import Edit
from campaign_command.commands import carry_out
from campaign_command.contact import DO_NOT_CALL, IN_PROGRESS
from campaign_command.permits import Ask, Granted, NotGranted, answer_asks
from campaign_command.silence import Silence
from campaign_command.store import now_of
from campaign_command.suppressions import suppress
from campaign_command.workers import Workers
from campaign_events.facts import CallCorrected, ContactStatusChanged
from campaign_events.settings import Conversation, Outcome

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

ROUNDS = 12


def _code(answer: Granted | NotGranted) -> str:
    return "granted" if isinstance(answer, Granted) else f"{answer.kind}:{answer.code}"


def _age(desk: "Desk", seconds: float) -> None:
    """Let the standing permits be older."""
    desk.do(
        lambda tx: tx.cursor.execute(
            "UPDATE live_calls SET granted_at = granted_at - make_interval(secs => %(s)s),"
            " expires_at = expires_at - make_interval(secs => %(s)s)",
            {"s": seconds},
        )
    )


def _opt_out(desk: "Desk", number: str, **more: Any) -> None:
    desk.do(lambda tx: suppress(tx, [number], workspace=desk.workspace, source="api", now=now_of(tx.cursor), **more))


@pytest.fixture
async def silence(desk: "Desk") -> AsyncIterator[Silence]:
    workers = Workers("commands", threads=2)
    yield Silence(desk.store, workers, place_timeout_seconds=desk.terms.place_timeout_seconds)
    workers.close()


def test_of_fifty_requests_for_one_contact_one_is_granted(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    contact = desk.contact(campaign_id)
    asks = [desk.ask_for(contact) for _ in range(50)]
    with ThreadPoolExecutor(12) as pool:
        answers = [answer for (answer,) in pool.map(desk.permits, asks)]
    assert Counter(map(_code, answers)) == {"granted": 1, "temporary:contact_in_progress": 49}
    assert len(desk.live()) == 1
    granted = next(answer for answer in answers if isinstance(answer, Granted))
    after = desk.contact(campaign_id)
    assert (after.status, after.attempt) == (IN_PROGRESS, 1)
    assert after.call is not None
    assert after.call.call_id == granted.call_id


def test_of_many_asks_for_one_contact_in_one_batch_one_is_granted(desk: "Desk") -> None:
    contact = desk.contact(desk.running(1))
    answers = desk.permits(*[desk.ask_for(contact) for _ in range(5)])
    assert list(map(_code, answers)) == ["granted", *["temporary:contact_in_progress"] * 4]


def test_one_number_in_two_campaigns_is_live_once(desk: "Desk") -> None:
    number = "+493023199999"
    contacts = [desk.contact(desk.running([number])) for _ in range(2)]
    for _ in range(2):
        before = desk.now()
        with ThreadPoolExecutor(8) as pool:
            asked = list(pool.map(desk.ask_for, contacts * 8))
            answers = [answer for (answer,) in pool.map(desk.permits, asked)]
        codes = Counter(map(_code, answers))
        assert codes == {"granted": 1, "temporary:contact_in_progress": 7, "temporary:number_live": 8}
        waiting = next(a for a in answers if isinstance(a, NotGranted) and a.code == "number_live")
        assert waiting.ask_again_at is not None
        assert timedelta(seconds=14) < waiting.ask_again_at - before < timedelta(seconds=25)
        # The number is free as soon as the call is over.
        won = next(ask for ask, answer in zip(asked, answers, strict=True) if isinstance(answer, Granted))
        desk.report(desk.ended(won, Outcome.NOT_PLACED))
        assert desk.live() == []


def test_the_same_number_twice_in_one_batch_is_live_once(desk: "Desk") -> None:
    number = "+493023199999"
    asks = [desk.ask_for(desk.contact(desk.running([number]))) for _ in range(2)]
    assert list(map(_code, desk.permits(*asks))) == ["granted", "temporary:number_live"]


def test_another_workspace_may_call_the_same_number(desk: "Desk") -> None:
    number = "+493023199999"
    first = desk.contact(desk.running([number]))
    desk.granted(first)
    desk.workspace = uuid4()
    desk.granted(desk.contact(desk.running([number])))


def test_the_same_question_gets_the_same_grant_while_it_stands(desk: "Desk") -> None:
    campaign_id = desk.running(1, caller_numbers=("+493023125001", "+493023125002", "+493023125003"))
    ask = desk.ask_for(desk.contact(campaign_id))
    (first,) = desk.permits(ask)
    facts = len(desk.log())
    again = [answer for _ in range(3) for answer in desk.permits(ask, ask)]
    assert isinstance(first, Granted)
    assert first.expires_in_seconds == 2.0
    for answer in again:
        assert isinstance(answer, Granted)
        assert 0 < answer.expires_in_seconds < 2.0
        assert answer.model_copy(update={"expires_in_seconds": 2.0}) == first
    assert len(desk.log()) == facts
    assert len(desk.live()) == 1


def test_the_same_question_twice_in_one_batch_is_one_grant(desk: "Desk") -> None:
    ask = desk.ask_for(desk.contact(desk.running(1)))
    first, second = desk.permits(ask, ask)
    assert isinstance(first, Granted)
    assert second == first


def test_a_call_id_is_good_for_one_contact_only(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    one, two = desk.contacts(campaign_id)
    call_id = uuid4()
    answers = desk.permits(desk.ask_for(one, call_id=call_id), desk.ask_for(two, call_id=call_id))
    assert list(map(_code, answers)) == ["granted", "permanent:call_closed"]
    assert _code(desk.permits(desk.ask_for(two, call_id=call_id))[0]) == "permanent:call_closed"
    assert desk.contacts(campaign_id)[1] == two


@pytest.mark.parametrize("report", ["placed", "ended", "not_placed"])
def test_a_call_that_was_reported_gets_no_second_permit(desk: "Desk", report: str) -> None:
    ask = desk.granted(desk.contact(desk.running(1)))
    reports = {
        "placed": desk.placed(ask),
        "ended": desk.ended(ask, Outcome.NO_ANSWER),
        "not_placed": desk.ended(ask, Outcome.NOT_PLACED),
    }
    desk.report(reports[report])
    assert _code(desk.permits(ask)[0]) == "permanent:call_closed"


def test_a_question_that_comes_late_does_not_call_again(desk: "Desk") -> None:
    """A delayed repetition, when the contact has been asked for again meanwhile and its attempt was not counted."""
    contact = desk.contact(desk.running(1))
    asks = [desk.granted(contact)]
    desk.report(desk.ended(asks[0], Outcome.NOT_PLACED))
    asks.append(desk.granted(contact))
    desk.report(desk.ended(asks[1], Outcome.NOT_PLACED))
    assert [_code(answer) for ask in asks for answer in desk.permits(ask)] == ["permanent:call_closed"] * 2
    desk.granted(contact)


def test_a_permit_that_has_expired_is_not_given_again(desk: "Desk") -> None:
    ask = desk.granted(desk.contact(desk.running(1)))
    _age(desk, 2.5)
    assert _code(desk.permits(ask)[0]) == "permanent:call_closed"


def test_a_permit_is_void_once_its_campaign_has_been_paused(desk: "Desk") -> None:
    campaign_id = desk.running(2)
    ask = desk.granted(desk.contact(campaign_id))
    desk.pause(campaign_id)
    assert _code(desk.permits(ask)[0]) == "temporary:not_running"
    desk.resume(campaign_id)
    assert _code(desk.permits(ask)[0]) == "permanent:call_closed"
    # The other contact is not concerned.
    desk.granted(desk.contact(campaign_id, 1))


def test_a_permit_is_void_once_its_number_is_suppressed(desk: "Desk") -> None:
    campaign_id = desk.running(["+493023111111"])
    ask = desk.granted(desk.contact(campaign_id))
    _opt_out(desk, "+493023111111")
    assert _code(desk.permits(ask)[0]) == "permanent:suppressed"
    desk.report(desk.ended(ask, Outcome.NOT_PLACED))
    assert desk.contact(campaign_id).status is DO_NOT_CALL


async def test_after_a_pauses_answer_nothing_is_granted_and_what_was_is_over(desk: "Desk", silence: Silence) -> None:
    """Many rounds of permits that race with the pause, each reported placed a moment after its grant."""
    pool = ThreadPoolExecutor(6)
    loop = asyncio.get_running_loop()
    granted_total = 0
    try:
        for turn in range(ROUNDS):
            campaign_id = desk.running(30)
            contacts = desk.contacts(campaign_id)
            paused_at: list[float] = []

            def ask_and_report(contact: Any, paused_at: list[float] = paused_at) -> tuple[float, str]:
                (answer,) = desk.permits(desk.ask_for(contact))
                answered_at = time.monotonic()
                if isinstance(answer, Granted):
                    assert not paused_at, "a permit after the answer of the pause"
                    mark = "UPDATE live_calls SET reported = true WHERE call_id = %s"
                    desk.do(lambda tx: tx.cursor.execute(mark, (answer.call_id,)))
                    silence.reported()
                return answered_at, _code(answer)

            asked = [loop.run_in_executor(pool, ask_and_report, contact) for contact in contacts]
            await asyncio.sleep(0.002 * turn)
            await loop.run_in_executor(None, desk.pause, campaign_id)
            await silence.of_campaign(campaign_id)
            paused_at.append(time.monotonic())
            unreported = desk.rows("SELECT 1 FROM live_calls WHERE campaign_id = %s AND NOT reported", (campaign_id,))
            assert unreported == []
            codes = Counter(code for _, code in await asyncio.gather(*asked))
            assert set(codes) <= {"granted", "temporary:not_running"}
            granted_total += codes["granted"]
            # In the log, no grant follows the pause.
            names = [(type(fact).__name__, getattr(fact, "status", None)) for fact in desk.facts(campaign_id)]
            assert ("ContactStatusChanged", IN_PROGRESS) not in names[names.index(("CampaignPaused", None)) :]
    finally:
        pool.shutdown()
    assert 0 < granted_total < ROUNDS * 30, "the races were none"


@pytest.mark.parametrize("ends", ["pause", "cancel", "opt_out"])
async def test_the_answer_waits_until_each_permit_before_it_is_reported(
    desk: "Desk", silence: Silence, ends: str, eventually: Callable[..., Any]
) -> None:
    campaign_id = desk.running(["+493023111111", "+493023111112"])
    ask = desk.granted(desk.contact(campaign_id))
    if ends == "opt_out":
        _opt_out(desk, "+493023111111")
        answer = asyncio.ensure_future(silence.of_numbers(desk.workspace, ["+493023111111"]))
    else:
        getattr(desk, ends)(campaign_id)
        answer = asyncio.ensure_future(silence.of_campaign(campaign_id))
    done, _ = await asyncio.wait([answer], timeout=0.3)
    assert not done, "the call could still be placed"
    await asyncio.to_thread(desk.report, desk.placed(ask))
    silence.reported()
    await asyncio.wait_for(answer, 5)
    assert len(desk.live()) == 1, "the call itself goes on"


@pytest.mark.parametrize("ends", ["pause", "cancel", "opt_out"])
async def test_the_answer_waits_no_longer_than_a_permit_can_be_used(desk: "Desk", silence: Silence, ends: str) -> None:
    campaign_id = desk.running(["+493023111111"])
    desk.granted(desk.contact(campaign_id))
    _age(desk, 3.5)  # of 2 s to place it, and 2 s for the carrier to take it: half a second is left
    started = time.monotonic()
    if ends == "opt_out":
        _opt_out(desk, "+493023111111")
        await asyncio.wait_for(silence.of_numbers(desk.workspace, ["+493023111111"]), 5)
    else:
        getattr(desk, ends)(campaign_id)
        await asyncio.wait_for(silence.of_campaign(campaign_id), 5)
    (live,) = desk.live()
    assert not live["reported"]
    assert desk.now() >= live["expires_at"] + timedelta(seconds=2), f"answered after {time.monotonic() - started} s"


async def test_what_is_granted_after_a_resume_is_not_waited_for(desk: "Desk", silence: Silence) -> None:
    """The answer of a pause stays bounded though somebody else resumes while it waits."""
    campaign_id = desk.running(2)
    first, second = desk.contacts(campaign_id)
    before = desk.granted(first)
    desk.pause(campaign_id)
    answer = asyncio.ensure_future(silence.of_campaign(campaign_id))
    done, _ = await asyncio.wait([answer], timeout=0.3)
    assert not done
    await asyncio.to_thread(desk.resume, campaign_id)
    await asyncio.to_thread(desk.granted, second)
    await asyncio.to_thread(desk.report, desk.placed(before))
    silence.reported()
    await asyncio.wait_for(answer, 1)
    assert [live["reported"] for live in desk.live()].count(False) == 1, "the later permit still stands"


async def test_what_another_campaign_or_number_does_is_not_waited_for(desk: "Desk", silence: Silence) -> None:
    other, mine = desk.running(1), desk.running(1)
    desk.granted(desk.contact(other))
    desk.pause(mine)
    await asyncio.wait_for(silence.of_campaign(mine), 1)
    await asyncio.wait_for(silence.of_numbers(desk.workspace, ["+493023111119"]), 1)


def test_no_permit_beyond_the_attempts(desk: "Desk") -> None:
    campaign_id = desk.running(2, max_attempts=2, retry={"no_answer": {"delays_seconds": [1]}})
    for attempt in (1, 2):
        contact = desk.contact(campaign_id)
        assert contact.attempt == attempt - 1
        ask = desk.ask_for(contact)
        if contact.due_at is not None:
            answers = desk.permits(ask)
            assert _code(answers[0]) == "temporary:not_due"
            assert isinstance(answers[0], NotGranted)
            assert answers[0].ask_again_at == contact.due_at
            time.sleep(max((contact.due_at - desk.now()).total_seconds(), 0))
        assert _code(desk.permits(ask)[0]) == "granted"
        desk.report(desk.ended(ask, Outcome.NO_ANSWER))
    spent = desk.contact(campaign_id)
    assert (spent.status, spent.attempt) == ("no_answer", 2)
    assert _code(desk.permits(desk.ask_for(spent))[0]) == "permanent:attempts_spent"


def test_a_spent_contact_is_open_again_once_more_attempts_are_allowed(desk: "Desk") -> None:
    campaign_id = desk.running(2, max_attempts=1, retry={"no_answer": {"delays_seconds": [1]}})
    desk.report(desk.ended(desk.granted(desk.contact(campaign_id)), Outcome.NO_ANSWER))
    assert _code(desk.permits(desk.ask_for(desk.contact(campaign_id)))[0]) == "permanent:attempts_spent"
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"limits": {"max_attempts": 2}})
    desk.resume(campaign_id)
    assert _code(desk.permits(desk.ask_for(desk.contact(campaign_id)))[0]) == "temporary:not_due"


def test_stale_knowledge_is_told_so(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    contact = desk.contact(campaign_id)
    old = desk.ask_for(contact)
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"custom_prompt": "Be brief."})
    desk.resume(campaign_id)
    assert _code(desk.permits(old)[0]) == "stale_settings:settings_changed"
    assert _code(desk.permits(desk.ask_for(contact, attempt=2))[0]) == "stale_settings:attempt_changed"
    (answer,) = desk.permits(desk.ask_for(contact))
    assert isinstance(answer, Granted)
    assert (answer.prompt, answer.settings_version) == ("Be brief.", 2)


def test_strangers_are_refused_for_good(desk: "Desk") -> None:
    campaign_id, other = desk.running(1), desk.running(1)
    contact = desk.contact(campaign_id)
    asks = [
        desk.ask_for(contact, campaign_id=uuid4()),
        desk.ask_for(contact, contact_id=uuid4()),
        desk.ask_for(contact, campaign_id=other),
    ]
    codes = ["permanent:unknown_campaign", "permanent:unknown_contact", "permanent:unknown_contact"]
    assert list(map(_code, desk.permits(*asks))) == codes
    assert desk.contact(campaign_id) == contact


@pytest.mark.parametrize("status", ["draft", "paused", "cancelled", "deleted"])
def test_only_a_running_campaign_gets_permits(desk: "Desk", status: str) -> None:
    campaign_id = desk.draft(1)
    contact = desk.contact(campaign_id)
    if status != "draft":
        desk.start(campaign_id)
        desk.pause(campaign_id)
    if status == "cancelled":
        desk.cancel(campaign_id)
    if status == "deleted":
        desk.delete(campaign_id)
    ask = Ask(call_id=uuid4(), campaign_id=campaign_id, contact_id=contact.contact_id, attempt=1, settings_version=1)
    code = "permanent:unknown_campaign" if status == "deleted" else "temporary:not_running"
    assert _code(desk.permits(ask)[0]) == code


def test_after_the_end_date_there_are_no_permits(desk: "Desk") -> None:
    campaign_id = desk.running(1)
    contact = desk.contact(campaign_id)
    yesterday = (desk.now() - timedelta(days=2)).date()
    desk.pause(campaign_id)
    # No command gets there (the edit and Resume are refused), only time: let the campaign run all the same.
    schedule = desk.campaign(campaign_id).settings.schedule
    ended = schedule.model_copy(update={"end_date": yesterday, "use_callee_time_zone": False})
    settings = desk.campaign(campaign_id).settings.model_copy(update={"schedule": ended})
    desk.do(lambda tx: carry_out(tx, tx.campaign(campaign_id), Edit(settings)))
    desk.do(lambda tx: _resumed_in_the_past(desk, tx, campaign_id))
    assert _code(desk.permits(desk.ask_for(contact))[0]) == "temporary:schedule_ended"


def _resumed_in_the_past(desk: "Desk", tx: Any, campaign_id: Any) -> None:
    from campaign_command.campaign import Resume, decide

    campaign = tx.campaign(campaign_id)
    facts = decide(campaign, Resume(), desk.now() - timedelta(days=5))
    tx.append(facts, workspace=desk.workspace, versions={campaign_id: campaign.version})


def test_a_suppressed_number_becomes_do_not_call_in_the_permits_own_transaction(desk: "Desk") -> None:
    """The list was written in a way that opted nobody out (an entry whose contact came back later, say)."""
    campaign_id = desk.running(["+493023111111", "+493023111112"])
    one, _ = desk.contacts(campaign_id)
    desk.do(
        lambda tx: tx.cursor.execute(
            "INSERT INTO suppressions (suppression_id, workspace, number, number_hash, source, created_at)"
            " VALUES (gen_random_uuid(), %s, '+493023111111', 'h', 'api', now())",
            (desk.workspace,),
        )
    )
    assert _code(desk.permits(desk.ask_for(one))[0]) == "permanent:suppressed"
    after = desk.contact(campaign_id)
    assert (after.status, after.attempt, after.reason) == (DO_NOT_CALL, 0, "suppressed")
    fact = desk.facts(campaign_id)[-1]
    assert isinstance(fact, ContactStatusChanged)
    assert (fact.previous, fact.status, fact.previous_attempt) == ("pending", "do_not_call", 0)
    assert _code(desk.permits(desk.ask_for(after))[0]) == "permanent:not_callable"
    assert desk.live() == []


def test_the_campaign_completes_when_a_permit_closes_its_last_contact(desk: "Desk") -> None:
    campaign_id = desk.running(["+493023111111"])
    desk.do(
        lambda tx: tx.cursor.execute(
            "INSERT INTO suppressions (suppression_id, workspace, number, number_hash, source, created_at)"
            " VALUES (gen_random_uuid(), %s, '+493023111111', 'h', 'list', now())",
            (desk.workspace,),
        )
    )
    log = desk.log()[-1][0]
    desk.permits(desk.ask_for(desk.contact(campaign_id)))
    assert [type(fact).__name__ for fact in desk.facts(after=log)] == ["ContactStatusChanged", "CampaignCompleted"]
    assert desk.campaign(campaign_id).status == "completed"
    row = desk.row("SELECT status, position FROM campaigns WHERE campaign_id = %s", (campaign_id,))
    assert row == {"status": "completed", "position": desk.log()[-1][0]}


def test_an_entry_of_one_campaign_stops_that_one_only(desk: "Desk") -> None:
    number = "+493023111111"
    mine, other = desk.running([number]), desk.running([number])
    _opt_out(desk, number, scope=mine)
    assert desk.campaign(mine).status == "completed"
    desk.granted(desk.contact(other))


def test_an_entry_that_has_expired_stops_nobody_until_it_is_renewed(desk: "Desk") -> None:
    number = "+493023111111"
    _opt_out(desk, number, expires_at=desk.now() + timedelta(milliseconds=1))
    campaign_id = desk.draft([number, "+493023111112"])
    assert desk.contact(campaign_id).status == "pending"
    desk.start(campaign_id)
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, Outcome.HUMAN, conversation=Conversation.DO_NOT_CALL))
    later = desk.draft([number])
    assert desk.contact(later).status is DO_NOT_CALL, "the person has asked again, for ever"
    (entry,) = desk.rows("SELECT source, expires_at, version FROM suppressions")
    assert entry == {"source": "agent", "expires_at": None, "version": 2}


def test_a_permit_says_what_the_call_needs(desk: "Desk") -> None:
    campaign_id = desk.running(1, custom_prompt="Be kind.", ring_timeout_seconds=25)
    desk.do(
        lambda tx: tx.cursor.execute(
            "UPDATE contacts SET first_name = 'Hana', email = 'hana@example.com', variables = '{\"plan\": \"gold\"}'"
        )
    )
    contact = desk.contact(campaign_id)
    (answer,) = desk.permits(desk.ask_for(contact))
    assert isinstance(answer, Granted)
    assert (answer.agent_id, answer.prompt, answer.ring_timeout_seconds) == ("agent-1", "Be kind.", 25)
    assert answer.context["first_name"] == "Hana"
    assert answer.context["variables"] == {"plan": "gold"}
    assert answer.caller_number == "+493023125000"
    # And the log says nothing of it.
    for row in desk.rows("SELECT convert_from(state, 'UTF8') AS state FROM campaign_command_events"):
        assert "Hana" not in row["state"]
        assert answer.number not in row["state"]
        assert "gold" not in row["state"]


def test_a_failed_batch_grants_nothing(desk: "Desk") -> None:
    contact = desk.contact(desk.running(1))
    ask = desk.ask_for(contact)

    def work(tx: Any) -> None:
        (answer,) = answer_asks(tx, [ask], desk.terms)
        assert isinstance(answer, Granted)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        desk.do(work)
    assert desk.live() == []
    assert desk.contact(contact.campaign_id) == contact
    assert _code(desk.permits(ask)[0]) == "granted"


def test_a_late_verdict_of_do_not_call_is_applied_before_the_next_permit(desk: "Desk") -> None:
    campaign_id = desk.running(["+493023111111", "+493023111112"])
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, Outcome.HUMAN))
    waiting = desk.running(["+493023111111"])
    corrected = desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.DO_NOT_CALL)
    desk.report(corrected)
    assert desk.contact(campaign_id).status is DO_NOT_CALL
    assert desk.contact(waiting).status is DO_NOT_CALL
    assert desk.campaign(waiting).status == "completed"


def test_more_attempts_do_not_reopen_a_contact_whose_number_was_suppressed_meanwhile(desk: "Desk") -> None:
    campaign_id = desk.running(["+493023111111", "+493023111112"], max_attempts=1)
    for contact in desk.contacts(campaign_id)[:1]:
        desk.report(desk.ended(desk.granted(contact), Outcome.NO_ANSWER))
    _opt_out(desk, "+493023111111")
    assert desk.contact(campaign_id).status == "no_answer", "who is finished keeps the status"
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"limits": {"max_attempts": 3}})
    assert [contact.status for contact in desk.contacts(campaign_id)] == [DO_NOT_CALL, "pending"]
