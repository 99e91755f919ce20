"""Places calls: over and over, for each running campaign of the partitions held, as many as may be placed now.

What must stay true, for every call: (1) its row `asked` is committed under the newest epoch, (2) then the permit is
asked for, (3) then the row becomes `placing` under the same epoch, unless the permit has expired, (4) then the carrier
is asked, once, with the instant after which nothing may ring. (5) What the carrier says is recorded; what it does not
say leaves the call unknown. A crash between any two steps leaves a row that the take-over or the reconciler ends.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prometheus_client import Counter

from campaign_events.settings import CampaignSettings, Outcome
from campaign_service.logs import Log
from dialer import claims
from dialer.breaker import Breaker
from dialer.call_log import change
from dialer.calls import Call, Patience, Step, accepted, refused, unanswered
from dialer.carriers import Accepted, Carrier, Placed, PlaceRequest, Rejected
from dialer.claims import Claim, Placing, Tenure
from dialer.database import UNAVAILABLE, Pool
from dialer.dialing import Dialing, Windows, day_end
from dialer.intake import raise_epochs
from dialer.pacing import calls_to_place
from dialer.permits import Ask, Granted, NotHeard, PerhapsHeard, PermitClient, Refused

BATCH = 50
ASK_SECONDS = 2.0
"""How long a permit is asked for again with the same call ids: what is granted later would have expired."""
LEAST_LOOK_SECONDS = 0.02
MOST_LOOK_SECONDS = 5.0
REFRESH_SECONDS = 5.0
BUSY_LOOK_SECONDS = 0.3
NEWER_FACTS_SECONDS = 1.0
REFUSED_FOR_GOOD_SECONDS = 60.0
RECORD_BATCH = 200

asks_total = Counter("dialer_permit_asks_total", "Answers to asks for a permit", ["answer"])
places_total = Counter("dialer_calls_placed_total", "Answers of the carrier's API to a new call", ["answer"])

RUNNING = """
SELECT id, workspace, partition, settings_version FROM campaigns
WHERE status = 'running' AND partition = ANY($1::integer[]) AND ($2::uuid[] IS NULL OR id = ANY($2::uuid[]))
    AND settings->>'type' = 'outbound'
