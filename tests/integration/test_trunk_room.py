"""The dialer's trunks on a real PostgreSQL: room for calls between processes, fair shares, and what opens a breaker."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaign_events.envelope import wrap
from campaign_events.facts import WorkspaceSettingsChanged
from campaign_events.positions import Received
from campaign_events.topics import SUPPRESSION_EVENTS
from campaign_events.trunks import PhoneNumber, Trunk
from campaign_service.logs import configure_logs
from dialer.breakers import Breakers, close_by_hand, read_breakers
from dialer.database import Pool, migrate, open_pool
from dialer.trunk_api import read_trunks
from dialer.trunks import Admission, Routes, admit, give_places_back, load_routes
from dialer.workspaces import Workspaces

WORKSPACE, OTHER = UUID(int=1), UUID(int=2)
TRUNK = "berlin-1"
NUMBER = "+493023125000"
LOG = configure_logs("test", log_format="json")
INSERT = """
INSERT INTO calls (id, workspace, campaign_id, contact_id, partition, epoch, attempt, settings_version, success_rule,
    day, state, trunk, number, created_at)
VALUES ($1, $2, $3, gen_random_uuid(), 0, 1, 1, 1, 'answered',
    '2030-01-07', $4, $5, $6, now() - make_interval(secs => $7))
