"""The figures of calls, and the formulas over them.

A call is counted once, by its final fact, on the day it started in the campaign's zone; a correction moves what it
counted. What must stay true: `placed` is the sum of the verdicts, and 0/0 is null, never 0.
"""

from dataclasses import dataclass, fields
from operator import add, attrgetter

from campaign_events.envelope import Malformed
from campaign_events.facts import ContactCorrected, ContactStatusChanged, Verdict
from campaign_events.settings import ContactStatus, Outcome

ENDS = (
    ContactStatus.COMPLETED,
    ContactStatus.FAILED,
    ContactStatus.NO_ANSWER,
    ContactStatus.VOICEMAIL,
    ContactStatus.DO_NOT_CALL,
    ContactStatus.RESCHEDULED,
)
"""What a placed call can make of its contact."""


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Counts of calls: of a campaign, or of one of its days. They add up field by field.

    `placed` counts attempts (an inbound campaign: calls received), the six verdicts say what they came to. `reached`
    counts contacts: those whom a person answered for the first time. `abandoned` counts those of `answered` in which
    nobody on our side was there. The talk figures are of answered calls with a
    final duration; whole milliseconds, so that a correction takes away exactly what was added.
    """

    placed: int = 0
    answered: int = 0
    completed: int = 0
    failed: int = 0
    no_answer: int = 0
    voicemail: int = 0
    do_not_call: int = 0
    rescheduled: int = 0
    reached: int = 0
    talk_milliseconds: int = 0
    talk_calls: int = 0
    abandoned: int = 0

    def __add__(self, other: "CallFigures") -> "CallFigures":
        if other is NOTHING:
            return self
        return CallFigures(*map(add, values_of(self), values_of(other)))


NOTHING = CallFigures()
FIGURES = tuple(field.name for field in fields(CallFigures))
values_of = attrgetter(*FIGURES)
"""The figures as a tuple, in the order of FIGURES."""


def figures_of(fact: ContactStatusChanged | ContactCorrected) -> CallFigures:
    """What the fact adds to the figures; NOTHING unless it is the final fact of a call, or corrects one."""
    if isinstance(fact, ContactCorrected):
        return _corrected(fact)
    if not (fact.placed or fact.answered or fact.first_reached):
        return NOTHING
    if fact.day is None:
        raise Malformed(f"{type(fact).__name__} of call {fact.call_id} has figures, but no day they belong to")
    talk = _milliseconds(fact.duration_seconds) if fact.answered else None
    return CallFigures(
        placed=int(fact.placed),
        answered=int(fact.answered),
        **({fact.status.value: 1} if fact.placed and fact.status in ENDS else {}),
        reached=int(fact.first_reached),
        talk_milliseconds=talk or 0,
        talk_calls=int(talk is not None),
        abandoned=int(fact.answered and fact.outcome is Outcome.ABANDONED),
    )


def _corrected(fact: ContactCorrected) -> CallFigures:
    moved: dict[str, int] = {}
    for verdict, sign in ((fact.old, -1), (fact.new, 1)):
        for name, value in _counted(verdict).items():
            moved[name] = moved.get(name, 0) + sign * value
    return CallFigures(**moved)


def _counted(verdict: Verdict) -> dict[str, int]:
    talk = _milliseconds(verdict.duration_seconds) if verdict.answered else None
    return {
        "answered": int(verdict.answered),
        "reached": int(verdict.reached),
        "talk_milliseconds": talk or 0,
        "talk_calls": int(talk is not None),
        "abandoned": int(verdict.answered and verdict.abandoned),
        **({verdict.status.value: 1} if verdict.status in ENDS else {}),
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def ratio(part: int, whole: int) -> float | None:
    """`part / whole`; null when there is nothing to divide by."""
    return part / whole if whole else None


def success_rate(calls: CallFigures) -> float | None:
    """Completed calls / calls placed."""
    return ratio(calls.completed, calls.placed)


def answer_rate(calls: CallFigures) -> float | None:
    """Calls answered by a person / calls placed."""
    return ratio(calls.answered, calls.placed)


def conversion(calls: CallFigures) -> float | None:
    """Completed calls / calls answered by a person."""
    return ratio(calls.completed, calls.answered)


def abandoned_rate(calls: CallFigures) -> float | None:
    """Calls in which nobody on our side was there / calls answered by a person."""
    return ratio(calls.abandoned, calls.answered)


def average_call_duration_seconds(calls: CallFigures) -> float | None:
    """Mean seconds from answer to end, over calls answered by a person with a final duration."""
    return ratio(calls.talk_milliseconds, calls.talk_calls * 1000)
