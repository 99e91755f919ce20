"""Who asks: bearer JWTs with a workspace and a role, from a shared secret (HS256) or a JWKS address (RS256, ES256)."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from campaign_service.problems import Problem
from campaign_service.settings import ServiceSettings

Role = Literal["viewer", "operator", "admin"]
_RANK: dict[str, int] = {"viewer": 0, "operator": 1, "admin": 2}
MIN_SECRET_BYTES = 32
KEYS_KEPT_SECONDS = 300.0
"""How long a withdrawn key still counts."""
NEW_KEYS_SECONDS = 5.0
"""A token of an unknown key lets the keys be read anew, at most so often."""
_bearer = HTTPBearer(auto_error=False, description="JWT with the claims `workspace` (UUID) and `role`")


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller of a request."""

    subject: str
    workspace: UUID
    role: Role


def verifier_of(settings: ServiceSettings) -> "Verifier":
    """The verifier that the environment describes."""
    return Verifier(
        secret=settings.jwt_secret.get_secret_value() if settings.jwt_secret else None,
        jwks_url=settings.jwt_jwks_url,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


class Verifier:
    """Checks tokens. Exactly one of `secret` (>= 32 bytes) and `jwks_url` is given; ValueError otherwise."""

    def __init__(
        self,
        *,
        secret: str | None = None,
        jwks_url: str | None = None,
        issuer: str | None = None,
        audience: str | None = None,
    ) -> None:
        if bool(secret) == bool(jwks_url):
            raise ValueError("set exactly one of JWT_SECRET and JWT_JWKS_URL")
        if secret and len(secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"JWT_SECRET is shorter than {MIN_SECRET_BYTES} bytes")
        self._secret = secret
        # The set is kept for minutes, single keys not at all: the library keeps those for ever, also withdrawn ones.
        self._jwks = (
            jwt.PyJWKClient(jwks_url, lifespan=KEYS_KEPT_SECONDS, cooldown_duration=NEW_KEYS_SECONDS, timeout=5)
            if jwks_url
            else None
        )
        self._issuer, self._audience = issuer, audience

    async def claims(self, token: str) -> dict[str, Any]:
        """The verified claims. Problem 401 for a token that is malformed, expired, or not signed by us."""
        try:
            if self._jwks is not None:
                key = (await asyncio.to_thread(self._jwks.get_signing_key_from_jwt, token)).key
                algorithms = ["RS256", "ES256"]
            else:
                key, algorithms = self._secret, ["HS256"]
            return jwt.decode(
                token,
                key,
                algorithms=algorithms,
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "sub"], "verify_aud": self._audience is not None},
            )
        except jwt.PyJWKClientConnectionError:
            raise Problem(
                503, "keys_unavailable", "The signing keys can't be read.", headers={"Retry-After": "2"}
            ) from None
        except jwt.PyJWTError as error:
            raise unauthenticated(f"The token is not valid: {error}") from None

    async def caller(self, token: str) -> Caller:
        """The caller a token stands for. Problem 401 without a workspace or a known role."""
        claims = await self.claims(token)
        role = claims.get("role")
        try:
            workspace = UUID(str(claims["workspace"]))
        except (KeyError, ValueError):
            raise unauthenticated("The token names no workspace.") from None
        if role not in _RANK:
            raise unauthenticated("The token's role is not one of viewer, operator, admin.")
        return Caller(subject=str(claims["sub"]), workspace=workspace, role=cast(Role, role))


def unauthenticated(detail: str) -> Problem:
    """The 401 problem."""
    return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})


def require(role: Role) -> Callable[..., Awaitable[Caller]]:
    """A FastAPI dependency: the caller, with at least this role (403 otherwise). Reads `app.state.verifier`."""

    async def dependency(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        if credentials is None:
            raise unauthenticated("A bearer token is needed.")
        verifier: Verifier = request.app.state.verifier
        caller = await verifier.caller(credentials.credentials)
        if _RANK[caller.role] < _RANK[role]:
            raise Problem(403, "forbidden", f"This needs the role {role} or higher; the token's is {caller.role}.")
        return caller

    return dependency


Viewer = Annotated[Caller, Depends(require("viewer"))]
Operator = Annotated[Caller, Depends(require("operator"))]
Admin = Annotated[Caller, Depends(require("admin"))]


def has_secret(request: Request, secret: str) -> bool:
    """Whether the request carries this shared secret as its bearer credential (constant time)."""
    given = request.headers.get("authorization", "").encode()
    return hmac.compare_digest(given, f"Bearer {secret}".encode())