"""


@pytest.fixture
async def dsn(database: Callable[[], str]) -> str:
    made = database()
    await migrate(made)
    return made


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    async with await open_pool(dsn) as pool:
        yield pool


class Facts:
    """What campaign-command would tell of the workspace."""

    def __init__(self, pool: Pool) -> None:
        self._workspaces = Workspaces(pool, changed=lambda _: None, log=LOG)
        self._log, self._position = uuid4(), 0

    async def settings(
        self, *trunks: Trunk, numbers: dict[str, str], changed: tuple[str, ...] = ("trunks", "phone_numbers")
    ) -> None:
        fact = WorkspaceSettingsChanged(
            at=datetime.now(UTC),
            workspace=WORKSPACE,
            settings_version=1,
            retention_days=30,
            changed=changed,
            trunks=trunks,
            phone_numbers=tuple(PhoneNumber(number=number, trunk=trunk) for number, trunk in numbers.items()),
        )
        event = wrap(
            fact,
            log=self._log,
            position=self._position + 1,
            prior=self._position,
            stream_version=1,
            workspace=WORKSPACE,
            correlation_id=None,
            causation_id=None,
        )
        self._position += 1
        await self._workspaces.apply([Received(SUPPRESSION_EVENTS, 0, self._position, event)])


async def trunk(pool: Pool, **ceilings: int) -> None:
    await Facts(pool).settings(Trunk(id=TRUNK, **ceilings), numbers={NUMBER: TRUNK})


async def ask(pool: Pool, campaign: UUID, count: int = 1, *, workspace: UUID = WORKSPACE) -> list[UUID]:
    """Claimed calls, as they are before they have room."""
    ids = [uuid4() for _ in range(count)]
    await pool.executemany(INSERT, [(call_id, workspace, campaign, "asked", None, None, 0) for call_id in ids])
    return ids


async def admitted(pool: Pool, campaign: UUID, calls: Sequence[UUID], **more: Any) -> Admission:
    wanted = dict.fromkeys(calls, TRUNK)
    return await admit(pool, workspace=WORKSPACE, campaign_id=campaign, wanted=wanted, **more)


async def take(pool: Pool, campaign: UUID, count: int) -> int:
    """How many of so many calls get room."""
    return len((await admitted(pool, campaign, await ask(pool, campaign, count))).admitted)


async def end(pool: Pool, campaign: UUID, count: int = 1) -> None:
    await pool.execute(
        "UPDATE calls SET state = 'settled' WHERE id IN"
        " (SELECT id FROM calls WHERE campaign_id = $1 AND state <> 'settled' ORDER BY id LIMIT $2)",
        *(campaign, count),
    )


# ---- what the facts say


async def test_the_routes_are_those_of_the_last_settings(pool: Pool) -> None:
    facts = Facts(pool)
    berlin, mobile = Trunk(id=TRUNK, max_calls=3), Trunk(id="mobile")
    await facts.settings(berlin, mobile, numbers={NUMBER: TRUNK, "+4915123456789": "mobile"})
    routes = (await load_routes(pool, {WORKSPACE, OTHER}))[WORKSPACE]
    assert routes == Routes({NUMBER: TRUNK, "+4915123456789": "mobile"}, frozenset({TRUNK}))
    assert (routes.trunk_of(NUMBER), routes.trunk_of("+4930999"), routes.trunk_of(None)) == (
        TRUNK,
        "default",
        "default",
    )
    # Settings that did not touch them leave them as they are.
    await facts.settings(berlin, mobile, numbers={NUMBER: TRUNK}, changed=("retention_days",))
    assert (await load_routes(pool, {WORKSPACE}))[WORKSPACE] == routes
    await facts.settings(Trunk(id="mobile", calls_per_second=1), numbers={NUMBER: "mobile"})
    assert await load_routes(pool, {WORKSPACE}) == {WORKSPACE: Routes({NUMBER: "mobile"}, frozenset({"mobile"}))}
    await facts.settings(numbers={})
    assert await load_routes(pool, {WORKSPACE}) == {}
    assert list(await read_trunks(pool, WORKSPACE)) == ["default"]


# ---- room


async def test_two_processes_that_ask_at_one_time_never_get_more_than_the_trunk_holds(dsn: str, pool: Pool) -> None:
    await trunk(pool, max_calls=20)
    campaigns = [uuid4() for _ in range(8)]
    async with await open_pool(dsn) as second:
        asked = [(pool if n % 2 else second, campaign) for n, campaign in enumerate(campaigns * 4)]
        got = await asyncio.gather(*(take(one, campaign, 3) for one, campaign in asked))
    live = "SELECT count(*) FROM calls WHERE trunk = $1 AND state = 'asked'"
    assert sum(got) == await pool.fetchval(live, TRUNK) <= 20
    # Whoever had no room has no row left; and nothing that is free stays so.
    assert await pool.fetchval("SELECT count(*) FROM calls") == sum(got)
    for _ in range(40):
        for campaign in campaigns:
            await take(pool, campaign, 3)
        if await pool.fetchval(live, TRUNK) == 20:
            break
    assert await pool.fetchval(live, TRUNK) == 20


async def test_a_call_holds_its_place_in_the_second_until_a_second_after_the_api_answered(pool: Pool) -> None:
    await trunk(pool, calls_per_second=2)
    campaign = uuid4()
    first = await ask(pool, campaign, 3)
    admission = await admitted(pool, campaign, first)
    assert admission.admitted == set(first[:2])
    assert admission.without_room == {first[2]}
    assert await take(pool, campaign, 1) == 0
    # They are sent: until nothing may ring for them, they hold their places, whatever became of them since.
    ahead = datetime.now(UTC) + timedelta(seconds=60)
    sent = "UPDATE calls SET state = 'settled', holds_place_until = $2 WHERE id = ANY($1::uuid[])"
    await pool.execute(sent, first, ahead)
    assert await take(pool, campaign, 1) == 0
    await give_places_back(pool, first[:1])
    assert await take(pool, campaign, 1) == 0
    until = await pool.fetchval("SELECT holds_place_until FROM calls WHERE id = $1", first[0])
    assert timedelta(0) < until - datetime.now(UTC) <= timedelta(seconds=1)
    await pool.execute("UPDATE calls SET holds_place_until = now() - interval '1 ms' WHERE id = $1", first[0])
    assert await take(pool, campaign, 2) == 1
    # An answer that comes late gives nothing longer than it was.
    await give_places_back(pool, first[:1])
    assert await pool.fetchval("SELECT holds_place_until < now() FROM calls WHERE id = $1", first[0])


async def test_a_call_that_ended_gives_its_line_back_and_one_whose_end_is_not_known_does_not(pool: Pool) -> None:
    await trunk(pool, max_calls=2)
    campaign = uuid4()
    assert await take(pool, campaign, 2) == 2
    await pool.execute("UPDATE calls SET state = 'unknown'")
    assert await take(pool, campaign, 1) == 0
    await end(pool, campaign)
    assert await take(pool, campaign, 1) == 1


async def test_a_trunk_without_ceilings_and_one_that_is_gone_take_whatever_comes(pool: Pool) -> None:
    facts = Facts(pool)
    await facts.settings(Trunk(id=TRUNK), numbers={NUMBER: TRUNK})
    assert await take(pool, uuid4(), 30) == 30
    await facts.settings(numbers={})
    assert await take(pool, uuid4(), 30) == 30


async def test_lower_ceilings_hold_for_the_next_call_and_end_none(pool: Pool) -> None:
    facts, campaign = Facts(pool), uuid4()
    await facts.settings(Trunk(id=TRUNK, max_calls=5), numbers={})
    assert await take(pool, campaign, 5) == 5
    await facts.settings(Trunk(id=TRUNK, max_calls=2), numbers={})
    await end(pool, campaign, 3)
    assert await take(pool, campaign, 1) == 0
    await end(pool, campaign, 1)
    assert await take(pool, campaign, 2) == 1


async def test_calls_of_another_workspace_take_no_room_though_its_trunk_has_the_same_name(pool: Pool) -> None:
    await trunk(pool, max_calls=1)
    foreign = await ask(pool, uuid4(), 3, workspace=OTHER)
    await admit(pool, workspace=OTHER, campaign_id=uuid4(), wanted=dict.fromkeys(foreign, TRUNK))
    assert await take(pool, uuid4(), 1) == 1


async def test_a_call_that_was_ended_meanwhile_gets_no_room(pool: Pool) -> None:
    await trunk(pool, max_calls=5)
    campaign = uuid4()
    ended, asked = await ask(pool, campaign, 2)
    await pool.execute("UPDATE calls SET state = 'settled' WHERE id = $1", ended)
    admission = await admitted(pool, campaign, [ended, asked])
    assert admission.admitted == {asked}
    assert await pool.fetchval("SELECT count(*) FROM calls") == 2  # its row is not given back: it is history


async def test_a_campaign_that_has_all_gives_way_to_one_that_waits_until_both_have_the_same(pool: Pool) -> None:
    await trunk(pool, max_calls=6)
    first, second = uuid4(), uuid4()
    assert await take(pool, first, 10) == 6
    assert await take(pool, second, 10) == 0
    for _ in range(6):  # whatever ends, both ask for it
        await end(pool, first)
        await take(pool, first, 10)
        await take(pool, second, 10)
    by_campaign = await pool.fetch(
        "SELECT campaign_id, count(*) AS n FROM calls WHERE state <> 'settled' GROUP BY campaign_id"
    )
    assert {row["campaign_id"]: row["n"] for row in by_campaign} == {first: 3, second: 3}
    # Once nobody else waits, one campaign may have all.
    await pool.execute("UPDATE trunk_waits SET until = now() - interval '1 ms'")
    await end(pool, second, 3)
    assert await take(pool, first, 10) == 3


async def test_where_there_are_more_campaigns_than_lines_they_take_turns(pool: Pool) -> None:
    await trunk(pool, max_calls=2)
    campaigns, got = [uuid4() for _ in range(5)], Counter[UUID]()
    for _ in range(15):
        for campaign in campaigns:
            got[campaign] += await take(pool, campaign, 1)
        oldest = "SELECT id FROM calls WHERE state <> 'settled' ORDER BY created_at LIMIT 1"
        await pool.execute(f"UPDATE calls SET state = 'settled' WHERE id = ({oldest})")
    assert sum(got.values()) >= 15
    assert max(got.values()) - min(got[campaign] for campaign in campaigns) <= 2


# ---- what opens a breaker


async def add(
    pool: Pool,
    count: int,
    outcome: str | None,
    *,
    sip: int | None = None,
    words: str | None = None,
    age: float = 1.0,
    state: str = "settled",
    number: str | None = None,
    trunk: str = TRUNK,
    rang: bool = False,
) -> None:
    """Calls of the trunk that came to this."""
    for n in range(count):
        call_id = uuid4()
        called = number or f"+4930231{n:05d}"
        await pool.execute(INSERT, *(call_id, WORKSPACE, uuid4(), state, trunk, called, age))
        await pool.execute(
            "UPDATE calls SET outcome = $2, sip_code = $3, raw_reason = $4,"
            " ringing_at = CASE WHEN $5 THEN created_at END WHERE id = $1",
            *(call_id, outcome, sip, words, rang),
        )


async def look(pool: Pool) -> Any:
    """The trunk's breaker after a look."""
    await Breakers(pool, log=LOG).look()
    return (await read_breakers(pool, WORKSPACE)).get(TRUNK)


