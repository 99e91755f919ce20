"""What happens to a call: who answers, when, what the agent will report, how it ends, and which faults meet it.

Pure. The one thing that must stay true: everything is drawn from (seed, number, nth call to that number), never from
the order of arrival, so two runs with the same seed treat each number alike.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulated_carrier.scenarios import SCENARIOS, SUFFIXES, TOO_LONG, AnsweredBy, Ending, Outcome, Range, Scenario

What = Literal["ringing", "answered", "amd", "report", "ended"]

RING_SECONDS: Range = (2, 8)
FAILURE_SECONDS: Range = (0.5, 2)  # how long the network takes to refuse a call that never rings
TALK_SECONDS: Range = (20, 90)
ABANDONED_SECONDS = 1.5  # until a person hangs up to whom nobody speaks; sooner than AMD knows who it is
VOICEMAIL_SECONDS: Range = (10, 20)
AMD_SECONDS: Range = (2, 4)
LATE_AMD_SECONDS: Range = (1, 5)  # after the hang-up
REPEAT_SECONDS: Range = (0, 3)
REPORT_AT = 0.9  # of the talk
PICKS_UP_BEFORE = 0.8  # of the ring timeout: a short timeout changes when a person picks up, not whether


# ---- what can be set ------------------------------------------------------------------------------------------------


class _Setting(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Weights(_Setting):
    """How often each thing happens, relative to the others; at least one is above zero."""

    human_goal_met: float = Field(25, ge=0)
    human_goal_not_met: float = Field(12, ge=0)
    human_do_not_call: float = Field(2, ge=0)
    human_callback: float = Field(5, ge=0)
    human_silent: float = Field(4, ge=0, description="A person answers, and the agent reports nothing.")
    machine: float = Field(20, ge=0)
    no_answer: float = Field(20, ge=0)
    busy: float = Field(5, ge=0)
    declined: float = Field(3, ge=0)
    invalid: float = Field(2, ge=0)
    blocked: float = Field(0.5, ge=0)
    unwanted: float = Field(0.5, ge=0)
    carrier_error: float = Field(1, ge=0)
    abandoned: float = Field(0, ge=0, description="A person answers, and no agent takes the call.")

    @model_validator(mode="after")
    def _something_can_happen(self) -> Self:
        if not any(weight for _, weight in self):
            raise ValueError("at least one weight must be above 0")
        return self


_Probability = Field(0.0, ge=0, le=1)


class Faults(_Setting):
    """Probabilities (0..1) of what goes wrong between the carrier and its customer."""

    lose_answer_after_placing: float = Field(
        0, ge=0, le=1, description="The call is placed and rings, but the create request is never answered."
    )
    refuse_429: float = _Probability
    refuse_503: float = _Probability
    repeat_event: float = Field(0, ge=0, le=1, description="Delivered again, up to 3 simulated seconds later.")
    reorder_events: float = Field(0, ge=0, le=1, description="Held back until the call's next event has gone out.")
    delay_events_seconds: Range = Field((0.0, 0.0), description="Simulated seconds; a call's events keep their order.")
    drop_event: float = Field(0, ge=0, le=1, description="Never delivered; GET still tells.")
    late_amd: float = Field(0, ge=0, le=1, description="The verdict comes only after the hang-up.")

    @model_validator(mode="after")
    def _delay_is_a_range(self) -> Self:
        shortest, longest = self.delay_events_seconds
        if not 0 <= shortest <= longest <= 600:
            raise ValueError("delay_events_seconds must be [min, max] with 0 <= min <= max <= 600")
        return self

    @property
    def touch_events(self) -> bool:
        return any((self.repeat_event, self.reorder_events, self.drop_event, self.delay_events_seconds[1]))


class Behaviour(_Setting):
    seed: int = Field(1, ge=-(2**63), lt=2**63)
    speed: float = Field(1.0, gt=0, le=10_000, description="Every simulated duration is divided by this.")
    weights: Weights = Weights()
    faults: Faults = Faults()


# ---- what is drawn --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    at_seconds: float  # simulated seconds after the carrier accepted the call
    what: What


@dataclass(frozen=True, slots=True)
class Report:
    outcome: Outcome
    callback_after_seconds: float | None  # None: no callback, or "later"

    def callback_at(self, now: datetime, *, speed: float) -> datetime | None:
        if self.callback_after_seconds is None:
            return None
        return now + timedelta(seconds=self.callback_after_seconds / speed)


@dataclass(frozen=True, slots=True)
class Script:
    """A call's whole future, steps in order of time. `ending` None: nothing ends it but a hang-up."""

    steps: tuple[Step, ...]
    ending: Ending | None
    answered_by: AnsweredBy | None
    report: Report | None
    webhooks: bool
    attended: bool | None = None  # None: nobody answers whom an agent could attend to

    @property
    def amd_is_late(self) -> bool:
        return [step.what for step in self.steps[-2:]] == ["ended", "amd"]


class Refusal(StrEnum):
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


class AnswerFate(StrEnum):
    SENT = "sent"
    HELD = "held"  # the connection stays open, and nothing comes
    CUT = "cut"  # the connection is closed at once


@dataclass(frozen=True, slots=True)
class EventFate:
    dropped: bool = False
    held: bool = False
    repeat_after_seconds: float | None = None
    delay_seconds: float = 0.0


