"""The tables: what can happen to a call, how it ends, and which numbers decide it themselves. Data only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

AnsweredBy = Literal["human", "machine"]
Outcome = Literal["goal_met", "goal_not_met", "do_not_call", "callback"]
Range = tuple[float, float]


class FinalStatus(StrEnum):
    COMPLETED = "completed"  # something picked up; only AMD and the agent say what
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    INVALID = "invalid"
    BLOCKED = "blocked"
    UNWANTED = "unwanted"
    CARRIER_ERROR = "carrier_error"
    CANCELLED = "cancelled"  # hung up by the caller before an answer


@dataclass(frozen=True, slots=True)
class Ending:
    status: FinalStatus
    sip_code: int
    q850_cause: int | None
    reason: str


COMPLETED = Ending(FinalStatus.COMPLETED, 200, 16, "Normal call clearing")
TOO_LONG = Ending(FinalStatus.COMPLETED, 200, 16, "max call duration")
HUNG_UP = Ending(FinalStatus.COMPLETED, 200, 16, "hangup")
CANCELLED = Ending(FinalStatus.CANCELLED, 487, None, "hangup")
CARRIER_ERROR = Ending(FinalStatus.CARRIER_ERROR, 503, 34, "Service Unavailable")
# Of calls that come in.
BUSY = Ending(FinalStatus.BUSY, 486, 17, "the customer is busy")
REJECTED = Ending(FinalStatus.DECLINED, 603, 21, "turned away by the customer")
MESSAGE = Ending(FinalStatus.DECLINED, 603, 21, "the customer's message was played")
NOT_TOLD = Ending(FinalStatus.NO_ANSWER, 480, 19, "no answer of the customer in time")
GAVE_UP = Ending(FinalStatus.CANCELLED, 487, None, "the caller hung up")
# After an answer failure codes no longer apply, so a call that was being talked on ends as completed.
RESTARTED = Ending(FinalStatus.CARRIER_ERROR, 503, 34, "carrier restarted")
RESTARTED_AFTER_ANSWER = Ending(FinalStatus.COMPLETED, 200, 16, "carrier restarted")


@dataclass(frozen=True, slots=True)
class Scenario:
    ending: Ending | None  # None: never ends by itself
    rings: bool = True
    to_ring_timeout: bool = False
    answered_by: AnsweredBy | None = None
    outcome: Outcome | None = None
    callback_after: Range | None = None  # simulated seconds after the report; None with "callback" means "later"
    late_amd: bool = False
    webhooks: bool = True
    attended: bool = True  # whether an agent takes the call that a person answers


def _human(outcome: Outcome | None, callback_after: Range | None = None) -> Scenario:
    return Scenario(COMPLETED, answered_by="human", outcome=outcome, callback_after=callback_after)


# The variants of a scenario are equally likely. The first fourteen are the ones that have weights.
SCENARIOS: dict[str, tuple[Scenario, ...]] = {
    "human_goal_met": (_human("goal_met"),),
    "human_goal_not_met": (_human("goal_not_met"),),
    "human_do_not_call": (_human("do_not_call"),),
    "human_callback": (_human("callback", (60, 600)), _human("callback")),
    "human_silent": (_human(None),),
    "machine": (Scenario(COMPLETED, answered_by="machine"),),
    "no_answer": (
        Scenario(Ending(FinalStatus.NO_ANSWER, 480, 19, "Temporarily Unavailable"), to_ring_timeout=True),
        Scenario(Ending(FinalStatus.NO_ANSWER, 487, 19, "ring timeout"), to_ring_timeout=True),
    ),
    "busy": (Scenario(Ending(FinalStatus.BUSY, 486, 17, "Busy Here"), rings=False),),
    "declined": (Scenario(Ending(FinalStatus.DECLINED, 603, 21, "Decline")),),
    "invalid": (Scenario(Ending(FinalStatus.INVALID, 404, 1, "Not Found"), rings=False),),
    "blocked": (Scenario(Ending(FinalStatus.BLOCKED, 608, None, "Rejected"), rings=False),),
    "unwanted": (Scenario(Ending(FinalStatus.UNWANTED, 607, None, "Unwanted")),),
    "carrier_error": (Scenario(CARRIER_ERROR, rings=False),),
    "abandoned": (Scenario(COMPLETED, answered_by="human", attended=False),),
    "callback_soon": (_human("callback", (3, 3)),),
    "callback_later": (_human("callback"),),
    "machine_late_amd": (Scenario(COMPLETED, answered_by="machine", late_amd=True),),
    "never_ends": (Scenario(None, answered_by="human"),),
    "webhooks_dropped": (Scenario(COMPLETED, answered_by="human", webhooks=False),),
}

# The last four digits decide, not the weights: one scenario per call to the number, the last one for all later calls.
SUFFIXES: dict[str, tuple[str, ...]] = {
    "9900": ("human_goal_met",),
    "9901": ("human_goal_not_met",),
    "9902": ("human_do_not_call",),
    "9903": ("callback_soon",),
    "9904": ("human_silent",),
    "9905": ("callback_later",),
    "9906": ("abandoned",),
    "9910": ("machine",),
    "9911": ("machine_late_amd",),
    "9920": ("no_answer",),
    "9921": ("no_answer", "human_goal_met"),
    "9930": ("busy",),
    "9940": ("declined",),
    "9950": ("invalid",),
    "9960": ("blocked",),
    "9961": ("unwanted",),
    "9970": ("carrier_error",),
    "9971": ("carrier_error", "human_goal_met"),
    "9980": ("never_ends",),
    "9990": ("webhooks_dropped",),
}