async def test_half_of_twenty_calls_within_a_minute_open_it_and_the_reasons_are_kept_without_numbers(
    pool: Pool,
) -> None:
    await add(pool, 9, "carrier_error", sip=503, words="no route to +4930231999")
    await add(pool, 10, "busy", sip=486)
    assert await look(pool) is None
    await add(pool, 1, "carrier_error", sip=500)
    breaker = await look(pool)
    assert (breaker.state, breaker.cause, breaker.calls, breaker.failed) == ("open", "calls_fail", 20, 10)
    assert breaker.reasons[0].words == "no route to +•••••"
    assert [(reason.sip_code, reason.calls) for reason in breaker.reasons] == [(503, 9), (500, 1)]
    shown = (await read_trunks(pool, WORKSPACE))[TRUNK]
    assert shown.breaker.state == "open"
    # Other trunks go on, and another look changes nothing.
    assert list(await read_breakers(pool, WORKSPACE)) == [TRUNK]
    assert await read_breakers(pool, OTHER) == {}
    assert await look(pool) == breaker


async def test_failures_older_than_a_minute_do_not_count(pool: Pool) -> None:
    await add(pool, 15, "carrier_error", age=61)
    await add(pool, 9, "carrier_error")
    await add(pool, 10, "human", rang=True)
    assert await look(pool) is None


