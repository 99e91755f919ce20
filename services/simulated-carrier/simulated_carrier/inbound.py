"""Calls that come in: somebody rings one of the customer's numbers, and the customer says what becomes of it.

The one thing that must stay true: nothing is answered that the customer has not said to answer, and nothing after its
`not_after`. A customer that is silent for longer than a caller is patient has turned the call away.

What the caller does is drawn from (seed, caller, nth call from that number), apart from all that is drawn for placed
calls; the last four digits of the caller's number decide as for those, where they name a talk.
"""

import asyncio
import hashlib
import hmac
import random
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

import httpx
import orjson
import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from simulated_carrier.behaviour import ABANDONED_SECONDS, REPORT_AT, TALK_SECONDS, Behaviour, Script, Step, report_of
from simulated_carrier.call_request import Agent
from simulated_carrier.calls import Calls
from simulated_carrier.ledger import Entry
from simulated_carrier.scenarios import (
    BUSY,
    GAVE_UP,
    MESSAGE,
    NOT_TOLD,
    REJECTED,
    SCENARIOS,
    SUFFIXES,
    TOO_LONG,
    Ending,
)

PATIENCE_SECONDS = 4.0
"""Of the carrier and the caller: real seconds, whatever the simulation's speed."""
WITHHELD = "anonymous"
GIVES_UP = "gives_up"
_TALKS = ("human_goal_met", "human_goal_not_met", "human_do_not_call", "human_callback", "human_silent")
Talk = Literal[
    "human_goal_met",
    "human_goal_not_met",
    "human_do_not_call",
    "human_callback",
    "human_silent",
    "callback_soon",
    "callback_later",
    "never_ends",
    "abandoned",
    "webhooks_dropped",
    "gives_up",
]

log = structlog.get_logger()


class InboundRequest(BaseModel):
    """Somebody rings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_number: str | None = Field(
        alias="from", pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164; null: the caller withholds it"
    )
    to: str = Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164: the customer's number")
    talk: Talk | None = Field(
        None,
        description="What the caller does; null: by the number's last digits, or drawn. `gives_up`: hangs up early",
    )
    inbound_url: str | None = Field(
        None, pattern=r"^https?://[\x21-\x7e]+$", max_length=2_000, description="Null: CARRIER_INBOUND_URL"
    )


class Reply(BaseModel):
    """What the customer says of a call. With `answer` the rest is there, too."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reply: Literal["answer", "busy", "reject", "message"]
    message_id: str | None = None
    not_after: AwareDatetime | None = None
    max_call_seconds: int | None = None
    webhook_url: str | None = Field(None, pattern=r"^https?://[\x21-\x7e]+$")
    agent: Agent | None = None


def draw_talk(
    behaviour: Behaviour, *, caller: str, nth: int, wanted: str | None, max_call_seconds: int | None
) -> Script | None:
    """What is said, from the moment the agent picks up; None: the caller hangs up before that."""
    generator = random.Random(f"{behaviour.seed}|inbound|{caller}|{nth}")  # noqa: S311 - a simulation, to be repeated
    weights = [getattr(behaviour.weights, name) for name in _TALKS]
    drawn = generator.choices(_TALKS, weights if any(weights) else None)[0]
    talk, variant, callback = generator.uniform(*TALK_SECONDS), generator.random(), generator.random()
    by_suffix = SUFFIXES.get(caller[-4:], ())
    suffix = by_suffix[min(nth, len(by_suffix)) - 1] if by_suffix else None
    name = wanted or (GIVES_UP if suffix == "no_answer" else suffix)
    if name == GIVES_UP:
        return None
    variants = SCENARIOS[name if name is not None and SCENARIOS[name][0].answered_by == "human" else drawn]
    scenario = variants[int(variant * len(variants))]
    up, ending = (talk if scenario.attended else ABANDONED_SECONDS), scenario.ending
    if ending and max_call_seconds is not None and max_call_seconds < up:
        up, ending = max_call_seconds, TOO_LONG
    steps = [Step(0.0, "answered")]
    if scenario.outcome:
        steps.append(Step(up * REPORT_AT, "report"))
    if ending:
        steps.append(Step(up, "ended"))
    report = report_of(scenario, callback)
    return Script(tuple(steps), ending, "human", report, webhooks=scenario.webhooks, attended=scenario.attended)


class Exchange:
    """Asks the customer, and does what it says. Use `close()` at the end."""

    def __init__(self, calls: Calls, *, secret: str, inbound_url: str | None) -> None:
        self._calls, self._secret, self._url = calls, secret.encode(), inbound_url
        self._client = httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def url_for(self, wanted: InboundRequest) -> str | None:
        """Where the customer is asked; None: nobody said."""
        return wanted.inbound_url or self._url

    async def ring(self, wanted: InboundRequest, url: str) -> tuple[Entry, Reply | None]:
        """One call, as far as the customer's reply (None: it gave none). Raises Overloaded, LedgerFull, OSError."""
        caller = wanted.from_number or WITHHELD
        entry = self._calls.ring_in(call_id=uuid4(), caller=caller, to=wanted.to)
        reply = await self._ask(entry, url, caller=wanted.from_number)
        ending = self._ending(entry, reply, wanted)
        if ending is not None:
            self._calls.turn_away(entry, ending, webhook_url=reply.webhook_url if reply else None)
        return entry, reply

    def _ending(self, entry: Entry, reply: Reply | None, wanted: InboundRequest) -> Ending | None:
        """How the call ends now; None: the agent has picked up."""
        if reply is None:
            return NOT_TOLD
        match reply.reply:
            case "busy":
                return BUSY
            case "reject":
                return REJECTED
            case "message":
                return MESSAGE
        if reply.agent is None or reply.webhook_url is None or reply.not_after is None:
            return NOT_TOLD
        script = draw_talk(
            self._calls.behaviour,
            caller=entry.from_number,
            nth=entry.nth,
            wanted=wanted.talk,
            max_call_seconds=reply.max_call_seconds,
        )
        if script is None:
            return GAVE_UP
        if datetime.now(UTC) > reply.not_after:
            return NOT_TOLD
        self._calls.pick_up(entry, script, webhook_url=reply.webhook_url, agent=reply.agent)
        return None

    async def _ask(self, entry: Entry, url: str, *, caller: str | None) -> Reply | None:
        body = orjson.dumps(
            {"call_id": entry.call_id, "from": caller, "to": entry.to, "at": entry.arrived_at}, option=orjson.OPT_UTC_Z
        )
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-carrier-signature": f"sha256={signature}"}
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                response = await self._client.post(url, content=body, headers=headers)
            return Reply.model_validate_json(response.raise_for_status().content)
        except (httpx.HTTPError, TimeoutError, ValidationError) as error:
            log.warning("inbound_not_answered", call_id=entry.call_id, trouble=type(error).__name__)
            return None


class InboundAnswer(BaseModel):
    """What became of the call so far."""

    call_id: UUID
    reply: Literal["answer", "busy", "reject", "message"] | None = Field(description="The customer's; null: none")
    message_id: str | None = None
    status: Literal["queued", "ringing", "answered", "ended"]
