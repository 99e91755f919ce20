"""Who uses the page: a bearer token, kept in a cookie that no script can read.

What must stay true: the token leaves this process only towards the APIs, which verify it at each request. What is read
from it here is only for showing.
"""

import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from campaign_service.problems import Problem, parse_body
from dashboard.settings import LOOPBACK_NAME, Settings, is_loopback

COOKIE = "dashboard_session"
MAX_TOKEN_CHARACTERS = 3500  # a browser keeps 4 kB a cookie
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SignIn(BaseModel):
    """The token of an API, as `make token` or an identity provider gives it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    token: SecretStr = Field(min_length=1, max_length=MAX_TOKEN_CHARACTERS)


def token_of(request: Request) -> str | None:
    """The token of the session's cookie; null when signed out or when it has expired."""
    token = request.cookies.get(COOKIE)
    return token if token and _claims(token) else None


def require_own_page(request: Request) -> None:
    """Problem 403 for a write that another site's page makes the browser send (its Origin isn't ours)."""
    if request.method in SAFE_METHODS:
        return
    origin, host = request.headers.get("origin", ""), request.headers.get("host", "")
    if not host or urlsplit(origin).netloc != host:
        raise Problem(403, "foreign_origin", f"A write must come from a page of {host}; its Origin is {origin!r}.")


def session_router(settings: Settings, client: httpx.AsyncClient) -> APIRouter:
    """GET, POST and DELETE /session, and POST /session/local."""
    router = APIRouter(tags=["session"])
    check_url = f"{settings.apis['analytics-projector']}/v1/campaigns?limit=1"

    @router.get("/session", summary="Who is signed in; never the token")
    async def show(request: Request) -> JSONResponse:
        return _described(request.cookies.get(COOKIE), request)

    @router.post("/session", summary="Sign in with a token")
    async def sign_in(request: Request) -> JSONResponse:
        require_own_page(request)
        given = parse_body(SignIn, await request.body()).token.get_secret_value().strip()
        return await opened(given, request)

    @router.post("/session/local", summary="Sign in with the local stack's own token")
    async def sign_in_locally(request: Request) -> JSONResponse:
        require_own_page(request)
        if settings.local_token is None or not _is_asked_locally(request):
            raise Problem(404, "not_local", "Only a stack on one's own machine signs in without a token.")
        return await opened(settings.local_token.get_secret_value(), request)

    @router.delete("/session", summary="Sign out", status_code=204)
    async def sign_out(request: Request) -> Response:
        require_own_page(request)
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=secure)
        return answer

    secure = not (settings.is_local or settings.insecure_cookie)

    async def opened(token: str, request: Request) -> JSONResponse:
        claims = _claims(token)
        if claims is None:
            raise Problem(401, "unauthenticated", "This is no token, or it has expired.")
        try:
            answer = await client.get(check_url, headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError as error:
            detail = f"The token can't be checked: analytics-projector does not answer ({type(error).__name__})."
            raise Problem(503, "service_unavailable", detail, headers={"Retry-After": "2"}) from None
        if answer.status_code in (401, 403):
            raise Problem(401, "unauthenticated", "The APIs don't accept this token.")
        if answer.status_code != 200:
            detail = f"The token can't be checked: analytics-projector answers {answer.status_code}."
            raise Problem(503, "service_unavailable", detail, headers={"Retry-After": "2"})
        described = _described(token, request)
        described.set_cookie(
            COOKIE, token, max_age=int(claims["exp"] - time.time()), httponly=True, samesite="strict", secure=secure
        )
        return described

    def _described(token: str | None, request: Request) -> JSONResponse:
        claims = _claims(token) if token else None
        session = claims and {
            "workspace": claims.get("workspace"),
            "role": claims.get("role"),
            "subject": claims.get("sub"),
            "expires_at": claims["exp"],
        }
        local = settings.local_token is not None and _is_asked_locally(request)
        return JSONResponse({"session": session, "local": local}, headers={"Cache-Control": "no-store"})

    return router


def _claims(token: str) -> dict[str, Any] | None:
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None
    expires = claims.get("exp")
    return claims if isinstance(expires, int | float) and expires > time.time() else None


def _is_asked_locally(request: Request) -> bool:
    # A foreign name that its owner lets point to this machine would else be let in.
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return name == LOOPBACK_NAME or is_loopback(name)
