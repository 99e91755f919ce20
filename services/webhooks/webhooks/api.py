"""The HTTP API: a workspace's webhooks, their deliveries, replays. Admins write, viewers read.

What must stay true: what belongs to another workspace does not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from campaign_service.health import Health
from campaign_service.paging import Cursor, Limit
from campaign_service.problems import (
    BodyLimit,
    Problem,
    ProblemDetails,
    install_problems,
    parse_body,
    problem_response,
)
from campaign_service.tokens import Admin, Verifier, Viewer
from webhooks import answers, directory
from webhooks.addresses import ForbiddenAddress, InvalidAddress, parse_address, refuse_unless_allowed
from webhooks.database import UNAVAILABLE, Pool
from webhooks.poster import Resolve
from webhooks.signing import ROTATION_OVERLAP, secret_of

MAX_BODY_BYTES = 64_000
DESCRIPTION = """
Facts as signed HTTP requests, for those without Kafka.

* Each request is one fact: the body is the CloudEvent as it is in the topic, the signature that of Standard Webhooks
  (`webhook-id`, `webhook-timestamp`, `webhook-signature`). A 2xx answer within the time-out takes it.
* Of a campaign, the next fact is sent when the one before was taken or given up. Anything but a 2xx is tried again,
  with growing waits, for three days. A fact may come twice, with the same `webhook-id`.