UNTOUCHED = EventFate()


def draw_script(
    behaviour: Behaviour, *, to: str, nth: int, ring_timeout_seconds: float, max_call_seconds: float | None, amd: bool
) -> Script:
    """The script of the `nth` call (1, 2, …) to a number; times in simulated seconds."""
    generator = _generator(behaviour.seed, "script", to, nth)
    # Everything is drawn, always in this order: a changed weight or fault must not shift the other draws.
    weighted = _pick(behaviour.weights, generator.random())
    variant = generator.random()
    ring, failure = generator.uniform(*RING_SECONDS), generator.uniform(*FAILURE_SECONDS)
    talk, voicemail = generator.uniform(*TALK_SECONDS), generator.uniform(*VOICEMAIL_SECONDS)
    verdict, late = generator.uniform(*AMD_SECONDS), generator.uniform(*LATE_AMD_SECONDS)
    is_late = generator.random() < behaviour.faults.late_amd
    callback = generator.random()

    by_call = SUFFIXES.get(to[-4:], (weighted,))
    variants = SCENARIOS[by_call[min(nth, len(by_call)) - 1]]
    scenario = variants[int(variant * len(variants))]
    ring = min(ring, ring_timeout_seconds * PICKS_UP_BEFORE)
    steps = [Step(0.0, "ringing")] if scenario.rings else []

    if scenario.answered_by is None:
        until_rung = ring_timeout_seconds if scenario.to_ring_timeout else ring
        steps.append(Step(until_rung if scenario.rings else failure, "ended"))
        return Script(tuple(steps), scenario.ending, None, None, scenario.webhooks)

    ending = scenario.ending
    up = talk if scenario.answered_by == "human" else voicemail
    up = up if scenario.attended else ABANDONED_SECONDS
    if ending and max_call_seconds is not None and max_call_seconds < up:
        up, ending = max_call_seconds, TOO_LONG
    steps.append(Step(ring, "answered"))
    if scenario.outcome:
        steps.append(Step(ring + up * REPORT_AT, "report"))
    if ending:
        steps.append(Step(ring + up, "ended"))
    if amd and (scenario.late_amd or (is_late and ending)):
        steps.append(Step(ring + up + late, "amd"))
    elif amd and verdict < up:
        steps.append(Step(ring + verdict, "amd"))
    steps.sort(key=lambda step: step.at_seconds)
    attended = scenario.attended if scenario.answered_by == "human" else None
    report = report_of(scenario, callback)
    return Script(tuple(steps), ending, scenario.answered_by, report, webhooks=scenario.webhooks, attended=attended)


def draw_refusal(behaviour: Behaviour, *, to: str, nth_request: int) -> Refusal | None:
    """Whether the nth create request for a number is refused. Per request, so that a retry has a chance of its own."""
    faults = behaviour.faults
    if not (faults.refuse_429 or faults.refuse_503):
        return None
    generator = _generator(behaviour.seed, "refusal", to, nth_request)
    if generator.random() < faults.refuse_429:
        return Refusal.RATE_LIMITED
    return Refusal.UNAVAILABLE if generator.random() < faults.refuse_503 else None


def draw_answer_fate(behaviour: Behaviour, *, to: str, nth: int) -> AnswerFate:
    """Whether the create request of the nth call is answered; a lost answer is held or cut, equally likely."""
    if not behaviour.faults.lose_answer_after_placing:
        return AnswerFate.SENT
    generator = _generator(behaviour.seed, "answer", to, nth)
    if generator.random() >= behaviour.faults.lose_answer_after_placing:
        return AnswerFate.SENT
    return AnswerFate.HELD if generator.random() < 0.5 else AnswerFate.CUT


def draw_event_fate(behaviour: Behaviour, *, to: str, nth: int, sequence: int) -> EventFate:
    faults = behaviour.faults
    if not faults.touch_events:
        return UNTOUCHED
    generator = _generator(behaviour.seed, f"event {sequence}", to, nth)
    dropped, held, repeated = (generator.random() for _ in range(3))
    delay, repeat = generator.uniform(*faults.delay_events_seconds), generator.uniform(*REPEAT_SECONDS)
    return EventFate(
        dropped=dropped < faults.drop_event,
        held=held < faults.reorder_events,
        repeat_after_seconds=repeat if repeated < faults.repeat_event else None,
        delay_seconds=delay,
    )


def report_of(scenario: Scenario, draw: float) -> Report | None:
    """What the agent reports of a talk; `draw` (0..1) says when a callback is wanted."""
    if scenario.outcome is None:
        return None
    if scenario.callback_after is None:
        return Report(scenario.outcome, None)
    soonest, latest = scenario.callback_after
    return Report(scenario.outcome, soonest + draw * (latest - soonest))


def _pick(weights: Weights, draw: float) -> str:
    """The scenario at `draw` (0..1) of the way along all weights laid end to end."""
    named = [(name, weight) for name, weight in weights if weight]
    left = draw * sum(weight for _, weight in named)
    for name, weight in named:
        left -= weight
        if left < 0:
            return name
    return named[-1][0]


def _generator(seed: int, purpose: str, to: str, nth: int) -> random.Random:
    # Not for secrets: a simulation that can be repeated.
    return random.Random(f"{seed}|{purpose}|{to}|{nth}")  # noqa: S311
