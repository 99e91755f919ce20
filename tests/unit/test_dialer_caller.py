"""The pacing loop and the placer, where time and other campaigns get between: with doubles, no network and no sleep."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from campaign_events.schedule import WEEKDAYS, Schedule
from campaign_events.settings import CampaignSettings, Limits
from campaign_service.logs import configure_logs
from dialer import placer as placer_module
from dialer.breakers import Breakers
from dialer.caller import Caller
from dialer.calls import Patience
from dialer.carriers import Accepted, PlaceRequest, Unknown
from dialer.claims import Claim, Tenure
from dialer.dialing import Dialing, Windows
from dialer.permits import Granted
from dialer.placer import MOST_IN_FLIGHT, Placer
from dialer.schedule import Open

ALWAYS = Schedule(time_zone="UTC", use_callee_time_zone=False, weekly=dict.fromkeys(WEEKDAYS, (("00:00", "24:00"),)))
LIMITS = Limits(max_simultaneous_calls=50, calls_per_second=10)
SETTINGS = CampaignSettings(name="Reminders", limits=LIMITS, schedule=ALWAYS)
LOG = configure_logs("test", log_format="json")


class Database:
    """Answers what the loop asks of its pool: which campaigns run, and under which settings."""

    def __init__(self, campaign_id: UUID) -> None:
        self.campaign_id, self.running, self.version = campaign_id, True, 1

    async def fetch(self, sql: str, *_: Any) -> list[dict[str, Any]]:
        if "FROM campaigns" not in sql or not self.running:
            return []
        row = {"id": self.campaign_id, "workspace": uuid4(), "partition": 3, "settings_version": self.version}
        return [row | {"has_trunks": False}]

    async def fetchval(self, *_: Any) -> int:
        return 0

    async def fetchrow(self, *_: Any) -> dict[str, Any]:
        return {"settings": SETTINGS.model_dump_json(), "settings_version": self.version}


def caller_of(database: Database) -> Any:
    carrier: Any = None
    permits: Any = None
    pool: Any = database
    caller: Any = Caller(
        pool,
        permits=permits,
        carrier=carrier,
        breakers=Breakers(pool, log=LOG),
        patience=Patience(),
        mint_token=lambda *_: "token",
        log=LOG,
    )
    caller._tenures = {3: Tenure(3, 1)}
    return caller


def placer_of(carrier: Any = None) -> Any:
    pool: Any = None
    permits: Any = None
    return Placer(
        pool,
        permits=permits,
        carrier=carrier,
        breakers=Breakers(pool, log=LOG),
        patience=Patience(),
        mint_token=lambda *_: "token",
        freed=lambda _: None,
        log=LOG,
    )


def dialing() -> Dialing:
    one = Dialing(uuid4(), workspace=uuid4(), tenure=Tenure(3, 1), clock=0.0)
    one.begin(time.monotonic() - 10, placing=0, gone_at=0.0)
    one.use(SETTINGS, 1)
    return one


async def test_a_campaign_that_pauses_and_resumes_during_a_look_is_not_looked_at_twice_at_a_time() -> None:
    database = Database(uuid4())
    caller = caller_of(database)
    await caller._refresh()
    looked_at = caller._dialings[database.campaign_id]
    looked_at.is_busy = True  # it waits for permits

    for database.running in (False, True):
        caller.changed([database.campaign_id])
        await caller._refresh()
        assert caller._dialings[database.campaign_id] is looked_at

    database.running, looked_at.is_busy = False, False
    caller.changed([database.campaign_id])
    await caller._refresh()
    assert caller._dialings == {}


async def test_settings_that_change_during_a_look_hold_from_the_next_look_on() -> None:
    database = Database(uuid4())
    caller = caller_of(database)
    await caller._refresh()
    looked_at = caller._dialings[database.campaign_id]
    looked_at.is_busy, database.version = True, 2
    caller.changed([database.campaign_id])
    await caller._refresh()
    assert looked_at.settings_version == 1

    looked_at.is_busy = False
    await caller._refresh()  # nothing new was told: it is remembered
    assert looked_at.settings_version == 2


def test_campaigns_that_are_looked_at_side_by_side_share_the_room() -> None:
    placer = placer_of()
    with placer.room_for(100) as first, placer.room_for(100) as second, placer.room_for(1) as third:
        assert (first, second, third) == (100, MOST_IN_FLIGHT - 100, 0)
    with placer.room_for(50) as again:
        assert again == 50


async def test_a_look_at_a_database_that_is_just_going_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    caller, one = caller_of(Database(uuid4())), dialing()

    async def gone(*_: Any) -> float:
        raise asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress")

    monkeypatch.setattr(caller, "_look", gone)
    group: Any = None
    one.is_busy = True
    await caller._look_safely(one, group)
    assert not one.is_busy
    assert one.look_at > time.monotonic()


def test_a_process_that_stood_still_finds_its_permits_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    # Stopped for ten seconds between its looks at the two clocks.
    began, read = time.monotonic(), [0]

    def passed() -> float:
        read[0] += 1
        return 0.0 if read[0] == 1 else 10.0

    noon = datetime(2030, 1, 7, 12, tzinfo=UTC)
    wall = SimpleNamespace(now=lambda _: noon + timedelta(seconds=passed()))
    monkeypatch.setattr(placer_module, "datetime", wall)
    monkeypatch.setattr(placer_module, "time", SimpleNamespace(monotonic=lambda: began + passed()))
    one = Claim(uuid4(), uuid4(), 1, zones_key=1)
    grant = Granted(
        call_id=one.call_id,
        result="granted",
        expires_in_seconds=2.0,
        number="+493012345678",
        caller_number="+493012345679",
        agent_id="reminder",
        prompt="",
        ring_timeout_seconds=30,
        context={},
        attempt=1,
        settings_version=1,
    )
    windows = Windows(
        open={1: Open(datetime(2031, 1, 1, tzinfo=UTC), ("UTC",))}, never={}, reason=None, next_open_at=None
    )
    placings, expired = placer_of()._placings(dialing(), [(one, grant)], windows, day=noon.date(), ask_began=began)
    assert (placings, expired) == ([], [one.call_id])


class Carrier:
    """Gives one answer to every call."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def place(self, _: PlaceRequest) -> Any:
        return self.answer


@pytest.mark.parametrize("answer", [Accepted(datetime(2030, 1, 7, tzinfo=UTC)), Unknown("ReadTimeout")])
async def test_a_request_that_may_be_on_its_way_holds_its_place_until_nothing_may_ring_for_it(
    answer: Any, eventually: Callable[..., Awaitable[Any]]
) -> None:
    placer, one = placer_of(Carrier(answer)), dialing()
    request = PlaceRequest(
        call_id=uuid4(),
        number="+493012345678",
        caller_number="+493012345679",
        ring_timeout_seconds=30,
        max_call_seconds=600,
        not_after=datetime.now(UTC) + timedelta(seconds=0.3),
        agent_id="reminder",
        prompt="",
        context={},
        token="token",
    )
    one.pace.sent(now=time.monotonic())
    await placer._send_one(one, request, trunk="default")
    in_flight = one.pace.next_free_at(time.monotonic(), 1) is None
    assert in_flight is isinstance(answer, Unknown)

    await eventually(lambda: one.pace.next_free_at(time.monotonic(), 1) is not None)
    assert isinstance(answer, Accepted) or datetime.now(UTC) >= request.not_after