async def test_calls_that_rang_and_failed_after_it_are_no_fault_of_the_trunk(pool: Pool) -> None:
    await add(pool, 30, "carrier_error", sip=503, rang=True)
    assert await look(pool) is None


async def test_twenty_calls_half_of_them_to_numbers_that_do_not_exist_open_it(pool: Pool) -> None:
    await add(pool, 10, "invalid_number", sip=404)
    await add(pool, 10, "no_answer", rang=True)
    assert (await look(pool)).cause == "numbers_invalid"


@pytest.mark.parametrize("sip", [401, 402, 407])
async def test_one_call_refused_for_credentials_or_money_opens_it_at_once(pool: Pool, sip: int) -> None:
    await add(pool, 200, "human", rang=True)
    await add(pool, 1, "configuration", sip=sip)
    assert (await look(pool)).cause == "not_authorized"


@pytest.mark.parametrize("sip", [403, 488])
async def test_five_numbers_refused_as_forbidden_open_it_over_an_hour_but_not_the_same_number_again(
    pool: Pool, sip: int
) -> None:
    await add(pool, 8, "configuration", sip=sip, number="+493023111111")
    assert await look(pool) is None
    await add(pool, 3, "configuration", sip=sip, age=1800)
    assert await look(pool) is None
    await add(pool, 4, "configuration", sip=sip)
    assert (await look(pool)).cause == "not_configured"


async def test_a_call_that_went_through_between_begins_the_count_of_refused_numbers_anew(pool: Pool) -> None:
    await add(pool, 5, "configuration", sip=403, age=50)
    await add(pool, 1, "busy", age=30)
    await add(pool, 4, "configuration", sip=403, age=10)
    assert await look(pool) is None


async def test_what_the_carriers_api_did_counts_as_failed(pool: Pool) -> None:
    await add(pool, 4, "not_placed", words="carrier API: unreachable ConnectionRefusedError")
    await add(pool, 4, None, state="unknown", words="carrier API: no answer, TimeoutError")
    await add(pool, 2, "carrier_error", words="carrier API: unavailable 503")
    await add(pool, 10, "human", rang=True)
    await add(pool, 50, "not_placed")  # permits that expired: nobody's fault
    breaker = await look(pool)
    assert (breaker.cause, breaker.calls, breaker.failed) == ("calls_fail", 20, 10)


async def test_five_failures_of_the_api_in_a_row_open_it_for_all_processes(dsn: str, pool: Pool) -> None:
    mine = Breakers(pool, log=LOG)
    for _ in range(5):
        mine.api_answered((WORKSPACE, TRUNK), is_failure=True)
    assert mine.holds_back((WORKSPACE, TRUNK))
    await mine.look()
    assert mine.holds_back((WORKSPACE, TRUNK))  # until it is written down what the API said
    assert await read_breakers(pool, WORKSPACE) == {}
    await add(pool, 5, "carrier_error", words="carrier API: unavailable 503")
    await mine.look()
    assert not mine.holds_back((WORKSPACE, TRUNK))  # now the row says so
    async with await open_pool(dsn) as second:
        breaker = (await read_breakers(second, WORKSPACE))[TRUNK]
    assert (breaker.state, breaker.cause, breaker.pause_seconds) == ("open", "carrier_api", 2.0)
    assert [(reason.words, reason.calls) for reason in breaker.reasons] == [("carrier API: unavailable 503", 5)]


