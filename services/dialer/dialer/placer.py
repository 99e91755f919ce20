"""Asks for permits, and places the calls that get one.

What must stay true, for every call: (1) its row `asked` is committed under the newest epoch, (2) then the permit is
asked for, (3) then the row becomes `placing` under the same epoch, unless the permit has expired, (4) then the carrier
is asked, once, with the instant after which nothing may ring. (5) What the carrier says is recorded; what it does not
say leaves the call unknown. A crash between any two steps leaves a row that the take-over or the reconciler ends.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from prometheus_client import Counter, Histogram

from campaign_service.logs import Log
from campaign_service.tracing import Attributes, span
from dialer import claims
from dialer.breakers import Breakers
from dialer.call_log import change
from dialer.calls import Call, Patience, Step, api_answered
from dialer.carriers import Accepted, Carrier, Placed, PlaceRequest, Rejected, Unknown
from dialer.claims import Claim, Placing
from dialer.database import UNAVAILABLE, Pool
from dialer.dialing import Dialing, Windows, day_end
from dialer.permits import Ask, Granted, NotHeard, PerhapsHeard, PermitClient, Refused
from dialer.trunks import give_places_back

ASK_SECONDS = 2.0
"""How long a permit is asked for again with the same call ids: what is granted later would have expired."""
MOST_IN_FLIGHT = 128
"""Requests to the carrier without an answer yet; more would only wait for connections while their permits expire."""
NEWER_FACTS_SECONDS = 1.0
REFUSED_FOR_GOOD_SECONDS = 60.0
RECORD_BATCH = 200

asks_total = Counter("dialer_permit_asks_total", "Answers to asks for a permit", ["answer"])
_place_seconds = Histogram(
    "dialer_place_seconds",
    "For the carrier's API to answer to a new call, or not to",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
places_total = Counter("dialer_calls_placed_total", "Answers of the carrier's API to a new call", ["answer"])


class Placer:
    """Steps 2 to 5, for batches of claimed contacts (step 1 is `claims.claim`)."""

    def __init__(
        self,
        pool: Pool,
        *,
        permits: PermitClient,
        carrier: Carrier,
        breakers: Breakers,
        patience: Patience,
        mint_token: Callable[[UUID, UUID], str],
        freed: Callable[[Iterable[UUID]], None],
        log: Log,
    ) -> None:
        self._pool, self._permits, self._carrier, self._patience = pool, permits, carrier, patience
        self._breakers, self._mint_token, self._freed, self._log = breakers, mint_token, freed, log
        self._ask_again_at = 0.0
        self._ask_failures = 0
        self._room_given = 0
        self._results: asyncio.Queue[tuple[UUID, Placed]] = asyncio.Queue()
        self._sending: set[asyncio.Task[None]] = set()
        self._hold_places: set[UUID] = set()

    def paused_until(self, clock: float) -> float | None:
        """While campaign-command is left alone: until when (monotonic)."""
        return self._ask_again_at if clock < self._ask_again_at else None

    @contextmanager
    def room_for(self, wanted: int) -> Iterator[int]:
        """How many of the `wanted` calls may be asked for now. The room is theirs for the time of a `with` block, so
        that campaigns that are looked at side by side don't take it twice."""
        room = MOST_IN_FLIGHT - len(self._sending) - self._room_given
        count = max(0, min(wanted, room))
        self._room_given += count
        try:
            yield count
        finally:
            self._room_given -= count

    async def finish(self) -> None:
        """Wait until every request to the carrier is answered and recorded."""
        if self._sending:
            await asyncio.wait(self._sending)
        await self._results.join()

    async def place(
        self,
        dialing: Dialing,
        claimed: Sequence[Claim],
        windows: Windows,
        *,
        day: date,
        ask_began: float,
        group: asyncio.TaskGroup,
    ) -> None:
        """Ask for these contacts' permits and send what is granted; `ask_began` (monotonic) is before the first ask."""
        attributes: Attributes = {"campaign.id": str(dialing.campaign_id), "calls": len(claimed)}
        with span("place calls", attributes=attributes):
            await self._place(dialing, claimed, windows, day=day, ask_began=ask_began, group=group)

    async def _place(
        self,
        dialing: Dialing,
        claimed: Sequence[Claim],
        windows: Windows,
        *,
        day: date,
        ask_began: float,
        group: asyncio.TaskGroup,
    ) -> None:
        asks = [
            Ask(one.call_id, dialing.campaign_id, one.contact_id, one.attempt, dialing.settings_version)
            for one in claimed
        ]
        answers, perhaps_heard = await self._ask(asks)  # 2
        granted = [(one, answer) for one in claimed if isinstance(answer := answers.get(one.call_id), Granted)]
        await self._not_granted(dialing, claimed, answers, perhaps_heard)
        if not granted:
            return

        placings, expired = self._placings(dialing, granted, windows, day=day, ask_began=ask_began)
        dialing.expired_in_a_row = 0 if placings else dialing.expired_in_a_row + 1
        for call_id in expired:
            self._results.put_nowait((call_id, Rejected("expired", "permit_expired")))
        held = await claims.to_placing(  # 3
            self._pool, dialing.tenure, placings, place_timeout_seconds=self._patience.place_timeout_seconds
        )
        grants = {one.call_id: (one, grant) for one, grant in granted}
        for placing in placings:
            if placing.call_id in held:
                self._send(dialing, placing, *grants[placing.call_id], group)  # 4
        self._log.info(
            "calls_sent",
            campaign=str(dialing.campaign_id),
            claimed=len(claimed),
            granted=len(granted),
            expired=len(expired),
            sent=len(held),
        )

    def _placings(
        self,
        dialing: Dialing,
        granted: Sequence[tuple[Claim, Granted]],
        windows: Windows,
        *,
        day: date,
        ask_began: float,
    ) -> tuple[list[Placing], list[UUID]]:
        """What may be placed, until when; and the calls for which it is too late."""
        # In this order: a process that stops between the two finds its permits shorter, never longer.
        now = datetime.now(UTC)
        clock = time.monotonic()
        placings, expired = [], []
        for one, grant in granted:
            window = windows.open[one.zones_key]
            permit_ends_at = now + timedelta(seconds=ask_began + grant.expires_in_seconds - clock)
            ends = [permit_ends_at, window.until]
            if dialing.settings.limits.calls_per_day is not None:
                ends.append(day_end(dialing.settings, day))  # it is counted for the day of its claim
            if min(ends) <= now:
                expired.append(one.call_id)
                continue
            placings.append(
                Placing(
                    call_id=one.call_id,
                    number=grant.number,
                    number_hash=grant.number_hash,
                    max_call_seconds=grant.longest_seconds(self._patience.call_deadline_seconds),
                    callback=grant.callback,
                    caller_number=grant.caller_number,
                    agent_id=grant.agent_id,
                    ring_timeout_seconds=grant.ring_timeout_seconds,
                    permit_ends_at=permit_ends_at,
                    not_after=min(ends),
                    holds_place_until=min(ends) + timedelta(seconds=1) if one.holds_place else None,
                    zones=window.zones,
                    until=window.until,
                )
            )
        return placings, expired

    async def _ask(self, asks: Sequence[Ask]) -> tuple[dict[UUID, Granted | Refused], bool]:
        """The answers, and whether an ask without an answer may have been heard."""
        deadline = time.monotonic() + ASK_SECONDS
        perhaps_heard, delay = False, 0.05
        while True:
            try:
                answers = await self._permits.ask(asks)
            except (NotHeard, PerhapsHeard) as error:
                perhaps_heard = perhaps_heard or isinstance(error, PerhapsHeard)
                asks_total.labels("none").inc(len(asks))
                self._log.warning("permits_unavailable", asks=len(asks), error=str(error))
                await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                delay *= 2
                if time.monotonic() < deadline:
                    continue
                self._ask_failures += 1
                pause = min(0.5 * 2 ** min(self._ask_failures, 10), 10.0) * random.uniform(0.5, 1.5)  # noqa: S311
                self._ask_again_at = time.monotonic() + pause
                return {}, perhaps_heard
            self._ask_failures = 0
            return answers, perhaps_heard

    async def _not_granted(
        self,
        dialing: Dialing,
        claimed: Sequence[Claim],
        answers: dict[UUID, Granted | Refused],
        perhaps_heard: bool,
    ) -> None:
        now = datetime.now(UTC)
        holds: dict[UUID, claims.Hold] = {}
        over = []
        for one in claimed:
            answer = answers.get(one.call_id)
            asks_total.labels("none" if answer is None else answer.result).inc()
            if isinstance(answer, Granted):
                continue
            over.append(one.call_id)
            # For what is permanent or stale the facts are on their way; a temporary refusal is what is waited for.
            code = answer.code if isinstance(answer, Refused) and answer.kind == "temporary" else None
            holds[one.contact_id] = claims.Hold(_hold_until(answer, now), code)
        if not over:
            return
        if perhaps_heard:
            # An ask that was not answered may have been granted; saying that nothing was placed gives it back.
            for call_id in over:
                self._results.put_nowait((call_id, Rejected("expired", "not_granted")))
        else:
            await claims.forget(self._pool, over)
        await claims.hold(self._pool, dialing.campaign_id, holds)

    def _send(self, dialing: Dialing, placing: Placing, claim: Claim, grant: Granted, group: asyncio.TaskGroup) -> None:
        if claim.holds_place:
            self._hold_places.add(claim.call_id)
        if datetime.now(UTC) >= placing.not_after:
            self._results.put_nowait((placing.call_id, Rejected("expired", "permit_expired")))
            return
        request = PlaceRequest(
            call_id=placing.call_id,
            number=placing.number,
            caller_number=placing.caller_number,
            ring_timeout_seconds=placing.ring_timeout_seconds,
            max_call_seconds=grant.longest_seconds(self._patience.call_deadline_seconds),
            not_after=placing.not_after,
            agent_id=placing.agent_id,
            prompt=grant.prompt,
            context=grant.context,
            token=self._mint_token(placing.call_id, dialing.workspace),
        )
        dialing.pace.sent(now=time.monotonic())
        task = group.create_task(self._send_one(dialing, request, trunk=claim.trunk))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_one(self, dialing: Dialing, request: PlaceRequest, *, trunk: str) -> None:
        with (
            span("place call", kind="client", attributes={"call.id": str(request.call_id)}) as begun,
            _place_seconds.time(),
        ):
            placed = await self._carrier.place(request)
            begun.set_attribute("answer", type(placed).__name__.lower())
        clock = time.monotonic()
        if isinstance(placed, Unknown):
            # The request may reach the carrier until its `not_after`: so long it holds its place.
            left = (request.not_after - datetime.now(UTC)).total_seconds()
            asyncio.get_running_loop().call_later(max(0.0, left), lambda: dialing.pace.answered(time.monotonic()))
        else:
            dialing.pace.answered(clock)
        places_total.labels(type(placed).__name__.lower()).inc()
        is_expired = isinstance(placed, Rejected) and placed.reason == "expired"
        is_failure = not (isinstance(placed, Accepted) or is_expired)
        self._breakers.api_answered((dialing.workspace, trunk), is_failure=is_failure)
        self._results.put_nowait((request.call_id, placed))

    # ---- what the carrier's API said

    async def record(self) -> None:
        """Write the carrier's answers down, many at a time, and again until they are written."""
        while True:
            batch = [await self._results.get()]
            while not self._results.empty() and len(batch) < RECORD_BATCH:
                batch.append(self._results.get_nowait())
            answers = dict(batch)
            while True:
                try:
                    calls = await change(self._pool, answers, lambda call: self._step(call, answers[call.id]))  # 5 # noqa: B023
                    await self._give_places_back(answers)
                    break
                except UNAVAILABLE as error:
                    self._log.warning("answers_not_recorded", calls=len(answers), error=type(error).__name__)
                    await asyncio.sleep(random.uniform(0.2, 0.6))  # noqa: S311 - jitter, not a secret
            self._freed({call.campaign_id for call in calls if call.is_over})
            for _ in batch:
                self._results.task_done()

    async def _give_places_back(self, answers: Mapping[UUID, Placed]) -> None:
        holding = self._hold_places.intersection(answers)
        if not holding:
            return
        # What may still be on its way holds its place as long as anything may ring for it.
        heard = [call_id for call_id in holding if not isinstance(answers[call_id], Unknown)]
        if heard:
            await give_places_back(self._pool, heard)
        self._hold_places -= holding

    def _step(self, call: Call, placed: Placed) -> Step:
        return api_answered(call, placed, now=datetime.now(UTC), patience=self._patience)


def _hold_until(answer: Granted | Refused | None, now: datetime) -> datetime:
    """Until when a contact without a permit is left alone, unless a newer fact comes before."""
    if isinstance(answer, Refused):
        if answer.ask_again_at is not None:
            return max(answer.ask_again_at, now + timedelta(seconds=0.2))
        if answer.kind == "permanent":
            return now + timedelta(seconds=REFUSED_FOR_GOOD_SECONDS)
    return now + timedelta(seconds=NEWER_FACTS_SECONDS)
