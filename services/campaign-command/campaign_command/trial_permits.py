"""Permits for test calls: a campaign's call to a number of the business's own, to hear what its contacts would hear.

| asked for                                            | answer                          |
|------------------------------------------------------|---------------------------------|
| a campaign that is not there, or is deleted          | unknown_campaign                |
| Completed or Cancelled                               | campaign_is_final               |
| no agent, or no caller number                        | not_ready                       |
| all calling of the workspace is paused               | workspace_paused                |
| a number that is none, or of a premium service       | invalid_number, premium_rate, … |
| a number on the do-not-call list                     | suppressed                      |
| of a person who is being erased                      | being_erased                    |
| to which another call is in progress                 | number_live                     |
| anything else, in Draft, Running or Paused           | granted                         |

The hours, frequency caps, consent and lists of a registry are about people who are called unasked: they say nothing
here. What must stay true: no phone rings without a row in `live_calls`, so an opt-out, a pause of the workspace and the
one live call a number hold for test calls, too. There is no contact and no fact: nothing is counted.
"""

from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from campaign_command import gone_contacts
from campaign_command.campaign import Campaign
from campaign_command.contacts import DETAILS
from campaign_command.gate import body_schema
from campaign_command.permits import INSERT_LIVE_CALL, Granted, NotGranted, Terms
from campaign_command.phone_numbers import NumberRefused, read_number
from campaign_command.store import Transaction, now_of
from campaign_command.suppressed import suppressed_numbers
from campaign_command.workspaces import load_rules
from campaign_events.settings import E164
from campaign_events.trunks import caller_number_of
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import has_secret, unauthenticated

_LIVE = "SELECT * FROM live_calls WHERE call_id = %s OR (workspace = %s AND number = %s)"
_BEING_ERASED = "SELECT 1 FROM erasures WHERE workspace = %s AND number = %s"

router = APIRouter(tags=["internal"])


class TrialAsk(BaseModel):
    """One test call that the dialer wants to place. `contact_id` is random: there is no such contact."""

    model_config = ConfigDict(frozen=True)

    call_id: UUID
    contact_id: UUID
    campaign_id: UUID
    workspace: UUID
    number: E164 = Field(description="E.164", examples=["+493023125000"])


@router.post(
    "/internal/test-permits",
    response_model=Granted | NotGranted,
    summary="A permit for a test call (the dialer's own credential)",
    openapi_extra={"requestBody": body_schema("TrialAsk")},
)
async def trial_permit(request: Request) -> Response:
    state = request.app.state
    if not has_secret(request, state.settings.permit_secret.get_secret_value()):
        raise unauthenticated("The dialer's credential is needed.")
    ask = parse_body(TrialAsk, await request.body())
    terms: Terms = state.terms
    received = monotonic()

    def decide(tx: Transaction) -> Granted | NotGranted:
        if monotonic() - received > terms.permit_seconds:  # nobody waits for it any more
            raise Problem(503, "asked_too_long_ago", "Ask again.", headers={"Retry-After": "1"})
        return answer_trial(tx, ask, terms)

    answer = await state.permit_workers.run(lambda: state.store.transact(decide))
    return Response(answer.model_dump_json(), media_type="application/json")


def answer_trial(tx: Transaction, ask: TrialAsk, terms: Terms) -> Granted | NotGranted:
    """Decide on one test call. Runs inside `Store.transact`; the same ask again gets the same answer."""
    now = now_of(tx.cursor)
    campaign = tx.campaign(ask.campaign_id, workspace=ask.workspace)
    code = "unknown_campaign" if campaign is None else _refusal(tx, ask, campaign)
    if campaign is None or code is not None:
        return NotGranted(call_id=ask.call_id, kind="permanent", code=code or "unknown_campaign")
    rows = tx.cursor.execute(_LIVE, (ask.call_id, ask.workspace, ask.number)).fetchall()
    standing = next((row for row in rows if row["call_id"] == ask.call_id), None)
    if standing is not None:
        left = (standing["expires_at"] - now).total_seconds()
        if standing["reported"] or left <= 0 or standing["number"] != ask.number:
            return NotGranted(call_id=ask.call_id, kind="permanent", code="call_closed")
        return _granted(tx, ask, campaign, caller_number=standing["caller_number"], expires_in=left)
    if rows:
        return NotGranted(call_id=ask.call_id, kind="temporary", code="number_live")
    if gone_contacts.hashes_of(tx, [ask.contact_id]):
        return NotGranted(call_id=ask.call_id, kind="permanent", code="call_closed")  # it was granted, and is over
    caller_number = caller_number_of(campaign.settings.caller_numbers, ask.contact_id)
    tx.cursor.execute(INSERT_LIVE_CALL, _row(ask, campaign, terms, caller_number=caller_number, now=now))
    # Whoever says "do not call" late, when the live call is closed, is found by this.
    gone_contacts.keep_hash(tx, ask.contact_id, workspace=ask.workspace, number=ask.number)
    return _granted(tx, ask, campaign, caller_number=caller_number, expires_in=terms.permit_seconds)


def _refusal(tx: Transaction, ask: TrialAsk, campaign: Campaign) -> str | None:
    """The code of the rule that forbids it, but for the one live call a number."""
    if campaign.deleted:
        return "unknown_campaign"
    if campaign.is_final:
        return "campaign_is_final"
    if not campaign.settings.agent_id or not campaign.settings.caller_numbers:
        return "not_ready"
    if load_rules(tx.cursor, {ask.workspace})[ask.workspace].paused:
        return "workspace_paused"
    read = read_number(ask.number, None)
    if isinstance(read, NumberRefused):
        return read.reason
    if suppressed_numbers(tx, campaign, [ask.number]):
        return "suppressed"
    if tx.cursor.execute(_BEING_ERASED, (ask.workspace, ask.number)).fetchone() is not None:
        return "being_erased"
    return None


def _row(ask: TrialAsk, campaign: Campaign, terms: Terms, *, caller_number: str, now: datetime) -> tuple[object, ...]:
    return (
        ask.call_id,
        ask.workspace,
        ask.number,
        ask.campaign_id,
        ask.contact_id,
        1,
        campaign.settings_version,
        campaign.version,
        caller_number,
        now,
        now + timedelta(seconds=terms.permit_seconds),
        now + timedelta(seconds=terms.in_progress_deadline_seconds),
    )


def _granted(tx: Transaction, ask: TrialAsk, campaign: Campaign, *, caller_number: str, expires_in: float) -> Granted:
    settings = campaign.settings
    return Granted(
        call_id=ask.call_id,
        expires_in_seconds=expires_in,
        number=ask.number,
        number_hash=tx.hash_number(ask.workspace, ask.number),
        caller_number=caller_number,
        agent_id=settings.agent_id or "",
        prompt=settings.custom_prompt,
        ring_timeout_seconds=settings.limits.ring_timeout_seconds,
        max_call_seconds=settings.limits.max_call_seconds,
        context={**dict.fromkeys(DETAILS), "variables": {}, "test": True},
        attempt=1,
        settings_version=campaign.settings_version,
    )
