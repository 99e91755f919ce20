"""Who may ask: tokens signed with the shared secret or with a key of the JWKS, with a workspace and a role."""

import io
import json
import time
import urllib.request
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from campaign_service.problems import Problem
from campaign_service.tokens import KEYS_KEPT_SECONDS, NEW_KEYS_SECONDS, Verifier

SECRET = "a secret of the tests, long enough for HS256"
WORKSPACE = "00000000-0000-4000-8000-000000000001"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(**changes: Any) -> dict[str, Any]:
    given = {"sub": "ada", "workspace": WORKSPACE, "role": "operator", "exp": time.time() + 60} | changes
    return {name: value for name, value in given.items() if value is not None}


def signed(**changes: Any) -> str:
    return jwt.encode(claims(**changes), SECRET, algorithm="HS256")


async def refusal(verifier: Verifier, token: str) -> Problem:
    with pytest.raises(Problem) as caught:
        await verifier.caller(token)
    return caught.value


async def test_a_token_of_the_shared_secret_names_its_workspace_and_role() -> None:
    caller = await Verifier(secret=SECRET).caller(signed())
    assert (caller.subject, caller.workspace, caller.role) == ("ada", UUID(WORKSPACE), "operator")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
        {"workspace": None},
        {"workspace": "not-a-uuid"},
        {"role": None},
        {"role": "owner"},
    ],
    ids=str,
)
async def test_a_token_that_lacks_something_is_no_token(changes: dict[str, Any]) -> None:
    assert (await refusal(Verifier(secret=SECRET), signed(**changes))).status == 401


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        jwt.encode(claims(), "another secret, long enough for HS256 too", algorithm="HS256"),
        jwt.encode(claims(), None, algorithm="none"),  # type: ignore[arg-type]
        jwt.encode(claims(), KEY, algorithm="RS256"),
    ],
    ids=["empty", "nonsense", "another secret", "unsigned", "another algorithm"],
)
async def test_only_what_the_secret_signed_counts(token: str) -> None:
    assert (await refusal(Verifier(secret=SECRET), token)).status == 401


async def test_issuer_and_audience_are_checked_where_they_are_set() -> None:
    verifier = Verifier(secret=SECRET, issuer="https://id.example.org", audience="campaigns")
    good = signed(iss="https://id.example.org", aud="campaigns")
    assert (await verifier.caller(good)).subject == "ada"
    assert (await refusal(verifier, signed(iss="https://evil.example.org", aud="campaigns"))).status == 401
    assert (await refusal(verifier, signed(iss="https://id.example.org", aud="else"))).status == 401


@pytest.fixture
def jwks(monkeypatch: pytest.MonkeyPatch) -> Verifier:
    published = {**json.loads(RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "one", "use": "sig", "alg": "RS256"}
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda _: {"keys": [published]})
    return Verifier(jwks_url="https://id.example.org/keys")


async def test_a_token_of_a_published_key_counts(jwks: Verifier) -> None:
    token = jwt.encode(claims(), KEY, algorithm="RS256", headers={"kid": "one"})
    assert (await jwks.caller(token)).role == "operator"


async def test_a_token_of_an_unpublished_key_does_not(jwks: Verifier) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for kid in ("one", "two"):
        token = jwt.encode(claims(), stranger, algorithm="RS256", headers={"kid": kid})
        assert (await refusal(jwks, token)).status == 401


async def test_a_published_key_is_no_shared_secret(jwks: Verifier) -> None:
    token = jwt.encode(claims(), SECRET, algorithm="HS256", headers={"kid": "one"})
    assert (await refusal(jwks, token)).status == 401


async def test_keys_that_cannot_be_read_are_unavailable_not_unauthenticated(
    jwks: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise jwt.PyJWKClientConnectionError("away")

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", away)
    token = jwt.encode(claims(), KEY, algorithm="RS256", headers={"kid": "one"})
    problem = await refusal(jwks, token)
    assert (problem.status, problem.headers) == (503, {"Retry-After": "2"})


@pytest.mark.parametrize(
    "settings", [{}, {"secret": SECRET, "jwks_url": "https://id.example.org/keys"}, {"secret": "short"}], ids=str
)
def test_there_is_one_way_to_check_tokens_and_no_weak_one(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="JWT_SECRET"):
        Verifier(**settings)


async def test_keys_are_exchanged_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    def published(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
        return {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": "RS256"}

    def token(key: rsa.RSAPrivateKey, kid: str) -> str:
        return jwt.encode(claims(exp=time.time() + 3600), key, algorithm="RS256", headers={"kid": kid})

    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    next_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys, fetches = [published(KEY, "one")], []

    class Answer(io.BytesIO):
        def __enter__(self) -> "Answer":
            return self

    def opened(*_: object, **__: object) -> Answer:
        fetches.append(clock[0])
        return Answer(json.dumps({"keys": keys}).encode())

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", opened)
    verifier = Verifier(jwks_url="https://id.example.org/keys")
    assert (await verifier.caller(token(KEY, "one"))).subject == "ada"
    keys.append(published(next_key, "two"))
    clock[0] += NEW_KEYS_SECONDS + 1
    assert (await verifier.caller(token(next_key, "two"))).subject == "ada", "a new key counts at once"
    for _ in range(20):
        assert (await refusal(verifier, token(next_key, "three"))).status == 401
    assert len(fetches) == 2, "unknown keys do not let everybody make us ask again and again"
    del keys[0]
    clock[0] += KEYS_KEPT_SECONDS + 1
    assert (await refusal(verifier, token(KEY, "one"))).status == 401, "a withdrawn key is forgotten"
    assert (await verifier.caller(token(next_key, "two"))).subject == "ada"