"""
OLD_CALLS = "SELECT id, campaign_id, state FROM calls WHERE partition = ANY($1::integer[]) AND state = ANY($2::text[])"


class Caller:
    """The pacing loop, and the partitions this process holds."""

    def __init__(
        self,
        pool: Pool,
        *,
        permits: PermitClient,
        carrier: Carrier,
        patience: Patience,
        mint_token: Callable[[UUID, UUID], str],
        log: Log,
    ) -> None:
        self._pool, self._permits, self._carrier, self._patience = pool, permits, carrier, patience
        self._mint_token, self._log = mint_token, log
        self._tenures: dict[int, Tenure] = {}
        self._dialings: dict[UUID, Dialing] = {}
        self._placing_before: dict[UUID, int] = {}
        self._changed: set[UUID] = set()
        self._wake = asyncio.Event()
        self._refreshed_at = float("-inf")
        self._ask_again_at = 0.0
        self._ask_failures = 0
        self._results: asyncio.Queue[tuple[UUID, Placed | None]] = asyncio.Queue()
        self._in_hand = 0
        self.breaker = Breaker()

    # ---- what the world tells the loop

    @property
    def partitions(self) -> set[int]:
        """The partitions held."""
        return set(self._tenures)

    def changed(self, campaign_ids: Iterable[UUID]) -> None:
        """Something about these campaigns is new: facts came in, or a line is free."""
        self._changed.update(campaign_ids)
        self._wake.set()

    async def take_over(self, partitions: set[int]) -> None:
        """Become the one who dials these partitions; calls that were only asked for are ended, nobody rang."""
        epochs = await raise_epochs(self._pool, partitions)
        now = datetime.now(UTC)
        old = await self._pool.fetch(OLD_CALLS, sorted(partitions), ["asked", "placing"])
        asked = [row["id"] for row in old if row["state"] == "asked"]
        placing = [row for row in old if row["state"] == "placing"]
        await change(
            self._pool,
            asked,
            lambda call: (
                refused(call, Outcome.NOT_PLACED, retry_after_seconds=None, now=now)
                if call.state == "asked"
                else (call, ())
            ),
        )
        await change(self._pool, [row["id"] for row in placing], lambda call: unanswered(call, now=now))
        for row in placing:
            campaign_id = row["campaign_id"]
            self._placing_before[campaign_id] = self._placing_before.get(campaign_id, 0) + 1
        self._tenures.update({partition: Tenure(partition, epoch) for partition, epoch in epochs.items()})
        self._log.info("partitions_taken", partitions=sorted(partitions), not_placed=len(asked), unknown=len(placing))
        self._refreshed_at = float("-inf")
        self._wake.set()

    async def give_up(self, partitions: set[int]) -> None:
        """Stop dialling these partitions."""
        for partition in partitions:
            self._tenures.pop(partition, None)
        self._dialings = {key: one for key, one in self._dialings.items() if one.tenure.partition in self._tenures}

    # ---- the loop

    async def run(self, stopping: asyncio.Event, *, beat: Callable[[], None]) -> None:
        """Dial until `stopping`; then finish what is in hand."""
        stopped = asyncio.create_task(stopping.wait())
        async with asyncio.TaskGroup() as group:
            recorder = group.create_task(self._record())
            while not stopping.is_set():
                beat()
                self._wake.clear()
                next_at = await self._turn(group)
                wait = min(max(next_at - time.monotonic(), 0.005), 0.5)
                woken = asyncio.create_task(self._wake.wait())
                await asyncio.wait({stopped, woken}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
            while self._in_hand:
                beat()
                await asyncio.sleep(0.02)
            await self._results.join()
            recorder.cancel()

    async def _turn(self, group: asyncio.TaskGroup) -> float:
        """Begin a look at each campaign whose time has come; when to turn again (monotonic)."""
        try:
            await self._refresh()
        except UNAVAILABLE as error:
            self._log.warning("database_unavailable", error=type(error).__name__)
            return time.monotonic() + 0.5
        clock = time.monotonic()
        for dialing in list(self._dialings.values()):
            if dialing.look_at <= clock and not dialing.is_busy:
                dialing.is_busy, dialing.look_at = True, float("inf")
                self._in_hand += 1
                group.create_task(self._look_safely(dialing, group))
        return min((one.look_at for one in self._dialings.values() if not one.is_busy), default=clock + 0.5)

    async def _refresh(self) -> None:
        """Load the campaigns that changed; every few seconds all that run."""
        everything = time.monotonic() - self._refreshed_at > REFRESH_SECONDS
        if not everything and not self._changed:
            return
        wanted, self._changed = self._changed, set()
        if everything:
            self._refreshed_at = time.monotonic()
        rows = await self._pool.fetch(RUNNING, sorted(self._tenures), None if everything else list(wanted))
        running = {row["id"] for row in rows}
        for campaign_id in [key for key in self._dialings if (everything or key in wanted) and key not in running]:
            del self._dialings[campaign_id]
        for row in rows:
            await self._load(row["id"], row["workspace"], row["partition"], row["settings_version"])
            if row["id"] in wanted:
                self._dialings[row["id"]].look_at = 0.0

    async def _load(self, campaign_id: UUID, workspace: UUID, partition: int, version: int) -> None:
        tenure, dialing = self._tenures.get(partition), self._dialings.get(campaign_id)
        if tenure is None:
            return
        if dialing is None or dialing.tenure != tenure:
            clock, placing = time.monotonic(), self._placing_before.pop(campaign_id, 0)
            dialing = Dialing(campaign_id, workspace=workspace, tenure=tenure, clock=clock, placing=placing)
            dialing.inherit(clock + ASK_SECONDS + self._patience.place_timeout_seconds, placing)
        if dialing.settings_version != version:
            row = await self._pool.fetchrow(
                "SELECT settings, settings_version FROM campaigns WHERE id = $1", campaign_id
            )
            if row is None:
                return
            settings = CampaignSettings.model_validate_json(row["settings"], context={"stored": True})
            dialing.use(settings, row["settings_version"])
        lists = await self._pool.fetch("SELECT key, zones FROM zone_lists WHERE campaign_id = $1", campaign_id)
        dialing.zones = {row["key"]: tuple(row["zones"]) for row in lists}
        dialing.told_not_callable.clear()
        self._dialings[campaign_id] = dialing

    async def _look_safely(self, dialing: Dialing, group: asyncio.TaskGroup) -> None:
        try:
            wait = await self._look(dialing, group)
        except UNAVAILABLE as error:
            self._log.warning("look_failed", campaign=str(dialing.campaign_id), error=type(error).__name__)
            wait = random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
        finally:
            dialing.is_busy = False
            self._in_hand -= 1
        # What came in during the look has set `look_at` to an earlier time.
        dialing.look_at = min(dialing.look_at, time.monotonic() + min(max(wait, LEAST_LOOK_SECONDS), MOST_LOOK_SECONDS))
        self._wake.set()

    # ---- one look at one campaign

    async def _look(self, dialing: Dialing, group: asyncio.TaskGroup) -> float:
        """Claim, ask and place what may be placed now; seconds until it is worth looking again."""
        clock, now = time.monotonic(), datetime.now(UTC)
        dialing.release_inherited(clock)
        limits = dialing.settings.limits
        windows = dialing.windows(now)
        await self._say_not_callable(dialing, windows, now)
        if not windows.open:
            return MOST_LOOK_SECONDS if windows.next_open_at is None else (windows.next_open_at - now).total_seconds()
        if clock < self._ask_again_at:
            return self._ask_again_at - clock
        closed_until = self.breaker.closes_at(clock)
        if closed_until is not None:
            return closed_until - clock

        day = dialing.day(now)
        live = await self._pool.fetchval(claims.LIVE_CALLS, dialing.campaign_id)
        today = 0 if limits.calls_per_day is None else await self._placed_today(dialing, clock)
        free = dialing.pace.free(clock, limits.calls_per_second)
        pacing = calls_to_place(limits=limits, live_calls=live, pace_free=free, placed_today=today, due=BATCH)
        match pacing.reason:
            case "daily_limit":
                return 1.0
            case "all_lines_busy":
                return BUSY_LOOK_SECONDS
            case "pace":
                next_free_at = dialing.pace.next_free_at(clock, limits.calls_per_second)
                return LEAST_LOOK_SECONDS if next_free_at is None else next_free_at - clock
        count = min(pacing.count, BATCH, self.breaker.allows(clock) or BATCH)
        ask_began = time.monotonic()
        claimed = await claims.claim(  # 1
            self._pool,
            dialing.tenure,
            campaign_id=dialing.campaign_id,
            settings_version=dialing.settings_version,
            zone_keys=list(windows.open),
            count=count,
            max_attempts=limits.max_attempts,
            success_rule=dialing.settings.success_rule,
            day=day,
        )
        dialing.claimed(len(claimed))
        if claimed:
            await self._place(dialing, claimed, windows, ask_began=ask_began, group=group)
        if len(claimed) == count:
            return 0.0
        due_at = await claims.next_claim_at(
            self._pool, dialing.campaign_id, zone_keys=list(windows.open), max_attempts=limits.max_attempts
        )
        ends = [at for at in (due_at, windows.next_open_at) if at is not None]
        return min(((at - datetime.now(UTC)).total_seconds() for at in ends), default=MOST_LOOK_SECONDS)

    async def _placed_today(self, dialing: Dialing, clock: float) -> int:
        day = dialing.day(datetime.now(UTC))
        known = dialing.day_count(day, clock)
        if known is None:
            known = int(await self._pool.fetchval(claims.CALLS_OF_DAY, dialing.campaign_id, day))
            dialing.counted(day, known, clock)
        return known

    async def _say_not_callable(self, dialing: Dialing, windows: Windows, now: datetime) -> None:
        for key, reason in windows.never.items():
            if key in dialing.told_not_callable:
                continue
            told = await claims.tell_not_callable(
                self._pool,
                dialing.tenure,
                workspace=dialing.workspace,
                campaign_id=dialing.campaign_id,
                zones_key=key,
                settings_version=dialing.settings_version,
                reason=reason,
                now=now,
            )
            if told:
                self._log.info("contacts_not_callable", campaign=str(dialing.campaign_id), count=told, reason=reason)
            if told < claims.NOT_CALLABLE_CHUNK:
                dialing.told_not_callable.add(key)
            else:
                self.changed([dialing.campaign_id])

    async def _place(
        self,
        dialing: Dialing,
        claimed: Sequence[Claim],
        windows: Windows,
        *,
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

        clock, now = time.monotonic(), datetime.now(UTC)
        placings, expired = [], []
        for one, grant in granted:
            left = ask_began + grant.expires_in_seconds - clock
            window = windows.open[one.zones_key]
            permit_ends_at = now + timedelta(seconds=left)
            ends = [permit_ends_at, window.until]
            if dialing.settings.limits.calls_per_day is not None:
                ends.append(day_end(dialing.settings, dialing.day(now)))
            if min(ends) <= now:
                expired.append(one.call_id)
                continue
            placings.append(
                Placing(
                    call_id=one.call_id,
                    number=grant.number,
                    caller_number=grant.caller_number,
                    agent_id=grant.agent_id,
                    ring_timeout_seconds=grant.ring_timeout_seconds,
                    permit_ends_at=permit_ends_at,
                    not_after=min(ends),
                    zones=window.zones,
                    until=window.until,
                )
            )
        for call_id in expired:
            self._results.put_nowait((call_id, Rejected("expired", "permit_expired")))
        held = await claims.to_placing(  # 3
            self._pool, dialing.tenure, placings, place_timeout_seconds=self._patience.place_timeout_seconds
        )
        grants = {one.call_id: grant for one, grant in granted}
        for placing in placings:
            if placing.call_id in held:
                self._send(dialing, placing, grants[placing.call_id], group)  # 4
        self._log.info(
            "calls_sent",
            campaign=str(dialing.campaign_id),
            claimed=len(claimed),
            granted=len(granted),
            expired=len(expired),
            sent=len(held),
        )

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
        until: dict[UUID, datetime] = {}
        over = []
        for one in claimed:
            answer = answers.get(one.call_id)
            asks_total.labels("none" if answer is None else answer.result).inc()
            if isinstance(answer, Granted):
                continue
            over.append(one.call_id)
            until[one.contact_id] = _hold_until(answer, now)
        if not over:
            return
        if perhaps_heard:
            # An ask that was not answered may have been granted; saying that nothing was placed gives it back.
            for call_id in over:
                self._results.put_nowait((call_id, Rejected("expired", "not_granted")))
        else:
            await claims.forget(self._pool, over)
        await claims.hold(self._pool, dialing.campaign_id, until)

    def _send(self, dialing: Dialing, placing: Placing, grant: Granted, group: asyncio.TaskGroup) -> None:
        if datetime.now(UTC) >= placing.not_after:
            self._results.put_nowait((placing.call_id, Rejected("expired", "permit_expired")))
            return
        request = PlaceRequest(
            call_id=placing.call_id,
            number=placing.number,
            caller_number=placing.caller_number,
            ring_timeout_seconds=placing.ring_timeout_seconds,
            max_call_seconds=int(self._patience.call_deadline_seconds),
            not_after=placing.not_after,
            agent_id=placing.agent_id,
            prompt=grant.prompt,
            context=grant.context,
            token=self._mint_token(placing.call_id, dialing.workspace),
        )
        dialing.pace.sent(now=time.monotonic())
        self._in_hand += 1
        group.create_task(self._send_one(dialing, request))

    async def _send_one(self, dialing: Dialing, request: PlaceRequest) -> None:
        try:
            placed = await self._carrier.place(request)
        finally:
            clock = time.monotonic()
            dialing.pace.answered(clock)
            self._in_hand -= 1
        if isinstance(placed, Accepted) or (isinstance(placed, Rejected) and placed.reason == "expired"):
            self.breaker.succeeded()
        else:
            self.breaker.failed(clock)
        self._results.put_nowait((request.call_id, placed))

    # ---- what the carrier's API said

    async def _record(self) -> None:
        """Write the carrier's answers down, many at a time, and again until they are written."""
        while True:
            batch = [await self._results.get()]
            while not self._results.empty() and len(batch) < RECORD_BATCH:
                batch.append(self._results.get_nowait())
            answers = {call_id: placed for call_id, placed in batch if placed is not None}
            for placed in answers.values():
                places_total.labels(type(placed).__name__.lower()).inc()
            while True:
                try:
                    calls = await change(self._pool, answers, lambda call: self._step(call, answers[call.id]))  # 5 # noqa: B023
                    break
                except UNAVAILABLE as error:
                    self._log.warning("answers_not_recorded", calls=len(answers), error=type(error).__name__)
                    await asyncio.sleep(random.uniform(0.2, 0.6))  # noqa: S311 - jitter, not a secret
            self.changed({call.campaign_id for call in calls if call.is_over})
            for _ in batch:
                self._results.task_done()

    def _step(self, call: Call, placed: Placed) -> Step:
        now = datetime.now(UTC)
        if isinstance(placed, Accepted):
            return accepted(call, placed.at, now=now, patience=self._patience)
        if isinstance(placed, Rejected):
            outcome = _OUTCOMES[placed.reason]
            return refused(call, outcome, retry_after_seconds=placed.retry_after_seconds, now=now)
        return unanswered(call, now=now)


_OUTCOMES = {
    "expired": Outcome.NOT_PLACED,
    "unreachable": Outcome.NOT_PLACED,
    "unavailable": Outcome.CARRIER_ERROR,
    "configuration": Outcome.CONFIGURATION,
}


def _hold_until(answer: Granted | Refused | None, now: datetime) -> datetime:
    """Until when a contact without a permit is left alone, unless a newer fact comes before."""
    if isinstance(answer, Refused):
        if answer.ask_again_at is not None:
            return max(answer.ask_again_at, now + timedelta(seconds=0.2))
        if answer.kind == "permanent":
            return now + timedelta(seconds=REFUSED_FOR_GOOD_SECONDS)
    return now + timedelta(seconds=NEWER_FACTS_SECONDS)
