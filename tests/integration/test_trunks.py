"""Trunks and phone numbers of a workspace on a real PostgreSQL: whose a number is, what is refused, who sets them."""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import jwt
import orjson
import pytest

from campaign_command.api import create_app
from campaign_command.duplicates import Chosen, duplicate
from campaign_command.gate import Gate
from campaign_command.silence import Silence
from campaign_command.workers import Workers
from campaign_command.workspaces import Workspace, change, evolve, load_workspace
from campaign_events.facts import WorkspaceFact, WorkspaceSettingsChanged
from campaign_events.trunks import MAX_CALLS, MAX_CALLS_PER_SECOND, MAX_PHONE_NUMBERS, MAX_TRUNKS, caller_number_of
from campaign_service.health import Health
from campaign_service.problems import Problem
from campaign_service.tokens import Verifier

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

JWT_SECRET = "a secret of the tests, long enough for HS256"
OFFICE, MOBILE, THIRD = "+493023125000", "+4915123456789", "+493023125002"
BERLIN = {"id": "berlin-1", "name": "Berlin", "carrier": "simulated", "max_calls": 30, "calls_per_second": 5}
Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def call(desk: "Desk") -> AsyncIterator[Call]:
    commands_pool = Workers("commands", threads=2)
    app = create_app(Health())
    app.state.store, app.state.commands = desk.store, commands_pool
    app.state.gate = Gate(desk.store, commands_pool)
    app.state.silence = Silence(desk.store, commands_pool, place_timeout_seconds=desk.terms.place_timeout_seconds)
    app.state.verifier = Verifier(secret=JWT_SECRET)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://campaign-command") as client:

        async def send(
            method: str,
            path: str,
            body: Any = None,
            *,
            role: str = "admin",
            workspace: UUID | None = None,
            **headers: str,
        ) -> httpx.Response:
            claims = {
                "workspace": str(workspace or desk.workspace),
                "role": role,
                "sub": "ada",
                "exp": datetime.now(UTC) + timedelta(hours=1),
            }
            bearer = jwt.encode(claims, JWT_SECRET, algorithm="HS256")
            content = None if body is None else orjson.dumps(body)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(
                method, path, content=content, headers={"Authorization": f"Bearer {bearer}", **named}
            )

        yield send
    commands_pool.close()


def _numbers(*numbers: str, trunk: str = "default") -> dict[str, Any]:
    return {"phone_numbers": [{"number": number, "trunk": trunk} for number in numbers]}


def _register(desk: "Desk", *numbers: str, workspace: UUID | None = None) -> None:
    desk.do(lambda tx: change(tx, workspace or desk.workspace, _numbers(*numbers)))


def _refusal(work: Callable[[], Any]) -> tuple[int, str, list[tuple[str, Any]]]:
    with pytest.raises(Problem) as refused:
        work()
    problem = refused.value
    return problem.status, problem.code, [(each["field"], each["value"]) for each in problem.extra["errors"]]


# --- the settings ---------------------------------------------------------------------------------------------------


async def test_trunks_and_numbers_are_settings_of_the_workspace_and_three_views_show_the_same(
    call: Call, desk: "Desk"
) -> None:
    put = await call("PUT", "/v1/trunks", {"trunks": [BERLIN, {"id": "mobile"}]})
    assert (put.status_code, put.headers["etag"]) == (200, '"1"')
    assert put.json()["trunks"][0] == BERLIN
    assert put.json()["trunks"][1]["max_calls"] is None
    numbers = [{"number": OFFICE, "trunk": "berlin-1", "label": "Office"}, {"number": MOBILE, "trunk": "mobile"}]
    registered = await call("PUT", "/v1/phone-numbers", {"phone_numbers": numbers})
    assert registered.json()["phone_numbers"] == [numbers[0], {**numbers[1], "label": None}]
    whole = (await call("GET", "/v1/workspace", role="viewer")).json()
    assert whole["trunks"] == (await call("GET", "/v1/trunks", role="viewer")).json()["trunks"]
    assert whole["phone_numbers"] == (await call("GET", "/v1/phone-numbers", role="viewer")).json()["phone_numbers"]
    assert whole["version"] == 2
    # Another setting is changed, and they stay; the same again is no fact.
    await call("PATCH", "/v1/workspace", {"retention_days": 30})
    again = await call("PUT", "/v1/phone-numbers", {"phone_numbers": numbers})
    assert again.json()["version"] == 3
    facts = [fact for _, recorded in desk.log() if isinstance(fact := recorded.fact, WorkspaceFact)]
    assert [fact.changed for fact in facts if isinstance(fact, WorkspaceSettingsChanged)] == [
        ("trunks",),
        ("phone_numbers",),
        ("retention_days",),
    ]
    folded = Workspace(desk.workspace)
    for fact in facts:
        folded = evolve(folded, fact)  # type: ignore[arg-type]
    assert desk.store.read(lambda cursor: load_workspace(cursor, desk.workspace)) == folded
    # No other workspace sees any of it.
    assert (await call("GET", "/v1/trunks", workspace=uuid4())).json() == {"trunks": [], "version": 0}


