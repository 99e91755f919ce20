"""Webhooks without a network: which addresses may be called, when a delivery is tried again, how it is signed."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import httpcore
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from campaign_events.facts import FACTS
from webhooks.addresses import (
    Address,
    ForbiddenAddress,
    InvalidAddress,
    is_public,
    parse_address,
    refuse_unless_allowed,
)
from webhooks.answers import ReplayIn, WebhookIn
from webhooks.backoff import JITTER, Patience, next_attempt
from webhooks.poster import Answer, Poster
from webhooks.signing import ROTATION_OVERLAP, secret_of, secrets_of, signed_headers

# --- which addresses may be called ------------------------------------------------------------------------------------

FORBIDDEN = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.8.8.8"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::"),
    *("2002:808:808::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "169.253.0.1", "11.0.0.1"),
    *("2606:4700:4700::1111", "2a00:1450:4001:800::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"),
]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_an_address_of_a_network_of_ours_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))
    with pytest.raises(ForbiddenAddress, match=r"^example\.org leads to an address that is not public$"):
        refuse_unless_allowed([ip_address(text)], host="example.org", allow_local=False)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_allowed(text: str) -> None:
    assert is_public(ip_address(text))
    refuse_unless_allowed([ip_address(text)], host="example.org", allow_local=False)


def test_one_address_that_is_not_public_is_enough_to_refuse_a_name() -> None:
    with pytest.raises(ForbiddenAddress):
        refuse_unless_allowed([ip_address("8.8.8.8"), ip_address("10.0.0.1")], host="a.example", allow_local=False)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_an_ipv4_address_is_judged_alike_in_every_notation(number: int) -> None:
    plain = ip_address(number)
    assert is_public(ip_address(f"::ffff:{plain}")) == is_public(plain)
    assert is_public(ip_address(int(ip_address("64:ff9b::")) + number)) == is_public(plain)


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_local_stack_may_call_itself_and_nothing_else_of_its_network(text: str) -> None:
    refuse_unless_allowed([ip_address(text)], host="localhost", allow_local=True)
    for other in ("10.0.0.1", "169.254.169.254", "192.168.0.1", "0.0.0.0", "fe80::1"):
        with pytest.raises(ForbiddenAddress):
            refuse_unless_allowed([ip_address(other)], host="other", allow_local=True)


INVALID = {
    "http://example.org/hook": "must begin with https://",
    "ftp://example.org/": "must begin with https://",
    "example.org": "must begin with https://",
    "https://": "names no host",
    "https:///path": "names no host",
    "https://example.org:0/": "no valid port",
    "https://example.org:65536/": "no URL",
    "https://example.org:x/": "no URL",
    "https://[::1/": "no URL",
    "https://user:word@example.org/": "must not hold a user",
    "https://user@example.org/": "must not hold a user",
    "https://example.org/#part": "must not hold a fragment",
    "https://example.org\\@evil.example/": "only ASCII",
    "https://exa mple.org/": "only ASCII",
    "https://example.org/\r\nhost: other": "only ASCII",
    "https://bücher.example/": "only ASCII",
    "https://example.org/" + "a" * 2000: "longer than",
}


@pytest.mark.parametrize(("address", "words"), INVALID.items(), ids=range(len(INVALID)))
def test_an_address_that_can_not_be_called_is_refused_with_the_reason(address: str, words: str) -> None:
    with pytest.raises(InvalidAddress, match=words):
        parse_address(address, allow_local=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254", "10.0.0.1:8443"])
def test_a_literal_address_of_our_network_is_refused_at_once(host: str) -> None:
    with pytest.raises(ForbiddenAddress):
        parse_address(f"https://{host}/hook", allow_local=False)


def test_http_is_for_a_local_stack_only() -> None:
    assert parse_address("http://127.0.0.1:9/hook", allow_local=True).port == 9
    with pytest.raises(InvalidAddress, match="https:// or http://"):
        parse_address("ftp://127.0.0.1/", allow_local=True)
    assert parse_address("https://example.org:8443/hook?a=b", allow_local=False).hostname == "example.org"


# --- the connection goes to the address that was judged ---------------------------------------------------------------


def posting(resolve: Callable[[str, int], Awaitable[list[Address]]], *, allow_local: bool = False) -> Poster:
    return Poster(
        allow_local=allow_local,
        timeout_seconds=2,
        max_connections=2,
        log=structlog.get_logger(),
        resolve=resolve,
    )


async def post_to(address: str, *found: str, allow_local: bool = False) -> Answer:
    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address(text) for text in found]

    async with posting(resolve, allow_local=allow_local) as poster:
        return await poster.post(address, headers={}, body=b"{}")


@pytest.mark.parametrize("text", FORBIDDEN)
async def test_a_name_that_leads_into_our_network_is_not_connected_to(text: str) -> None:
    # A connection would fail the test: unit tests have no sockets.
    answer = await post_to("https://innocent.example/", text)
    assert answer.error == "forbidden: innocent.example leads to an address that is not public"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "localhost"])
async def test_a_number_or_name_that_the_system_reads_as_loopback_is_not_connected_to(host: str) -> None:
    from webhooks.poster import resolve

    async with posting(resolve) as poster:
        answer = await poster.post(f"https://{host}/", headers={}, body=b"{}")
    assert answer.error is not None
    assert "not public" in answer.error or "can't be resolved" in answer.error


async def test_the_name_is_looked_up_once_a_connection_and_the_judged_address_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected: list[str] = []
    answers = [["8.8.8.8"], ["127.0.0.1"]]

    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address(text) for text in answers.pop(0)]

    async def connect(self: Any, host: str, port: int, **_: Any) -> Any:
        connected.append(host)
        raise httpcore.ConnectError("refused")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    async with posting(resolve) as poster:
        first = await poster.post("https://rebinding.example/", headers={}, body=b"{}")
        second = await poster.post("https://rebinding.example/", headers={}, body=b"{}")
    assert first.error == "ConnectError: refused"
    assert second.error is not None
    assert second.error.startswith("forbidden")
    assert connected == ["8.8.8.8"]


async def test_a_name_without_an_address_is_a_failure_to_be_tried_again() -> None:
    assert (await post_to("https://nowhere.example/")).error == "ConnectError: nowhere.example has no address"


async def test_a_receiver_that_does_not_answer_is_given_up_on_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)

    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address("8.8.8.8")]

    async with Poster(
        allow_local=False, timeout_seconds=0.05, max_connections=1, log=structlog.get_logger(), resolve=resolve
    ) as poster:
        assert (await poster.post("https://slow.example/", headers={}, body=b"")).error == (
            "no whole answer within 0.05 s"
        )


# --- when it is tried again -------------------------------------------------------------------------------------------

PATIENCE = Patience(first_seconds=5, longest_seconds=3600, give_up_seconds=259_200)
THEN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def wait(attempts: int, *, chance: float = 0.5, after: timedelta = timedelta(), **more: float) -> float | None:
    at = next_attempt(PATIENCE, attempts=attempts, created_at=THEN, now=THEN + after, chance=chance, **more)
    return None if at is None else (at - THEN - after).total_seconds()


def test_the_waits_double_up_to_an_hour() -> None:
    assert [wait(n) for n in range(1, 12)] == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert wait(10_000) == 3600


def test_a_wait_is_up_to_a_fifth_shorter_or_longer() -> None:
    assert wait(1, chance=0) == 5 * (1 - JITTER)
    assert wait(1, chance=1) == 5 * (1 + JITTER)


def test_the_last_attempt_is_three_days_after_the_first_was_due_and_then_it_is_given_up() -> None:
    assert wait(80, after=timedelta(days=3, minutes=-10)) == 600
    assert wait(81, after=timedelta(days=3)) is None
    assert wait(1, after=timedelta(days=4)) is None, "one that waited behind others was tried once"


def test_the_receivers_own_time_counts_when_it_is_longer_up_to_an_hour() -> None:
    assert wait(1, retry_after_seconds=60) == 60
    assert wait(5, retry_after_seconds=1) == 80
    assert wait(1, retry_after_seconds=10**8) == 3600


@given(attempts=st.integers(1, 1000), seconds=st.floats(0, 400_000), chance=st.floats(0, 0.999))
def test_a_next_attempt_is_later_and_within_the_time(attempts: int, seconds: float, chance: float) -> None:
    now = THEN + timedelta(seconds=seconds)
    at = next_attempt(PATIENCE, attempts=attempts, created_at=THEN, now=now, chance=chance)
    if seconds >= 259_200:
        assert at is None
    else:
        assert at is not None
        assert now < at <= THEN + timedelta(days=3)


# --- signing ----------------------------------------------------------------------------------------------------------

KEY = "a key of more than thirty-two characters"
ID = UUID("00000000-0000-4000-8000-000000000007")
BODY = '{"type":"CampaignStarted","name":"Grüße"}'


def test_a_request_is_signed_so_that_the_standard_library_of_receivers_accepts_it() -> None:
    secret = secret_of(KEY, webhook_id=ID, version=1)
    headers = signed_headers((secret,), message_id="log:7", at=datetime.now(UTC), body=BODY)
    assert Webhook(secret).verify(BODY.encode(), headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.replace("Started", "Paused").encode(), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.encode(), {**headers, "webhook-id": "log:8"})


def test_an_old_request_is_refused_by_receivers() -> None:
    secret = secret_of(KEY, webhook_id=ID, version=1)
    headers = signed_headers((secret,), message_id="log:7", at=datetime.now(UTC) - timedelta(minutes=6), body=BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers)


def test_secrets_differ_by_webhook_version_and_key_and_are_the_same_at_every_call() -> None:
    other = UUID("00000000-0000-4000-8000-000000000008")
    made = [
        secret_of(key, webhook_id=id_, version=version)
        for key in (KEY, KEY + "!")
        for id_ in (ID, other)
        for version in (1, 2)
    ]
    assert len(set(made)) == 8
    assert secret_of(KEY, webhook_id=ID, version=1) == made[0]
    assert all(text.startswith("whsec_") for text in made)


def test_for_a_day_after_a_rotation_both_secrets_verify_and_then_only_the_new_one() -> None:
    old, new = (secret_of(KEY, webhook_id=ID, version=version) for version in (1, 2))
    now = datetime.now(UTC)
    for rotated_at, is_old_valid in ((now, True), (now - ROTATION_OVERLAP, False)):
        secrets = secrets_of(KEY, webhook_id=ID, version=2, rotated_at=rotated_at, now=now)
        headers = signed_headers(secrets, message_id="log:7", at=now, body=BODY)
        Webhook(new).verify(BODY, headers)
        if is_old_valid:
            Webhook(old).verify(BODY, headers)
        else:
            with pytest.raises(WebhookVerificationError):
                Webhook(old).verify(BODY, headers)


# --- what the API takes -----------------------------------------------------------------------------------------------


def test_only_facts_of_the_contract_can_be_asked_for() -> None:
    assert WebhookIn(address="https://a.example/", types=["CallEnded", "CallEnded"]).types == ["CallEnded"]
    assert WebhookIn(address="https://a.example/", types=list(FACTS)).types == sorted(FACTS)
    with pytest.raises(ValidationError, match="'CallLost' is no fact type; allowed: CampaignCreated"):
        WebhookIn(address="https://a.example/", types=["CallLost"])
    with pytest.raises(ValidationError, match="at least 1 item"):
        WebhookIn(address="https://a.example/", types=[])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"delivery_id": 1, "from_position": 1},
        {"from": "2026-03-02T09:00:00Z", "from_position": 1},
        {"delivery_id": 1, "to": "2026-03-02T09:00:00Z"},
        {"from": "2026-03-02T09:00:00Z", "to_position": 7},
        {"from": "2026-03-02T09:00:00"},
    ],
    ids=str,
)
def test_a_replay_begins_in_one_way(asked: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReplayIn.model_validate(asked)
