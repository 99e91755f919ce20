"""How requests are read, and how they are refused: who may ask, what a body may hold, problem details (RFC 9457)."""

import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError

MAX_BODY_BYTES = 256 * 1024

Model = TypeVar("Model", bound=BaseModel)


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, Any]] | None = None


class Json(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)


class Refused(Exception):
    """A request that gets a problem for an answer."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, *, headers: dict[str, str] | None = None, errors: Any = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers, self.errors = status, code, detail, headers, errors


_BEARER = HTTPBearer(auto_error=False, description="The carrier's API key")


def authorized(api_key: str) -> Callable[..., Any]:
    expected = api_key.encode()

    async def authorized(given: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), expected):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "unauthorized",
                "Authorization: Bearer <the carrier's API key> is missing or wrong",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return authorized


async def body(request: Request) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"a body has at most {MAX_BODY_BYTES} bytes"
            )
    return bytes(received)


def parse(model: type[Model], raw: bytes) -> Model:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False, include_context=False)) from error


def body_of(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """The documentation of a body that is read by hand."""
    schema = model.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
    schema = _inlined(schema, definitions)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    return {name: _inlined(part, definitions) for name, part in schema.items()}


def invalid(errors: Any) -> Refused:
    # Never the input itself: it can hold a number.
    where = [{"loc": list(error["loc"]), "type": error["type"], "msg": error["msg"]} for error in errors]
    detail = "; ".join(f"{'.'.join(map(str, error['loc'])) or 'body'}: {error['msg']}" for error in where[:5])
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=where)


def problem(refused: Refused) -> Response:
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": refused.status.phrase,
        "status": refused.status.value,
        "detail": refused.detail,
        "code": refused.code,
    }
    if refused.errors is not None:
        content["errors"] = refused.errors
    return Json(content, refused.status.value, headers=refused.headers, media_type="application/problem+json")