async def test_only_an_admin_sets_them_and_an_older_version_is_refused(call: Call) -> None:
    for name in ("trunks", "phone_numbers"):
        for role in ("viewer", "operator"):
            refused = await call("PUT", f"/v1/{name.replace('_', '-')}", {name: []}, role=role)
            assert refused.status_code == 403
    assert (await call("PUT", "/v1/trunks", {"trunks": [BERLIN]}, If_Match='"0"')).status_code == 200
    stale = await call("PUT", "/v1/trunks", {"trunks": []}, If_Match='"0"')
    assert (stale.status_code, stale.json()["code"]) == (412, "version_mismatch")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"trunks": [{"id": "Berlin 1"}]}, "trunks.0.id"),
    ({"trunks": [{"id": ""}]}, "trunks.0.id"),
    ({"trunks": [{"id": "-x"}]}, "trunks.0.id"),
    ({"trunks": [{"id": "x" * 51}]}, "trunks.0.id"),
    ({"trunks": [{"id": "a", "name": "a\0b"}]}, "trunks.0.name"),
    ({"trunks": [{"id": "a", "carrier": "acme"}]}, "trunks.0.carrier"),
    ({"trunks": [{"id": "a", "max_calls": 0}]}, "trunks.0.max_calls"),
    ({"trunks": [{"id": "a", "max_calls": -1}]}, "trunks.0.max_calls"),
    ({"trunks": [{"id": "a", "max_calls": MAX_CALLS + 1}]}, "trunks.0.max_calls"),
    ({"trunks": [{"id": "a", "calls_per_second": 0}]}, "trunks.0.calls_per_second"),
    ({"trunks": [{"id": "a", "calls_per_second": MAX_CALLS_PER_SECOND + 1}]}, "trunks.0.calls_per_second"),
    ({"trunks": [{"id": "a", "calls_per_second": 1.5}]}, "trunks.0.calls_per_second"),
    ({"trunks": [{"id": "a", "secret": "x"}]}, "trunks.0.secret"),
    ({"trunks": [{"id": "a"}, {"id": "a"}]}, "trunks.1.id"),
    ({"trunks": [{"id": f"t{n}"} for n in range(MAX_TRUNKS + 1)]}, "trunks"),
    ({"phone_numbers": [{"number": "030 231"}]}, "phone_numbers.0.number"),
    ({"phone_numbers": [{"number": "+0301234567"}]}, "phone_numbers.0.number"),
    ({"phone_numbers": [{"number": OFFICE}, {"number": OFFICE}]}, "phone_numbers.1.number"),
    ({"phone_numbers": [{"number": OFFICE, "trunk": "nowhere"}]}, "phone_numbers.0.trunk"),
    ({"phone_numbers": [{"number": f"+4930231{n:05d}"} for n in range(MAX_PHONE_NUMBERS + 1)]}, "phone_numbers"),
]


@pytest.mark.parametrize(("body", "field"), BAD)
async def test_what_is_not_valid_is_refused_with_field_value_and_what_is_allowed(
    call: Call, body: dict[str, Any], field: str
) -> None:
    name = next(iter(body))
    by_put = await call("PUT", f"/v1/{name.replace('_', '-')}", body)
    by_patch = await call("PATCH", "/v1/workspace", body)
    for answer in (by_put, by_patch):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        [error] = answer.json()["errors"]
        assert error["field"] == field
        assert error["message"]
    assert (await call("GET", "/v1/workspace")).json()["version"] == 0


async def test_a_trunk_that_numbers_name_cannot_be_removed(call: Call) -> None:
    await call("PUT", "/v1/trunks", {"trunks": [BERLIN, {"id": "mobile"}]})
    await call("PUT", "/v1/phone-numbers", _numbers(OFFICE, trunk="berlin-1"))
    refused = await call("PUT", "/v1/trunks", {"trunks": [{"id": "mobile"}]})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {
            "field": "phone_numbers.0.trunk",
            "message": "there is no trunk 'berlin-1'; allowed: default, mobile",
            "value": "berlin-1",
        }
    ]
    both = {"trunks": [{"id": "mobile"}], **_numbers(OFFICE, trunk="mobile")}
    assert (await call("PATCH", "/v1/workspace", both)).status_code == 200


# --- whose a number is ----------------------------------------------------------------------------------------------


