"""What call history forgets, and when. A call's record itself stays.

| what happened | the number | the words (what the agent said beside the outcome, the carrier's text) |
|---|---|---|
| the campaign was deleted | stays for the workspace's `retention_days` | forgotten, also those that come late |
| `retention_days` have passed since the call | forgotten | forgotten |
| the person was erased | forgotten | forgotten, also those that come late |

What must stay true: a call that is still open keeps what it needs; it is looked at again when it is over.
"""

import asyncio
from collections.abc import Callable

from prometheus_client import Counter

from campaign_service.logs import Log
from campaign_service.process import told_to_stop
from dialer.database import UNAVAILABLE, Pool

TURN_SECONDS = 2.0
THOROUGH_TURNS = 300
"""Turns between two looks for late words and for numbers that are old enough: ten minutes."""
CHUNK = 2000
DEFAULT_RETENTION_DAYS = 1826
LATE_WORDS_DAYS = 3
"""So long after its campaign was deleted a call may still end, or be reported on."""

_WORDS = ("summary", "recording_url", "transcript_url", "data", "raw_reason")
_NO_WORDS = ", ".join(f"{name} = NULL" for name in _WORDS)
_HAS_WORDS = " OR ".join(f"{name} IS NOT NULL" for name in _WORDS)
_NOTHING = f"number = NULL, number_hash = NULL, forgotten_at = now(), {_NO_WORDS}"
FORGET_PERSON = f"""
UPDATE calls SET {_NOTHING} WHERE workspace = $1 AND (number_hash = $2 OR contact_id = ANY($3::uuid[]))
"""  # noqa: S608
WORDLESS = "SELECT campaign_id FROM wordless_campaigns WHERE $1 OR NOT swept ORDER BY deleted_at"
FORGET_WORDS = f"""
UPDATE calls SET {_NO_WORDS} WHERE id IN (
    SELECT id FROM calls WHERE campaign_id = $1 AND state = 'settled' AND ({_HAS_WORDS}) LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""  # noqa: S608
SWEPT = "UPDATE wordless_campaigns SET swept = true WHERE campaign_id = $1"
END_WORDLESS = "DELETE FROM wordless_campaigns WHERE swept AND deleted_at < now() - make_interval(days => $1)"
# An agent may report on a call after its person was forgotten.
FORGET_LATE_WORDS = f"""
UPDATE calls SET {_NO_WORDS} WHERE forgotten_at > now() - make_interval(days => $1) AND ({_HAS_WORDS})
"""  # noqa: S608
# The distinct workspaces that have numbers, one look into the index each.
WORKSPACES = """
WITH RECURSIVE one AS (
    (SELECT workspace FROM calls WHERE number IS NOT NULL ORDER BY workspace LIMIT 1)
    UNION ALL
    SELECT next.workspace FROM one, LATERAL (
        SELECT workspace FROM calls WHERE number IS NOT NULL AND workspace > one.workspace ORDER BY workspace LIMIT 1
    ) AS next
)
SELECT one.workspace, coalesce(workspaces.retention_days, $1) AS days FROM one LEFT JOIN workspaces USING (workspace)
"""
FORGET_OLD = f"""
UPDATE calls SET {_NOTHING} WHERE id IN (
    SELECT id FROM calls
    WHERE workspace = $1 AND number IS NOT NULL AND created_at < now() - make_interval(days => $2) AND state = 'settled'
    ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
"""  # noqa: S608

forgotten_total = Counter("dialer_calls_forgotten_total", "Calls that lost their number or words", ["why"])


async def forget_words(pool: Pool, *, again: bool) -> int:
    """Take the words from the calls of deleted campaigns (`again`: and late ones); how many calls had some."""
    done = 0
    for row in await pool.fetch(WORDLESS, again):
        done += await _in_chunks(pool, FORGET_WORDS, row["campaign_id"])
        await pool.execute(SWEPT, row["campaign_id"])
    if again:
        await pool.execute(FORGET_LATE_WORDS, LATE_WORDS_DAYS)
        await pool.execute(END_WORDLESS, LATE_WORDS_DAYS)
    forgotten_total.labels("campaign_deleted").inc(done)
    return done


async def forget_old(pool: Pool) -> int:
    """Take number and words from the calls whose retention has passed; how many there were."""
    done = 0
    for row in await pool.fetch(WORKSPACES, DEFAULT_RETENTION_DAYS):
        done += await _in_chunks(pool, FORGET_OLD, row["workspace"], row["days"])
    forgotten_total.labels("retention").inc(done)
    return done


async def _in_chunks(pool: Pool, statement: str, *values: object) -> int:
    done = 0
    while True:
        count = int((await pool.execute(statement, *values, CHUNK)).rpartition(" ")[2])
        done += count
        if count < CHUNK:
            return done


class Retention:
    """The loop; any number of processes may run it."""

    def __init__(self, pool: Pool, *, log: Log) -> None:
        self._pool, self._log = pool, log

    async def run(self, stopping: asyncio.Event, *, beat: Callable[[], None]) -> None:
        """Forget until `stopping`."""
        turns = 0
        while not stopping.is_set():
            beat()
            try:
                thorough = turns % THOROUGH_TURNS == 0
                words = await forget_words(self._pool, again=thorough)
                numbers = await forget_old(self._pool) if thorough else 0
                turns += 1
                if words or numbers:
                    self._log.info("calls_forgotten", words=words, numbers=numbers)
            except UNAVAILABLE as error:
                self._log.warning("retention_unavailable", error=type(error).__name__)
            await told_to_stop(stopping, within_seconds=TURN_SECONDS)
