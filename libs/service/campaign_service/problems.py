"""Errors as RFC 9457 problem details with a stable `code`: what was wrong, where, and what is allowed."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaign_service.logs import trace_of

MEDIA_TYPE = "application/problem+json"
_CODES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    415: "wrong_content_type",
}
MAX_SHOWN_VALUE = 100


class Problem(Exception):
    """A request that is refused, with everything the client needs to do better."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail = status, code, detail
        self.headers = dict(headers or {})
        self.extra = extra


class FieldError(BaseModel):
    """One thing that is wrong with a request."""

    field: str
    message: str
    value: Any = None


class ProblemDetails(BaseModel):
    """RFC 9457 problem details. `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldError] | None = None


def problem_response(problem: Problem) -> Response:
    """The HTTP answer that says it."""
    body = {
        "type": f"urn:calling-campaigns:problem:{problem.code}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        **problem.extra,
    }
    return JSONResponse(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=problem.headers)


def invalid_request(errors: list[Any], *, prefix: tuple[str, ...] = ()) -> Problem:
    """The problem for pydantic's `errors()`: 400 when the body is no JSON, else 422 with each field, value and rule."""
    if any(error["type"] == "json_invalid" for error in errors):
        return Problem(400, "invalid_json", "The body is not valid JSON.")
    shown = []
    for error in errors:
        location = [str(part) for part in error["loc"] if part != "body"]
        value = error.get("input")
        shown.append(
            {
                "field": ".".join([*prefix, *location]) or "body",
                "message": error["msg"].removeprefix("Value error, "),
                "value": None if error["type"] == "missing" else _shown(value),
            }
        )
    first = shown[0]
    return Problem(422, "invalid_request", f"{first['field']}: {first['message']}", errors=shown)


ModelT = TypeVar("ModelT", bound=BaseModel)


def parse_body(model: type[ModelT], raw: bytes) -> ModelT:
    """Read a command's body; unknown fields are refused at every depth."""
    try:
        return model.model_validate_json(raw or b"{}", extra="forbid")
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False)) from None


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN_VALUE else text[:MAX_SHOWN_VALUE] + "…"


def install_problems(app: FastAPI) -> None:
    """Answer every error of `app` as a problem, and say so in its OpenAPI."""

    async def on_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return problem_response(error)

    async def on_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [
            {**e, "loc": e["loc"][1:] if e["loc"][:1] in (("query",), ("path",)) else e["loc"]} for e in error.errors()
        ]
        return problem_response(invalid_request(errors))

    async def on_bug(request: Request, error: Exception) -> Response:
        # Logged here, without quoted data; the server's own line would print the whole message.
        where = {"method": request.method, "route": _route_of(request)}
        structlog.get_logger().error("request_failed", **where, error=type(error).__name__, trace=trace_of(error))
        return problem_response(Problem(500, "internal_error", "Something went wrong here; it has been logged."))

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _CODES.get(error.status_code, "http_error")
        return problem_response(Problem(error.status_code, code, str(error.detail), headers=error.headers))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)
    describe = app.openapi
    app.openapi = lambda: _with_problems(describe())  # type: ignore[method-assign]


def _route_of(request: Request) -> str | None:
    # The template, not the path: a path can hold what people type.
    return getattr(request.scope.get("route"), "path", None)


def _with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    # FastAPI documents each model as application/json, and its own validation error, which is never sent.
    described = {"$ref": "#/components/schemas/ProblemDetails"}
    content = {MEDIA_TYPE: {"schema": described}}
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    own = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    components.update(own.pop("$defs", {}))
    components["ProblemDetails"] = own
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    for operations in schema["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            for status, response in responses.items():
                if status.startswith(("4", "5")):
                    response["content"] = content
            responses["default"] = {"description": "Any other problem", "content": content}
    return schema


class BodyLimit:
    """ASGI middleware: a request body above the limit is refused with 413, whether announced or streamed.

    Paths that end with one of `but_not` count for themselves.
    """

    def __init__(self, app: ASGIApp, *, limit: int, but_not: tuple[str, ...] = ()) -> None:
        self.app, self.limit, self.but_not = app, limit, but_not

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].endswith(self.but_not):
            return await self.app(scope, receive, send)
        limit = self.limit
        refusal = Problem(413, "body_too_large", f"The body is larger than {limit} bytes.", limit_bytes=limit)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > limit:
            return await problem_response(refusal)(scope, receive, send)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise refusal
            return message

        return await self.app(scope, counted, send)