async def test_a_number_of_another_workspace_cannot_be_registered_until_it_is_given_up(call: Call) -> None:
    other = uuid4()
    await call("PUT", "/v1/phone-numbers", _numbers(OFFICE), workspace=other)
    refused = await call("PUT", "/v1/phone-numbers", _numbers(MOBILE, OFFICE))
    assert (refused.status_code, refused.json()["code"]) == (409, "number_of_another_workspace")
    [error] = refused.json()["errors"]
    assert (error["field"], error["value"]) == ("phone_numbers.1.number", OFFICE)
    assert "allowed" in error["message"]
    assert str(other) not in refused.text
    await call("PUT", "/v1/phone-numbers", {"phone_numbers": []}, workspace=other)
    assert (await call("PUT", "/v1/phone-numbers", _numbers(MOBILE, OFFICE))).status_code == 200


def test_of_two_workspaces_that_register_a_number_at_one_time_one_gets_it(desk: "Desk") -> None:
    at_once = threading.Barrier(4)

    def register(workspace: UUID) -> str:
        at_once.wait()
        try:
            _register(desk, OFFICE, workspace=workspace)
        except Problem as problem:
            return problem.code
        return "registered"

    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(register, [uuid4() for _ in range(4)]))
    assert sorted(got) == ["number_of_another_workspace"] * 3 + ["registered"]
    assert desk.row("SELECT count(*) AS n FROM phone_numbers") == {"n": 1}


def test_a_campaign_cannot_call_from_a_number_of_another_workspace(desk: "Desk") -> None:
    campaign = desk.draft(caller_numbers=(MOBILE,))
    _register(desk, OFFICE, workspace=uuid4())
    expected = (409, "caller_number_not_allowed", [("caller_numbers.1", OFFICE)])
    assert _refusal(lambda: desk.draft(caller_numbers=(MOBILE, OFFICE))) == expected
    assert _refusal(lambda: desk.edit(campaign, {"caller_numbers": [MOBILE, OFFICE]})) == expected
    # While the workspace has registered none, any number that is nobody else's is allowed.
    assert desk.edit(campaign, {"caller_numbers": [THIRD]})["settings"]["caller_numbers"] == [THIRD]


def test_where_numbers_are_registered_a_campaign_may_call_from_these_only(desk: "Desk") -> None:
    _register(desk, OFFICE, MOBILE)
    campaign = desk.draft(caller_numbers=(OFFICE,))
    expected = (409, "caller_number_not_allowed", [("caller_numbers.0", THIRD)])
    assert _refusal(lambda: desk.edit(campaign, {"caller_numbers": [THIRD]})) == expected
    with pytest.raises(Problem, match=r"allowed: \+493023125000, \+4915123456789"):
        desk.draft(caller_numbers=(THIRD,))
    desk.edit(campaign, {"caller_numbers": [MOBILE, OFFICE]})
    desk.start(campaign)


def test_a_number_that_was_taken_meanwhile_is_refused_at_start_at_resume_and_in_a_duplicate(desk: "Desk") -> None:
    draft, paused = desk.draft(), desk.running()
    desk.pause(paused)
    _register(desk, OFFICE, workspace=uuid4())
    expected = (409, "caller_number_not_allowed", [("caller_numbers.0", OFFICE)])
    assert _refusal(lambda: desk.start(draft)) == expected
    assert _refusal(lambda: desk.resume(paused)) == expected

    def copy() -> None:
        desk.do(lambda tx: duplicate(tx, desk.target(draft), campaign_id=uuid4(), name=None, contacts=Chosen()))

    assert _refusal(copy) == expected
    assert (desk.campaign(draft).status, desk.campaign(paused).status) == ("draft", "paused")
    # An edit of something else is no moment to ask.
    assert desk.edit(draft, {"name": "Autumn"})["settings"]["name"] == "Autumn"


def test_starting_a_running_campaign_again_changes_nothing_whatever_became_of_its_number(desk: "Desk") -> None:
    running = desk.running()
    _register(desk, OFFICE, workspace=uuid4())
    assert desk.start(running)["status"] == "running"


def test_a_contact_is_called_from_the_same_number_at_each_attempt_and_contacts_are_spread_evenly(desk: "Desk") -> None:
    numbers = (OFFICE, MOBILE, THIRD)
    _register(desk, *numbers)
    campaign = desk.running(90, caller_numbers=numbers)
    asks = [desk.ask_for(contact) for contact in desk.contacts(campaign)]
    given = [answer.caller_number for answer in desk.permits(*asks)]  # type: ignore[union-attr]
    assert given == [caller_number_of(numbers, ask.contact_id) for ask in asks]
    assert set(given) == set(numbers)
