"""Whether a call that came in may be answered, over HTTP: for the dialer, with its own credential."""

from time import monotonic

from fastapi import APIRouter, Request
from fastapi.responses import Response

from campaign_command.gate import body_schema
from campaign_command.inbound import InboundAsk, InboundGranted, InboundRefused, answer_ask
from campaign_command.permits import Terms
from campaign_command.store import Transaction
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import has_secret, unauthenticated

router = APIRouter(tags=["internal"])


@router.post(
    "/internal/inbound-permits",
    response_model=InboundGranted | InboundRefused,
    summary="Whether a call that came in may be answered (the dialer's own credential)",
    openapi_extra={"requestBody": body_schema("InboundAsk")},
)
async def inbound_permit(request: Request) -> Response:
    state = request.app.state
    if not has_secret(request, state.settings.permit_secret.get_secret_value()):
        raise unauthenticated("The dialer's credential is needed.")
    ask = parse_body(InboundAsk, await request.body())
    terms: Terms = state.terms
    received = monotonic()

    def decide(tx: Transaction) -> InboundGranted | InboundRefused:
        if monotonic() - received > terms.permit_seconds:  # nobody waits for it any more
            raise Problem(503, "asked_too_long_ago", "Ask again.", headers={"Retry-After": "1"})
        return answer_ask(tx, ask, terms)

    answer = await state.permit_workers.run(lambda: state.store.transact(decide))
    return Response(answer.model_dump_json(), media_type="application/json")
