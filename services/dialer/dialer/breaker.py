"""A trunk's breaker: a trunk that fails is left alone for a while, so that no contact pays for it.

    closed -> open -> probing -> closed        a call has gone through, or an operator says so
                 ^       |
                 +-------+                     the call failed: a longer pause

What must stay true: while a breaker is not closed, one call at a time tries the trunk, and none before `probe_at`.
Pure: `now` (UTC) is an argument.

| opens when                                                                             | cause             |
|----------------------------------------------------------------------------------------|-------------------|
| 5 requests in a row were refused by the carrier's API, not answered, or did not get out | carrier_api       |
| half of at least 20 calls within 60 s failed for the network's or our own reasons       | calls_fail        |
| half of at least 20 calls within 60 s went to numbers that are said not to exist        | numbers_invalid   |
| one call was refused with 401, 402 or 407: credentials, or money                        | not_authorized    |
| calls to 5 numbers were refused with 403 or 488, and none went through between          | not_configured    |
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from campaign_events.settings import Outcome

State = Literal["closed", "open", "probing"]
Cause = Literal["carrier_api", "calls_fail", "numbers_invalid", "not_authorized", "not_configured"]
ProbeResult = Literal["passed", "failed", "void", "pending"]

WINDOW_SECONDS = 60.0
LEAST_CALLS = 20
API_FAILURES_TO_OPEN = 5
REFUSED_NUMBERS_TO_OPEN = 5
AT_ONCE = frozenset({401, 402, 407})
AFTER_SOME_NUMBERS = frozenset({403, 488})
PAUSES: dict[Cause, tuple[float, float]] = {
    "carrier_api": (2.0, 60.0),
    "calls_fail": (15.0, 300.0),
    "numbers_invalid": (15.0, 300.0),
    "not_authorized": (15.0, 300.0),
    "not_configured": (15.0, 300.0),
}
"""The first pause of a cause, and the longest: it doubles with each call that tries and fails."""
LONGEST_PROBE_SECONDS = 120.0
"""A call that tries and of which nothing is heard for so long says nothing: another one tries."""
MOST_REASONS = 10
API_WORDS = "carrier API: "
"""How the reason of a call begins that the carrier's API refused, or perhaps never got."""

FAULTS = frozenset({Outcome.CARRIER_ERROR, Outcome.CONFIGURATION})
"""Outcomes that are the trunk's fault; INVALID_NUMBER is, where it is half of the calls."""
_DIGITS = re.compile(r"\d(?:[\s().-]{0,3}\d){4,}")