* A webhook is told what is decided from its creation on.
"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of; it owns none of it."""

    pool: Pool
    verifier: Verifier
    health: Health
    resolve: Resolve
    queued: Callable[[], None]
    signing_key: str
    max_webhooks: int
    allow_local: bool


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route answers, for OpenAPI."""
    words = {
        401: "`unauthenticated`: no valid bearer token",
        403: "`forbidden`: the role is not enough",
        404: "`not_found`: no such webhook in the caller's workspace",
        409: "Refused; `code` says by which rule",
        413: "`body_too_large`",
        422: "`invalid_request` and the like: what is wrong, and what is allowed",
        503: "`unavailable`; `Retry-After` says when to ask again",
    }
    return {status: {"model": ProblemDetails, "description": words[status]} for status in (401, 503, *statuses)}


def _body(model: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}
    return {"requestBody": {"required": True, "content": content}}


def build_app(parts: Parts) -> FastAPI:
    """The application; it serves until its process ends."""
    app = FastAPI(title="Webhooks", version="1", description=DESCRIPTION)
    app.state.verifier = parts.verifier
    app.add_middleware(BodyLimit, limit=MAX_BODY_BYTES)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _database_away)
    parts.health.install(app)
    _webhook_routes(app, parts)
    _delivery_routes(app, parts)
    describe = app.openapi
    app.openapi = lambda: _with_bodies(describe())  # type: ignore[method-assign]
    install_problems(app)
    return app


def _webhook_routes(app: FastAPI, parts: Parts) -> None:
    pool = parts.pool

    @app.put(
        "/v1/webhooks",
        tags=["webhooks"],
        summary="Make the webhook of an address, or change what it is told",
        response_model=answers.WebhookPut,
        responses={
            **problems(403, 409, 413, 422),
            201: {"model": answers.WebhookPut, "description": "Made; its secret is shown this once"},
        },
        openapi_extra=_body("WebhookIn"),
    )
    async def put_webhook(request: Request, caller: Admin) -> Response:
        given = parse_body(answers.WebhookIn, await request.body())
        await _check_address(given.address, parts)
        webhook, is_new = await directory.put(
            pool, given, workspace=caller.workspace, subject=caller.subject, max_webhooks=parts.max_webhooks
        )
        secret = secret_of(parts.signing_key, webhook_id=webhook.id, version=1) if is_new else None
        answer = answers.WebhookPut(**webhook.model_dump(), secret=secret)
        return JSONResponse(answer.model_dump(mode="json"), status_code=201 if is_new else 200, headers=_NO_STORE)

    @app.get("/v1/webhooks", tags=["webhooks"], summary="The workspace's webhooks", responses=problems())
    async def list_webhooks(caller: Viewer) -> answers.Webhooks:
        items = await directory.read_all(pool, workspace=caller.workspace)
        return answers.Webhooks(items=items, max_webhooks=parts.max_webhooks)

    @app.get("/v1/webhooks/{webhook_id}", tags=["webhooks"], summary="A webhook", responses=problems(404, 422))
    async def get_webhook(webhook_id: UUID, caller: Viewer) -> answers.Webhook:
        return await directory.read_one(pool, webhook_id, workspace=caller.workspace)

    @app.delete(
        "/v1/webhooks/{webhook_id}",
        tags=["webhooks"],
        status_code=204,
        summary="Take a webhook away; what is open is not sent any more",
        responses=problems(403, 404, 422),
    )
    async def delete_webhook(webhook_id: UUID, caller: Admin) -> None:
        await directory.delete(pool, webhook_id, workspace=caller.workspace)

    @app.post(
        "/v1/webhooks/{webhook_id}/rotate",
        tags=["webhooks"],
        summary="A new secret; for a day requests carry the old one's signature too",
        response_model=answers.Rotated,
        responses=problems(403, 404, 422),
    )
    async def rotate(webhook_id: UUID, caller: Admin) -> Response:
        row = await directory.rotate(pool, webhook_id, workspace=caller.workspace)
        secret = secret_of(parts.signing_key, webhook_id=webhook_id, version=row["secret_version"])
        answer = answers.Rotated(secret=secret, previous_valid_until=row["rotated_at"] + ROTATION_OVERLAP)
        return JSONResponse(answer.model_dump(mode="json"), headers=_NO_STORE)


def _delivery_routes(app: FastAPI, parts: Parts) -> None:
    pool = parts.pool

    @app.get(
        "/v1/webhooks/{webhook_id}/deliveries",
        tags=["deliveries"],
        summary="What was sent and is to be sent, the newest first",
        responses=problems(404, 422),
    )
    async def list_deliveries(
        webhook_id: UUID,
        caller: Viewer,
        status: Annotated[answers.DeliveryStatus | None, Query(description="Only this status")] = None,
        campaign_id: Annotated[UUID | None, Query(description="Only facts of this campaign")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> answers.Deliveries:
        return await directory.deliveries(
            pool,
            webhook_id,
            workspace=caller.workspace,
            status=status,
            campaign_id=campaign_id,
            cursor=cursor,
            limit=limit,
        )

    @app.post(
        "/v1/webhooks/{webhook_id}/replay",
        tags=["deliveries"],
        status_code=202,
        summary="Send stored facts again, behind what is open",
        response_model=answers.Replay,
        responses=problems(403, 404, 409, 413, 422),
        openapi_extra=_body("ReplayIn"),
    )
    async def replay(webhook_id: UUID, request: Request, caller: Admin) -> answers.Replay:
        asked = parse_body(answers.ReplayIn, await request.body())
        done = await directory.replay(pool, webhook_id, asked, workspace=caller.workspace, subject=caller.subject)
        parts.queued()
        return done

    @app.get(
        "/v1/webhooks/{webhook_id}/replays",
        tags=["deliveries"],
        summary="The webhook's replays, and how far they are",
        responses=problems(404, 422),
    )
    async def list_replays(webhook_id: UUID, caller: Viewer) -> answers.Replays:
        return answers.Replays(items=await directory.replays(pool, webhook_id, workspace=caller.workspace))


_NO_STORE = {"Cache-Control": "no-store"}


async def _check_address(address: str, parts: Parts) -> None:
    """Refuse what can never be called. A name that has no address yet is taken: each attempt looks again."""
    try:
        found = parse_address(address, allow_local=parts.allow_local)
        assert found.hostname is not None
        try:
            addresses = await parts.resolve(found.hostname, found.port or 443)
        except (OSError, UnicodeError):
            return
        refuse_unless_allowed(addresses, host=found.hostname, allow_local=parts.allow_local)
    except (InvalidAddress, ForbiddenAddress) as error:
        code = "forbidden_address" if isinstance(error, ForbiddenAddress) else "invalid_request"
        errors = [{"field": "address", "message": str(error), "value": address[:100]}]
        raise Problem(422, code, f"address: {error}", errors=errors) from None


async def _database_away(_: Request, error: Exception) -> Response:
    return problem_response(
        Problem(503, "unavailable", f"The database is away ({type(error).__name__}).", headers={"Retry-After": "1"})
    )


def _with_bodies(schema: dict[str, Any]) -> dict[str, Any]:
    # The routes read their bodies themselves (to refuse unknown fields), so their models are added by hand.
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    for model in (answers.WebhookIn, answers.ReplayIn):
        own = model.model_json_schema(ref_template="#/components/schemas/{model}")
        components.update(own.pop("$defs", {}))
        components[model.__name__] = own
    return schema
