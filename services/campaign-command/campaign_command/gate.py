"""How a command comes in over HTTP: who asks, under which key and version, and how its answer goes out."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import orjson
from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from campaign_command.campaign import Refused
from campaign_command.idempotency import InFlight, Key, Stored, key_of, once
from campaign_command.store import Store, Transaction
from campaign_command.workers import Workers
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import Caller

Work = Callable[[Transaction], dict[str, Any]]
_NOT_FOUND = frozenset(
    {"unknown_campaign", "unknown_contact", "unknown_import", "unknown_suppression", "unknown_list", "unknown_erasure"}
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_VERSION = re.compile(r'(?:W/)?"?([0-9]{1,18})"?')
IF_MATCH_PARAMETER = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The campaign's version as of the ETag; 412 when it has moved on",
}
KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 255},
    "description": "Same key and request: the stored answer, with `Idempotent-Replayed: true`. Kept 24 hours.",
}


def problem_of(refused: Refused) -> Problem:
    """The HTTP problem of a refusal: 404 for what is not there, 409 for what a rule forbids."""
    return Problem(404 if refused.code in _NOT_FOUND else 409, refused.code, refused.message, **refused.extra)


def if_match_of(request: Request) -> int | None:
    """The version named by If-Match; null without one or for `*`. Problem 422 for anything but a version."""
    text = request.headers.get("if-match")
    if text is None or text.strip() == "*":
        return None
    version = _VERSION.fullmatch(text.strip())
    if version is None:
        raise Problem(422, "invalid_if_match", 'If-Match: the version of a campaign, such as "3".')
    return int(version[1])


class NoBody(BaseModel):
    """A command that takes no fields."""


async def no_body(request: Request) -> None:
    """A dependency of commands without fields: what is sent all the same is refused, not ignored."""
    parse_body(NoBody, await request.body())


def body_schema(model: str) -> dict[str, Any]:
    """OpenAPI for a body that the route reads itself."""
    return {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}}


class Gate:
    """Runs commands in the command threads, once per idempotency key."""

    def __init__(self, store: Store, workers: Workers) -> None:
        self._store, self._workers = store, workers
        self._in_flight = InFlight()

    async def command(
        self,
        request: Request,
        caller: Caller,
        work: Work,
        *,
        status: int = 200,
        body: bytes = b"",
        then: Callable[[], Awaitable[None]] | None = None,
    ) -> Response:
        """Run `work` in one deciding transaction, then wait for `then`, then answer with what `work` returned."""
        key = self._key(request, caller.workspace, body)
        if key is not None:
            self._in_flight.enter(key)
        try:
            stored = await self._transact(_correlation_id(request), key, status, work)
            if then is not None:
                await then()
        finally:
            if key is not None:
                self._in_flight.leave(key)
        return _response(stored)

    async def _transact(self, correlation_id: str, key: Key | None, status: int, work: Work) -> Stored:
        try:
            return await self._workers.run(
                lambda: self._store.transact(lambda tx: once(tx, key, status, work), correlation_id=correlation_id)
            )
        except Refused as refused:
            raise problem_of(refused) from None

    def _key(self, request: Request, workspace: UUID, body: bytes) -> Key | None:
        given = request.headers.get("idempotency-key")
        if given is None or request.method != "POST":
            return None
        target = str(request.url.path) + "?" + request.url.query
        return key_of(workspace=workspace, key=given, method=request.method, target=target, body=body)


def gate_of(request: Request) -> Gate:
    """The gate of the application that was asked."""
    gate: Gate = request.app.state.gate
    return gate


def _correlation_id(request: Request) -> str:
    # The gateway's id of the request: the facts that follow from it are found by what its log says.
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid4())


def _response(stored: Stored) -> Response:
    response = Response(stored.body, status_code=stored.status, media_type="application/json")
    version = orjson.loads(stored.body).get("version")
    if version is not None:
        response.headers["ETag"] = f'"{version}"'
    if stored.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
