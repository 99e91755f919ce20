"""The pacing loop: over and over, for each running campaign of the partitions held, as many calls as may be placed now.

What must stay true: only partitions held under the newest epoch are dialled; a take-over first ends what was only asked
for, and nothing is placed in a campaign's first second.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from campaign_events.settings import CampaignSettings, Outcome
from campaign_service.logs import Log
from dialer import claims, trunks
from dialer.breakers import Breakers
from dialer.call_log import change
from dialer.calls import Patience, refused, unanswered
from dialer.carriers import Carrier
from dialer.claims import Claim, Tenure
from dialer.database import UNAVAILABLE, Pool
from dialer.dialing import Dialing, Windows
from dialer.intake import raise_epochs
from dialer.pacing import calls_to_place
from dialer.permits import PermitClient
from dialer.placer import ASK_SECONDS, Placer

BATCH = 50
LEAST_LOOK_SECONDS = 0.05
"""Between two looks at a campaign that gives less than a full batch: fewer, larger batches cost less."""
FULL_BATCH = -1.0
MOST_LOOK_SECONDS = 5.0
REFRESH_SECONDS = 5.0
BUSY_LOOK_SECONDS = 0.3
TRUNK_LOOK_SECONDS = 0.2
"""Between two looks of a campaign that waits for room on a trunk."""
BROKEN_TRUNK_LOOK_SECONDS = 1.0
"""The same where all that were claimed belong to a trunk that is left alone."""
LONGEST_TRUNK_HOLD_SECONDS = 5.0
TAKE_OVER_SECONDS = 40.0
"""Less than a rebalance may take."""

RUNNING = """
SELECT id, workspace, partition, settings_version,
    EXISTS (SELECT 1 FROM trunks WHERE trunks.workspace = campaigns.workspace)
    OR EXISTS (SELECT 1 FROM phone_numbers WHERE phone_numbers.workspace = campaigns.workspace) AS has_trunks
