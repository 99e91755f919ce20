"""What a call came to: from the network's codes, the answering-machine detection and the agent's report.

What must stay true: the answer decides first (after it, failure codes no longer apply); every code maps to an outcome,
never to an exception; a refusal to be called again is taken from the person or from 607, never from 486 or 603.

Which status a contact gets from an outcome is decided elsewhere. The table mirrors the reference, "From what the
network says to what the contact becomes" (SIP: RFC 3261, 8197, 8688; causes: ITU-T Q.850; locations: RFC 8606).
"""

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from campaign_events.settings import Conversation, Outcome, SuccessRule

_NO_CODE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table for calls that were not answered; every condition that is set must hold.

    The SIP code decides where there is one, the Q.850 cause where there is none.
    """

    outcome: Outcome
    sip: Container[int] = _NO_CODE
    q850: Container[int] = _NO_CODE
    sip_with_q850: Container[int] | None = None
    rang: bool | None = None
    blocked_by_network: bool | None = None


NOT_ANSWERED: tuple[Row, ...] = (
    Row(outcome=Outcome.BUSY, sip={486, 600}, q850={17}),
    Row(outcome=Outcome.NO_ANSWER, sip={480, 487}, q850={18, 19, 20, 31}),
    # Without a failure named (0 is also what our own ring timeout may show as), ringing tells the difference.
    Row(outcome=Outcome.NO_ANSWER, sip={408}, q850={0, 16}, rang=True),
    Row(outcome=Outcome.UNKNOWN, q850={0, 16}),
    Row(outcome=Outcome.BLOCKED, sip={603}, q850={21}, blocked_by_network=True),
    Row(outcome=Outcome.DECLINED, sip={603}, q850={21}),
    Row(outcome=Outcome.UNWANTED, sip={607}),
    Row(outcome=Outcome.BLOCKED, sip={608}),
    # No route to the network or the destination: the route is broken, the number may be fine.
    Row(outcome=Outcome.CARRIER_ERROR, sip={404}, sip_with_q850={2, 3}),
    Row(outcome=Outcome.INVALID_NUMBER, sip={404, 410, 484, 485, 604}, q850={1, 22, 26, 28}),
    Row(
        outcome=Outcome.CONFIGURATION,
        sip={401, 402, 403, 405, 406, 407, 415, 420, 488, 606},
        q850={29, 55, 57, 58, 63, 65, 79, 88},
    ),
    Row(outcome=Outcome.CARRIER_ERROR, sip=range(300, 700), q850=range(1, 128)),
)
"""In order; the first row that holds decides. No row: `unknown`."""

ANSWERED_BY: dict[str | None, Outcome] = {
    None: Outcome.HUMAN,
    "human": Outcome.HUMAN,
    "machine": Outcome.MACHINE,
    "fax": Outcome.FAX,
}
"""Who picked up, by the answering-machine detection; without a verdict, a person. Another word: `unknown`."""

BLOCKED_BY_NETWORK = re.compile(
    r'network blocked|\bv=analytics1\b|\blocation\s*=\s*"?(?:LN|TN|RLN|INTL|BI)\b', re.IGNORECASE
)
"""In a 603's phrase or Reason header: the network refused, not the person (ATIS-1000099, "603+").

The private networks LPN and RPN are not in it: a company's own exchange speaks for the callee.
"""


class ReportRefused(Exception):
    """The agent has already reported another outcome of this call; only "do not call" may follow it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the agent says of the conversation; `callback_at` with `callback` only, None means "later"."""

    conversation: Conversation
    callback_at: datetime | None = None


def outcome_of(
    *,
    answered: bool,
    answered_by: str | None,
    rang: bool,
    sip_code: int | None,
    q850_cause: int | None,
    reason_text: str | None,
    hung_up_by_us: bool,
    attended: bool = True,
) -> Outcome:
    """What telephony says of a call that is over. Total: what is not in the table is `unknown`.

    `hung_up_by_us` is a hang-up we asked for, not the ring timeout. `attended` is False if a person answered and nobody
    was there on our side. A final 200 means that something picked up, also where the answer's event was lost.
    """
    if answered or sip_code == 200:
        who = ANSWERED_BY.get(answered_by, Outcome.UNKNOWN)
        return Outcome.ABANDONED if who is Outcome.HUMAN and not attended else who
    # Our hang-up explains a 487 or silence; any other final response is the network's own and says more.
    if hung_up_by_us and sip_code in (None, 487):
        return Outcome.CANCELLED
    blocked_by_network = bool(reason_text and BLOCKED_BY_NETWORK.search(reason_text))
    for row in NOT_ANSWERED:
        if (
            (sip_code in row.sip if sip_code is not None else q850_cause is not None and q850_cause in row.q850)
            and (row.sip_with_q850 is None or (q850_cause is not None and q850_cause in row.sip_with_q850))
            and row.rang in (None, rang)
            and row.blocked_by_network in (None, blocked_by_network)
        ):
            return row.outcome
    return Outcome.UNKNOWN


def settle(telephony: Outcome, report: Conversation | None) -> tuple[Outcome, Conversation | None]:
    """The verdict of a call: `telephony` is `outcome_of` with all that is known, `report` the agent's.

    An agent that reports has spoken with a person: its report stands against the detection, and against lost events.
    "Do not call" alone says nothing of who picked up. Without a report the conversation stays None: what that means
    follows from the campaign's `success_rule`, and a later verdict may change it. Where the result differs from the one
    already published, it is a correction.
    """
    if report is None or report is Conversation.DO_NOT_CALL:
        return telephony, report
    return Outcome.HUMAN, report


def is_settled(
    *, telephony: Outcome | None, report: Conversation | None, success_rule: SuccessRule, grace_over: bool
) -> bool:
    """Whether the call's end can be published. `telephony` is None as long as the call is live.

    Only a person's call without a report waits, and only where success is what the agent reports: for the grace.
    """
    if telephony is None:
        return False
    return telephony is not Outcome.HUMAN or report is not None or success_rule == "answered" or grace_over


def accept_report(*, first: Report | None, later: Report) -> Report:
    """The report that counts once `later` has come in. The same again changes nothing, "do not call" always counts.

    Raises ReportRefused for a second, different report.
    """
    if first is None or later == first or later.conversation is Conversation.DO_NOT_CALL:
        return later
    raise ReportRefused(
        f"this call was reported as {first.conversation}; a different report ({later.conversation}) is refused, "
        "allowed: the same again, or do_not_call"
    )