@dataclass(frozen=True, slots=True)
class Reason:
    """How some calls failed, in the carrier's words; digits that may be a number are masked."""

    outcome: str
    sip_code: int | None
    q850_cause: int | None
    words: str | None
    calls: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What the calls of a trunk came to lately, since its breaker was closed.

    `calls` are those of the window whose result is known; from twice as many on as failed, it may be too low.
    """

    calls: int = 0
    failed: int = 0
    invalid: int = 0
    not_authorized: int = 0
    refused_numbers: int = 0
    """Different numbers refused with 403 or 488 since a call last went through."""
    api_failures_in_a_row: int = 0


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one trunk. `cause` to `reasons` are of its last opening."""

    state: State = "closed"
    changed_at: datetime | None = None
    cause: Cause | None = None
    opened_at: datetime | None = None
    calls: int = 0
    failed: int = 0
    reasons: tuple[Reason, ...] = ()
    pause_seconds: float = 0.0
    probe_at: datetime | None = None
    closed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a call, as far as it says something about its trunk."""

    state: str
    outcome: str | None = None
    rang: bool = False
    words: str | None = None


def judge(tally: Tally) -> Cause | None:
    """Why the breaker has to open; None if it stays closed."""
    if tally.not_authorized:
        return "not_authorized"
    if tally.api_failures_in_a_row >= API_FAILURES_TO_OPEN:
        return "carrier_api"
    if tally.refused_numbers >= REFUSED_NUMBERS_TO_OPEN:
        return "not_configured"
    if tally.calls >= LEAST_CALLS and 2 * tally.failed >= tally.calls:
        return "calls_fail"
    if tally.calls >= LEAST_CALLS and 2 * tally.invalid >= tally.calls:
        return "numbers_invalid"
    return None


def opened(
    cause: Cause, tally: Tally, reasons: tuple[Reason, ...], now: datetime, *, retry_after_seconds: float = 0.0
) -> Breaker:
    """Open, from now on. A carrier that says when to come again is not asked before, up to the longest pause."""
    first, longest = PAUSES[cause]
    pause = min(max(first, retry_after_seconds), longest)
    return Breaker(
        state="open",
        changed_at=now,
        cause=cause,
        opened_at=now,
        calls=max(tally.calls, tally.failed, tally.invalid, tally.api_failures_in_a_row),
        failed=max(tally.failed, tally.api_failures_in_a_row) if cause != "numbers_invalid" else tally.invalid,
        reasons=reasons,
        pause_seconds=pause,
        probe_at=now + timedelta(seconds=pause),
    )


def may_probe(breaker: Breaker, now: datetime) -> bool:
    """Whether a call may try the trunk now."""
    return breaker.state == "open" and breaker.probe_at is not None and breaker.probe_at <= now


def probing(breaker: Breaker, now: datetime) -> Breaker:
    """One call tries."""
    return replace(breaker, state="probing", changed_at=now)


def probed(breaker: Breaker, result: ProbeResult, now: datetime) -> Breaker:
    """What the call that tried came to."""
    if breaker.state != "probing" or breaker.cause is None or breaker.changed_at is None:
        return breaker
    match result:
        case "passed":
            return closed(breaker, now, by="probe")
        case "failed":
            pause = min(breaker.pause_seconds * 2, PAUSES[breaker.cause][1])
            return replace(
                breaker, state="open", changed_at=now, pause_seconds=pause, probe_at=now + timedelta(seconds=pause)
            )
        case "pending" if now < breaker.changed_at + timedelta(seconds=LONGEST_PROBE_SECONDS):
            return breaker
        case _:
            return replace(breaker, state="open", changed_at=now, probe_at=now)


def closed(breaker: Breaker, now: datetime, *, by: str) -> Breaker:
    """Closed, from now on; what happened before does not count any more."""
    if breaker.state == "closed":
        return breaker
    return replace(breaker, state="closed", changed_at=now, pause_seconds=0.0, probe_at=None, closed_by=by)


def probe_result(seen: Seen | None, cause: Cause | None) -> ProbeResult:
    """What the call that tries says of its trunk; None: there is no such call, it got no permit."""
    if seen is None:
        return "void"
    if seen.rang:
        return "passed"
    refused_by_api = (seen.words or "").startswith(API_WORDS)
    if seen.state in ("ended", "settled"):
        if seen.outcome in FAULTS or refused_by_api:
            return "failed"
        if seen.outcome == Outcome.INVALID_NUMBER:
            # The network has answered, which is all that the other causes wait for.
            return "failed" if cause == "numbers_invalid" else "passed"
        return "void" if seen.outcome in (Outcome.NOT_PLACED, Outcome.CANCELLED, Outcome.UNKNOWN) else "passed"
    if seen.state == "unknown":
        return "failed"
    if seen.state == "placed" and cause == "carrier_api":
        return "passed"
    return "pending"


def masked(words: str | None) -> str | None:
    """A carrier's words without what may be a number: five digits or more, however they are set apart."""
    return None if words is None else _DIGITS.sub("•••••", words)


def summed(reasons: list[Reason]) -> tuple[Reason, ...]:
    """The reasons with their words masked, those that are alike as one, the most frequent first."""
    counts: dict[tuple[str, int | None, int | None, str | None], int] = {}
    for one in reasons:
        key = (one.outcome, one.sip_code, one.q850_cause, masked(one.words))
        counts[key] = counts.get(key, 0) + one.calls
    most = sorted(counts.items(), key=lambda item: -item[1])[:MOST_REASONS]
    return tuple(Reason(*key, calls) for key, calls in most)