FROM campaigns
WHERE status = 'running' AND partition = ANY($1::integer[]) AND ($2::uuid[] IS NULL OR id = ANY($2::uuid[]))
    AND settings->>'type' = 'outbound'
    AND NOT EXISTS (SELECT 1 FROM workspaces WHERE workspaces.workspace = campaigns.workspace AND workspaces.paused)
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
        breakers: Breakers,
        patience: Patience,
        mint_token: Callable[[UUID, UUID], str],
        log: Log,
    ) -> None:
        self._pool, self._breakers, self._patience, self._log = pool, breakers, patience, log
        self.placer = Placer(
            pool,
            permits=permits,
            carrier=carrier,
            breakers=breakers,
            patience=patience,
            mint_token=mint_token,
            freed=self.changed,
            log=log,
        )
        self._tenures: dict[int, Tenure] = {}
        self._dialings: dict[UUID, Dialing] = {}
        self._changed: set[UUID] = set()
        self._wake = asyncio.Event()
        self._refreshed_at = float("-inf")
        self._looks = 0

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
        deadline = time.monotonic() + TAKE_OVER_SECONDS
        while True:
            try:
                return await self._take_over(partitions)
            except UNAVAILABLE as error:
                if time.monotonic() > deadline:
                    raise
                self._log.warning("take_over_unavailable", error=type(error).__name__)
                await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret

    async def _take_over(self, partitions: set[int]) -> None:
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
            recorder = group.create_task(self.placer.record())
            while not stopping.is_set():
                beat()
                self._wake.clear()
                next_at = await self._turn(group)
                wait = min(max(next_at - time.monotonic(), 0.005), 0.5)
                woken = asyncio.create_task(self._wake.wait())
                await asyncio.wait({stopped, woken}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
            while self._looks:
                beat()
                await asyncio.sleep(0.02)
            await self.placer.finish()
            recorder.cancel()

    async def _turn(self, group: asyncio.TaskGroup) -> float:
        """Begin a look at each campaign whose time has come; when to turn again (monotonic)."""
        try:
            await self._refresh()
        except UNAVAILABLE as error:
            self._log.warning("database_unavailable", error=type(error).__name__)
            self._refreshed_at = float("-inf")  # what had changed was perhaps not loaded
            return time.monotonic() + 0.5
        clock = time.monotonic()
        for dialing in list(self._dialings.values()):
            if dialing.look_at <= clock and not dialing.is_busy:
                dialing.is_busy, dialing.look_at = True, float("inf")
                self._looks += 1
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
            if self._dialings[campaign_id].is_busy:
                # Running again in the middle of a look, it would be looked at twice at a time, each with a pace and a
                # count of lines of its own: it goes when the look is over.
                self._changed.add(campaign_id)
            else:
                del self._dialings[campaign_id]
        routes = await trunks.load_routes(self._pool, {row["workspace"] for row in rows if row["has_trunks"]})
        for row in rows:
            await self._load(row["id"], row["workspace"], row["partition"], row["settings_version"])
            loaded = self._dialings.get(row["id"])
            if loaded is not None and not loaded.is_busy:
                loaded.routes = routes.get(row["workspace"], trunks.Routes())
            if loaded is not None and row["id"] in wanted:
                loaded.wake()

    async def _load(self, campaign_id: UUID, workspace: UUID, partition: int, version: int) -> None:
        tenure, dialing = self._tenures.get(partition), self._dialings.get(campaign_id)
        if tenure is None:
            return
        if dialing is None or dialing.tenure != tenure:
            timeout = self._patience.place_timeout_seconds
            placing = await self._pool.fetchval(claims.ON_THEIR_WAY, campaign_id, timeout)
            clock = time.monotonic()
            dialing = Dialing(campaign_id, workspace=workspace, tenure=tenure, clock=clock)
            dialing.begin(clock, placing=placing, gone_at=clock + ASK_SECONDS + timeout)
        if dialing.settings_version != version:
            if dialing.is_busy:
                # A look decides and asks under the same settings: the windows of the old ones are not those of the new.
                self._changed.add(campaign_id)
                return
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
            self._looks -= 1
        not_before = 0.0 if wait == FULL_BATCH else LEAST_LOOK_SECONDS
        dialing.looked(time.monotonic(), again_in=min(wait, MOST_LOOK_SECONDS), not_before=not_before)
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
        paused_until = self.placer.paused_until(clock)
        if paused_until is not None:
            return paused_until - clock

        day = dialing.day(now)
        lines = await self._pool.fetchrow(claims.LIVE_CALLS, dialing.campaign_id, dialing.workspace)
        assert lines is not None
        live, shut = lines["live"], self._shut(dialing, lines["shut"])
        if dialing.trunks <= shut.keys() and not _may_try(shut):
            return min(max(LEAST_LOOK_SECONDS, min(shut.values())), MOST_LOOK_SECONDS)
        today = 0 if limits.calls_per_day is None else await self._placed_today(dialing, day, clock)
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
        most = 1 if dialing.trunks <= shut.keys() else min(pacing.count, BATCH, dialing.most_at_once or BATCH)
        needs_room = bool(shut) or dialing.needs_room
        with self.placer.room_for(most) as count:
            if not count:
                return LEAST_LOOK_SECONDS
            ask_began = time.monotonic()
            claimed = await claims.claim(  # step 1 of `placer`
                self._pool,
                dialing.tenure,
                campaign_id=dialing.campaign_id,
                settings_version=dialing.settings_version,
                zone_keys=list(windows.open),
                count=count,
                max_attempts=limits.max_attempts,
                success_rule=dialing.settings.success_rule,
                day=day,
                trunk=None if needs_room else min(dialing.trunks),
            )
            had_room = await self._with_room(dialing, claimed, shut) if needs_room and claimed else claimed
            dialing.claimed(len(had_room))
            if had_room:
                await self.placer.place(dialing, had_room, windows, day=day, ask_began=ask_began, group=group)
        if dialing.expired_in_a_row:
            # Permits that come too late are not asked for again and again at full speed.
            return min(0.25 * 2.0 ** min(dialing.expired_in_a_row, 10), MOST_LOOK_SECONDS)
        if len(had_room) < len(claimed):
            return TRUNK_LOOK_SECONDS if had_room or not shut else BROKEN_TRUNK_LOOK_SECONDS
        if len(claimed) == count:
            return FULL_BATCH if count == BATCH else 0.0
        due_at = await claims.next_claim_at(
            self._pool, dialing.campaign_id, zone_keys=list(windows.open), max_attempts=limits.max_attempts
        )
        ends = [at for at in (due_at, windows.next_open_at) if at is not None]
        return min(((at - datetime.now(UTC)).total_seconds() for at in ends), default=MOST_LOOK_SECONDS)

    def _shut(self, dialing: Dialing, not_closed: str | None) -> dict[str, float]:
        """The campaign's trunks with a breaker that is not closed: in how many seconds a call may try."""
        seconds: dict[str, float | None] = json.loads(not_closed) if not_closed else {}
        shut: dict[str, float] = {}
        for trunk in dialing.trunks:
            if trunk in seconds:
                left = seconds[trunk]
                shut[trunk] = TRUNK_LOOK_SECONDS if left is None else max(0.0, left)
            elif self._breakers.holds_back((dialing.workspace, trunk)):
                shut[trunk] = LEAST_LOOK_SECONDS
        return shut

    async def _with_room(self, dialing: Dialing, claimed: Sequence[Claim], shut: dict[str, float]) -> list[Claim]:
        """Those of the claimed calls that have room on their trunks; the others' contacts wait a little."""
        admission = await trunks.admit(
            self._pool,
            workspace=dialing.workspace,
            campaign_id=dialing.campaign_id,
            wanted={one.call_id: dialing.trunk_of(one.contact_id) for one in claimed},
            shut=shut,
            probes=_may_try(shut),
        )
        now = datetime.now(UTC)
        holds, admitted = {}, []
        for one in claimed:
            trunk = dialing.trunk_of(one.contact_id)
            if one.call_id in admission.admitted:
                admitted.append(replace(one, trunk=trunk, holds_place=trunk in dialing.routes.with_ceilings))
            elif one.call_id in admission.on_shut_trunk:
                seconds = min(max(1.0, shut[trunk]), LONGEST_TRUNK_HOLD_SECONDS)
                holds[one.contact_id] = claims.Hold(now + timedelta(seconds=seconds), "trunk_breaker_open")
            elif one.call_id in admission.without_room:
                holds[one.contact_id] = claims.Hold(now + timedelta(seconds=TRUNK_LOOK_SECONDS), "trunk_busy")
        if holds:
            await claims.hold(self._pool, dialing.campaign_id, holds)
        dialing.most_at_once = max(1, 2 * len(admitted)) if admission.without_room else None
        return admitted

    async def _placed_today(self, dialing: Dialing, day: date, clock: float) -> int:
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


def _may_try(shut: dict[str, float]) -> set[str]:
    """The trunks whose breaker lets one call try now."""
    return {trunk for trunk, seconds in shut.items() if seconds <= 0}
