"""Live calls: places them, moves them along their scripts, hangs them up, and tells their callers.

The one thing that must stay true: a call's ledger line is written before anything of it is told, and its events carry
the sequence 1, 2, 3 … in the order in which they happened.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from simulated_carrier.behaviour import (
    UNTOUCHED,
    AnswerFate,
    Behaviour,
    EventFate,
    Refusal,
    Script,
    Step,
    draw_answer_fate,
    draw_event_fate,
    draw_refusal,
    draw_script,
)
from simulated_carrier.call_request import Agent, CallRequest
from simulated_carrier.ledger import Entry, Ledger
from simulated_carrier.scenarios import (
    CANCELLED,
    COMPLETED,
    HUNG_UP,
    RESTARTED,
    RESTARTED_AFTER_ANSWER,
    Ending,
    Outcome,
)
from simulated_carrier.stats import Stats
from simulated_carrier.timeline import Timeline
from simulated_carrier.webhooks import AgentReports, Webhooks

MAX_WAITING = 200_000  # events, and reports, not delivered yet
MAX_NUMBERS_COUNTED = 1_000_000

SUMMARIES: dict[Outcome, str] = {
    "goal_met": "The person agreed.",
    "goal_not_met": "The person was not interested.",
    "do_not_call": "The person asked not to be called again.",
    "callback": "The person asked to be called back.",
}


class Overloaded(Exception):
    """Too many events wait for delivery: no new call until the webhooks take some."""


@dataclass(slots=True)
class LiveCall:
    entry: Entry
    script: Script
    steps: list[Step]  # those to come, the next one last
    outcome_url: str
    token: str
    due: float  # of the next step, monotonic
    reached: float = 0.0  # simulated seconds from the acceptance to the last step
    held: bytes | None = None  # an event that waits until the next one has gone out
    delivered_until: float = 0.0  # monotonic; no later event goes out before this


class Calls:
    def __init__(
        self,
        ledger: Ledger,
        *,
        behaviour: Behaviour,
        timeline: Timeline,
        webhooks: Webhooks,
        reports: AgentReports,
        stats: Stats,
    ) -> None:
        self.behaviour = behaviour
        self._ledger = ledger
        self._timeline = timeline
        self._webhooks = webhooks
        self._reports = reports
        self._stats = stats
        self._live: dict[str, LiveCall] = {}
        self._requests_to: dict[str, int] = {}

    @property
    def live(self) -> int:
        return len(self._live)

    def refusal(self, to: str) -> Refusal | None:
        """Draws whether this create request is refused; nothing rings then."""
        faults = self.behaviour.faults
        if not (faults.refuse_429 or faults.refuse_503):
            return None
        if len(self._requests_to) >= MAX_NUMBERS_COUNTED:
            self._requests_to.clear()
        nth = self._requests_to[to] = self._requests_to.get(to, 0) + 1
        return draw_refusal(self.behaviour, to=to, nth_request=nth)

    def place(
        self, request: CallRequest, *, arrived_at: datetime, monotonic_arrived: float
    ) -> tuple[Entry, AnswerFate]:
        """Places a call whose call_id is new. Raises Overloaded, LedgerFull, OSError: then nothing rings."""
        if self._webhooks.waiting + self._reports.waiting >= MAX_WAITING:
            raise Overloaded
        nth = self._ledger.next_call_to(request.to)
        script = draw_script(
            self.behaviour,
            to=request.to,
            nth=nth,
            ring_timeout_seconds=request.ring_timeout_seconds,
            max_call_seconds=request.max_call_seconds,
            amd=request.amd,
        )
        entry = Entry(
            n=len(self._ledger.entries) + 1,
            call_id=str(request.call_id),
            to=request.to,
            from_number=request.from_number,
            nth=nth,
            webhook_url=request.webhook_url if script.webhooks else None,
            arrived_at=arrived_at,
            monotonic_arrived=monotonic_arrived,
        )
        self._ledger.accept(entry)
        call = LiveCall(
            entry,
            script,
            steps=list(reversed(script.steps)),
            outcome_url=request.agent.outcome_url,
            token=request.agent.token,
            due=monotonic_arrived,
        )
        self._live[entry.call_id] = call
        self._stats.accepted += 1
        self._stats.max_live = max(self._stats.max_live, len(self._live))
        self._schedule_next(call)
        return entry, draw_answer_fate(self.behaviour, to=request.to, nth=nth)

    def ring_in(self, *, call_id: UUID, caller: str, to: str) -> Entry:
        """A call that comes in, before the customer is asked. Raises Overloaded, LedgerFull, OSError."""
        if self._webhooks.waiting + self._reports.waiting >= MAX_WAITING:
            raise Overloaded
        now = datetime.now(UTC)
        entry = Entry(
            n=len(self._ledger.entries) + 1,
            call_id=str(call_id),
            to=to,
            from_number=caller,
            nth=self._ledger.next_call_from(caller),
            webhook_url=None,
            arrived_at=now,
            monotonic_arrived=time.monotonic(),
            ringing_at=now,
            direction="inbound",
        )
        self._ledger.accept(entry)
        self._stats.inbound += 1
        return entry

    def pick_up(self, entry: Entry, script: Script, *, webhook_url: str, agent: Agent) -> None:
        """The agent answers a call that came in, now, and the script goes on from there."""
        if script.webhooks:
            self._ledger.record(entry, webhook_url=webhook_url)
        call = LiveCall(
            entry,
            script,
            steps=list(reversed(script.steps)),
            outcome_url=agent.outcome_url,
            token=agent.token,
            due=time.monotonic(),
        )
        self._live[entry.call_id] = call
        self._stats.inbound_answered += 1
        self._stats.max_live = max(self._stats.max_live, len(self._live))
        self._advance(call, call.due)

    def turn_away(self, entry: Entry, ending: Ending, *, webhook_url: str | None) -> None:
        """A call that came in ends before anybody of ours picks up; its customer is told where it said so."""
        if entry.ended_at is not None:
            return
        if webhook_url is not None:
            self._ledger.record(entry, webhook_url=webhook_url)
        self._record_end(entry, ending)
        if entry.webhook_url is not None:
            self._webhooks.send(entry.webhook_url, _event(entry, "ended", at=entry.ended_at))

    def hang_up(self, entry: Entry) -> None:
        """Ends a live call now; an ended one stays as it ended."""
        call = self._live.get(entry.call_id)
        if call is None:
            return
        # A late verdict still comes: what makes it late is that it comes after the hang-up.
        late = entry.answered_at is not None and call.script.amd_is_late
        call.steps = [call.script.steps[-1]] if late else []
        self._end(call, HUNG_UP if entry.answered_at else CANCELLED)
        if late:
            call.due, call.reached = time.monotonic(), call.script.steps[-2].at_seconds
            self._schedule_next(call)

    def end_those_of_before(self) -> int:
        """Ends the calls that were live when the carrier stopped, and tells their callers."""
        left = [entry for entry in self._ledger.entries if entry.ended_at is None]
        for entry in left:
            self._record_end(entry, RESTARTED_AFTER_ANSWER if entry.answered_at else RESTARTED)
            if entry.webhook_url is not None:
                self._webhooks.send(entry.webhook_url, _event(entry, "ended", at=entry.ended_at))
        return len(left)

    # ---- the steps of a call

    def _schedule_next(self, call: LiveCall) -> None:
        if call.steps:
            # From step to step, so that a new speed holds from the next step on.
            call.due += (call.steps[-1].at_seconds - call.reached) / self.behaviour.speed
            self._timeline.at(call.due, partial(self._advance, call, call.due))

    def _advance(self, call: LiveCall, due: float) -> None:
        if due != call.due or not call.steps:
            return  # hung up meanwhile
        step = call.steps.pop()
        call.reached = step.at_seconds
        now = datetime.now(UTC)
        match step.what:
            case "ringing":
                self._happened(call, "ringing", at=now, ringing_at=now)
            case "answered":
                # Whoever rings in is a person.
                heard = {"answered_by": "human"} if call.entry.direction == "inbound" else {}
                self._happened(call, "answered", at=now, answered_at=now, **heard)
            case "amd":
                self._happened(call, "amd", at=now, answered_by=call.script.answered_by)
            case "report":
                self._report(call, now)
            case "ended":
                self._end(call, call.script.ending or COMPLETED)
        self._schedule_next(call)

    def _happened(self, call: LiveCall, status: str, *, at: datetime, **changes: Any) -> None:
        self._ledger.record(call.entry, sequence=call.entry.sequence + 1, **changes)
        self._tell(call, _event(call.entry, status, at=at))

    def _report(self, call: LiveCall, now: datetime) -> None:
        report = call.script.report
        if report is None:
            return
        callback_at = report.callback_at(now, speed=self.behaviour.speed)
        body = {"outcome": report.outcome, "callback_at": callback_at, "summary": SUMMARIES[report.outcome]}
        self._reports.send(url=call.outcome_url, token=call.token, body=orjson.dumps(body, option=orjson.OPT_UTC_Z))

    def _end(self, call: LiveCall, ending: Ending) -> None:
        del self._live[call.entry.call_id]
        self._record_end(call.entry, ending, attended=call.script.attended if call.entry.answered_at else None)
        self._tell(call, _event(call.entry, "ended", at=call.entry.ended_at))

    def _record_end(self, entry: Entry, ending: Ending, *, attended: bool | None = None) -> None:
        self._ledger.record(
            entry,
            sequence=entry.sequence + 1,
            ended_at=datetime.now(UTC),
            final_status=ending.status,
            sip_code=ending.sip_code,
            q850_cause=ending.q850_cause,
            reason=ending.reason,
            attended=attended,
        )

    # ---- telling, and its faults

    def _tell(self, call: LiveCall, event: bytes) -> None:
        entry = call.entry
        if entry.webhook_url is None:
            return
        fate = draw_event_fate(self.behaviour, to=entry.to, nth=entry.nth, sequence=entry.sequence)
        if fate.dropped:
            self._stats.events_dropped += 1
        elif fate.held and call.held is None and any(step.what != "report" for step in call.steps):
            call.held = event
            return
        else:
            self._deliver(call, entry.webhook_url, event=event, fate=fate)
        if call.held is not None:
            held, call.held = call.held, None
            self._deliver(call, entry.webhook_url, event=held, fate=UNTOUCHED)

    def _deliver(self, call: LiveCall, url: str, *, event: bytes, fate: EventFate) -> None:
        now, speed = time.monotonic(), self.behaviour.speed
        due = max(now + fate.delay_seconds / speed, call.delivered_until)
        if due > now:
            call.delivered_until = due
            self._timeline.at(due, partial(self._webhooks.send, url, event))
        else:
            self._webhooks.send(url, event)
        if fate.repeat_after_seconds is not None:
            self._timeline.at(due + fate.repeat_after_seconds / speed, partial(self._webhooks.send, url, event))


def _event(entry: Entry, status: str, *, at: datetime | None) -> bytes:
    ended = status == "ended"
    return orjson.dumps(
        {
            # Derived, so that the same event always has the same id.
            "event_id": uuid5(NAMESPACE_URL, f"{entry.call_id}/{entry.sequence}"),
            "call_id": entry.call_id,
            "sequence": entry.sequence,
            "at": at,
            "status": status,
            "sip_code": entry.sip_code if ended else None,
            "q850_cause": entry.q850_cause if ended else None,
            "reason": entry.reason if ended else None,
            "answered_by": entry.answered_by,
            "duration_seconds": entry.duration_seconds if ended else None,
            "attended": entry.attended if ended else None,
        },
        option=orjson.OPT_UTC_Z,
    )