async def test_the_api_failing_opens_it_even_if_nothing_of_it_can_be_written_down(pool: Pool) -> None:
    mine = Breakers(pool, log=LOG)
    for _ in range(5):
        mine.api_answered((WORKSPACE, TRUNK), is_failure=True)
    for _ in range(5):
        await mine.look()
    assert (await read_breakers(pool, WORKSPACE))[TRUNK].cause == "carrier_api"
    assert not mine.holds_back((WORKSPACE, TRUNK))


async def test_two_processes_that_judge_at_one_time_open_it_once(dsn: str, pool: Pool) -> None:
    await add(pool, 20, "carrier_error")
    async with await open_pool(dsn) as second:
        await asyncio.gather(*(Breakers(one, log=LOG).look() for one in (pool, second) * 3))
        first = (await read_breakers(pool, WORKSPACE))[TRUNK]
        assert first.pause_seconds == 15.0
        await Breakers(second, log=LOG).look()
        assert (await read_breakers(second, WORKSPACE))[TRUNK] == first


# ---- trying again


async def probe_due(pool: Pool) -> None:
    await pool.execute("UPDATE breakers SET probe_at = now()")


async def test_of_all_that_ask_one_call_tries_the_trunk_and_none_before_its_time(dsn: str, pool: Pool) -> None:
    await trunk(pool, max_calls=50)
    await add(pool, 20, "carrier_error")
    await look(pool)
    campaigns = [uuid4() for _ in range(6)]
    try_it: dict[str, Any] = {"shut": {TRUNK}, "probes": {TRUNK}}
    asked = await ask(pool, campaigns[0], 4)
    early = await admitted(pool, campaigns[0], asked, **try_it)
    assert not early.admitted
    assert early.on_shut_trunk == set(asked)
    await probe_due(pool)
    async with await open_pool(dsn) as second:
        batches = [await ask(pool, campaign, 3) for campaign in campaigns]
        answers = await asyncio.gather(
            *(
                admitted(second if n % 2 else pool, campaign, batches[n], **try_it)
                for n, campaign in enumerate(campaigns)
            )
        )
    assert sum(len(answer.admitted) for answer in answers) == 1
    assert await pool.fetchval("SELECT count(*) FROM calls WHERE state = 'asked'") == 1
    assert (await look(pool)).state == "probing"


async def tried(pool: Pool, sql: str) -> Any:
    """The breaker, after the call that tries it came to this."""
    await add(pool, 20, "carrier_error")
    await look(pool)
    await probe_due(pool)
    campaign = uuid4()
    admission = await admitted(pool, campaign, await ask(pool, campaign, 1), shut={TRUNK}, probes={TRUNK})
    (call_id,) = admission.admitted
    await pool.execute(sql, call_id)
    return await look(pool)


async def test_a_call_that_rings_closes_it_and_what_failed_before_counts_no_more(pool: Pool) -> None:
    breaker = await tried(pool, "UPDATE calls SET state = 'ringing', ringing_at = now() WHERE id = $1")
    assert (breaker.state, breaker.closed_by, breaker.cause) == ("closed", "probe", "calls_fail")
    assert await look(pool) == breaker
    await add(pool, 20, "carrier_error", age=-1)
    assert (await look(pool)).state == "open"


async def test_a_call_that_fails_opens_it_again_for_twice_as_long(pool: Pool) -> None:
    breaker = await tried(pool, "UPDATE calls SET state = 'settled', outcome = 'carrier_error' WHERE id = $1")
    assert (breaker.state, breaker.pause_seconds) == ("open", 30.0)


async def test_a_call_that_got_no_permit_says_nothing_and_another_one_tries_at_once(pool: Pool) -> None:
    breaker = await tried(pool, "DELETE FROM calls WHERE id = $1")
    assert (breaker.state, breaker.pause_seconds) == ("open", 15.0)
    assert breaker.probe_at <= datetime.now(UTC)


async def test_closing_by_hand_says_who_did_it_and_a_trunk_that_never_failed_stays_closed(pool: Pool) -> None:
    assert (await close_by_hand(pool, (WORKSPACE, "quiet"), by="ada")).state == "closed"
    assert await read_breakers(pool, WORKSPACE) == {}
    await add(pool, 20, "carrier_error")
    assert (await look(pool)).state == "open"
    closed = await close_by_hand(pool, (WORKSPACE, TRUNK), by="ada")
    assert (closed.state, closed.closed_by) == ("closed", "ada")
    assert await look(pool) == closed
    assert await close_by_hand(pool, (WORKSPACE, TRUNK), by="bob") == closed
