"""The HTTP application of campaign-command: its routers, limits and errors."""

from time import monotonic
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response

from campaign_command import (
    campaigns_api,
    contact_list,
    contacts_api,
    contract_api,
    import_uploads_api,
    imports_api,
    inbound_api,
    presets_api,
    results_api,
    suppression_lists_api,
    suppressions_api,
    timeline_api,
    trial_permits,
    trunks_api,
    workspace_api,
)
from campaign_command.campaigns_api import Duplication
from campaign_command.contact_edits import ContactPatch
from campaign_command.contacts_api import ContactsIn, RemovedIn
from campaign_command.gate import body_schema
from campaign_command.inbound import InboundAsk
from campaign_command.permits import Answer, Answers, Asks, Terms, answer_asks
from campaign_command.store import UNAVAILABLE, Transaction
from campaign_command.suppressions_api import SuppressionsIn
from campaign_command.trial_permits import TrialAsk
from campaign_command.trunks_api import PhoneNumbersIn, TrunksIn
from campaign_command.workspace_api import ErasureIn
from campaign_events.settings import CampaignSettings
from campaign_service.health import Health
from campaign_service.problems import BodyLimit, Problem, install_problems, parse_body, problem_response
from campaign_service.tokens import has_secret, unauthenticated

MAX_BODY_BYTES = 4 * 1024 * 1024
DESCRIPTION = """
Decides what may happen to campaigns and their contacts, and appends it as facts. Every answer of a command carries the
campaign's last `position`: pass it as `min_position` to the read API to see your own write. Times are UTC, RFC 3339.
Errors are RFC 9457 problem details with a stable `code`.
"""

internal = APIRouter(tags=["internal"], include_in_schema=True)


@internal.post(
    "/internal/permits",
    response_model=Answers,
    summary="Permits for calls, a batch at a time (the dialer's own credential)",
    openapi_extra={"requestBody": body_schema("Asks")},
)
async def permits(request: Request) -> Response:
    state = request.app.state
    if not has_secret(request, state.settings.permit_secret.get_secret_value()):
        raise unauthenticated("The dialer's credential is needed.")
    asks = parse_body(Asks, await request.body()).asks
    terms: Terms = state.terms
    received = monotonic()

    def decide(tx: Transaction) -> list[Answer]:
        # Nobody waits any more for an ask as old as a permit: its call has been given up, and granting it would lock
        # the contact. Measured under the append lock, which is what an ask waits for.
        if monotonic() - received > terms.permit_seconds:
            raise Problem(503, "asked_too_long_ago", "Ask again.", headers={"Retry-After": "1"})
        return answer_asks(tx, asks, terms)

    answers = await state.permit_workers.run(lambda: state.store.transact(decide))
    return Response(Answers(answers=answers).model_dump_json(), media_type="application/json")


def create_app(health: Health) -> FastAPI:
    """The application; `__main__` fills its state."""
    app = FastAPI(title="campaign-command", version="1", description=DESCRIPTION)

    async def on_unavailable(_: Request, error: Exception) -> Response:
        problem = Problem(503, "unavailable", "The database can't be reached.", headers={"Retry-After": "1"})
        return problem_response(problem)

    for unavailable in UNAVAILABLE:
        app.add_exception_handler(unavailable, on_unavailable)
    app.add_middleware(BodyLimit, limit=MAX_BODY_BYTES, but_not=("/imports", "/suppression-lists"))
    for router in (
        campaigns_api.router,
        contacts_api.router,
        contact_list.router,
        timeline_api.router,
        results_api.router,
        presets_api.router,
        contract_api.router,
        import_uploads_api.router,
        imports_api.router,
        suppressions_api.router,
        suppression_lists_api.router,
        workspace_api.router,
        trunks_api.router,
        internal,
        inbound_api.router,
        trial_permits.router,
    ):
        app.include_router(router)
    health.install(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    install_problems(app)
    return app


_BODIES = (Asks, CampaignSettings, Duplication, ContactsIn, ContactPatch, RemovedIn, SuppressionsIn, ErasureIn)


def _openapi(app: FastAPI) -> dict[str, Any]:
    # The routes read their bodies themselves (to refuse unknown fields), so their models are added by hand.
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        for model in (
            Asks,
            InboundAsk,
            TrialAsk,
            CampaignSettings,
            Duplication,
            ContactsIn,
            ContactPatch,
            RemovedIn,
            SuppressionsIn,
            ErasureIn,
            TrunksIn,
            PhoneNumbersIn,
        ):
            described = model.model_json_schema(ref_template="#/components/schemas/{model}")
            components.update(described.pop("$defs", {}))
            components[model.__name__] = described
        app.openapi_schema = schema
    return app.openapi_schema
