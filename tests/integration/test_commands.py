"""The commands over HTTP on a real PostgreSQL: each route, who may use it, and what is refused how."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import jwt
import orjson
import psycopg
import pytest

from campaign_command.api import MAX_BODY_BYTES, create_app
from campaign_command.campaign import ALLOWED
from campaign_command.gate import Gate
from campaign_command.housekeeping import purge
from campaign_command.settings import Settings
from campaign_command.silence import Silence
from campaign_command.store import APPEND_LOCK
from campaign_command.workers import Workers
from campaign_events.settings import CampaignStatus
from campaign_service.health import Health
from campaign_service.tokens import Verifier

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

JWT_SECRET = "a secret of the tests, long enough for HS256"
PERMIT_SECRET = "the dialer's credential"
SETTINGS = {"name": "Spring offer", "agent_id": "agent-1", "caller_numbers": ["+493023125000"]}
NUMBERS = ("+493023111111", "+493023111112")


class Client:
    """Speaks to the application as one caller."""

    def __init__(self, app: Any, desk: "Desk") -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://command")
        self.desk = desk

    def token(self, *, role: str = "operator", workspace: UUID | None = None, **claims: Any) -> str:
        claims = {
            "sub": "user-1",
            "role": role,
            "workspace": str(workspace or self.desk.workspace),
            "exp": datetime.now(UTC) + timedelta(minutes=5),
            **claims,
        }
        return jwt.encode(claims, JWT_SECRET, algorithm="HS256")

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        token = self.token(role=more.pop("role", "operator"))
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        content = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        return await self.http.request(method, path, content=content, headers=headers, **more)

    async def created(self, **changes: Any) -> dict[str, Any]:
        """A new Draft."""
        answer = await self("POST", "/v1/campaigns", SETTINGS | changes)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ready(self, numbers: tuple[str, ...] = NUMBERS, **changes: Any) -> str:
        """The path of a Draft that can start."""
        path = f"/v1/campaigns/{(await self.created(**changes))['id']}"
        added = await self("POST", f"{path}/contacts", {"contacts": [{"number": number} for number in numbers]})
        assert (added.status_code, added.json()["accepted"]) == (200, len(numbers)), added.text
        return path

    async def brought_to(self, status: str) -> str:
        """The path of a campaign in this status."""
        path = await self.ready()
        steps = {
            "draft": [],
            "running": ["start"],
            "paused": ["start", "pause"],
            "cancelled": ["start", "cancel"],
            "completed": ["start"],
        }
        for step in steps[status]:
            assert (await self("POST", f"{path}/{step}")).status_code == 200
        if status == "completed":
            answer = await self("POST", "/v1/suppressions", {"numbers": list(NUMBERS)})
            assert answer.status_code == 201, answer.text
        assert self.desk.campaign(id_of(path)).status == status
        return path


def id_of(path: str) -> UUID:
    return UUID(path.split("/")[3])


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, which is a problem of RFC 9457."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= set(body)
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


@pytest.fixture
def app(desk: "Desk", tmp_path: Path) -> Any:
    settings = Settings(
        database_dsn=desk.dsn,
        kafka_bootstrap="nowhere:1",
        jwt_secret=JWT_SECRET,
        permit_secret=PERMIT_SECRET,
        hash_key="a key of the tests",
        spool_dir=tmp_path,
    )
    made = create_app(Health())
    commands, permits = Workers("commands", threads=4), Workers("permits", threads=1)
    state = made.state
    state.settings, state.store, state.commands, state.permit_workers = settings, desk.store, commands, permits
    state.gate = Gate(desk.store, commands)
    state.silence = Silence(desk.store, commands, place_timeout_seconds=desk.terms.place_timeout_seconds)
    state.terms = desk.terms
    state.verifier = Verifier(secret=JWT_SECRET)
    yield made
    commands.close()
    permits.close()


@pytest.fixture
async def client(app: Any, desk: "Desk") -> AsyncIterator[Client]:
    made = Client(app, desk)
    yield made
    await made.http.aclose()


def _position(answer: httpx.Response) -> int:
    return int(answer.json()["position"])


# --- the routes, when all goes well -------------------------------------------------------------------------


async def test_a_campaign_from_its_draft_to_its_end(client: Client, desk: "Desk") -> None:
    created = await client.created(description="With a discount")
    path = f"/v1/campaigns/{created['id']}"
    assert (created["status"], created["version"], created["settings_version"]) == ("draft", 1, 1)
    assert created["settings"]["description"] == "With a discount"
    assert created["settings"]["limits"]["max_attempts"] == 3
    assert created["allowed"] == list(ALLOWED[CampaignStatus.DRAFT])
    assert created["created_at"].endswith("Z")

    edited = await client("PATCH", path, {"name": "Summer offer", "limits": {"max_attempts": 5}})
    assert edited.status_code == 200, edited.text
    assert edited.json()["settings"]["limits"]["max_attempts"] == 5
    assert [change["field"] for change in edited.json()["changes"]] == ["name", "limits"]
    assert edited.json()["changes"][0] == {"field": "name", "from": "Spring offer", "to": "Summer offer"}
    assert edited.headers["etag"] == '"2"'

    body = {"contacts": [{"number": number, "first_name": "Hana"} for number in NUMBERS]}
    added = await client("POST", f"{path}/contacts", body)
    assert added.status_code == 200, added.text
    assert [result["result"] for result in added.json()["results"]] == ["accepted", "accepted"]

    started = await client("POST", f"{path}/start")
    assert (started.status_code, started.json()["status"]) == (200, "running")
    paused = await client("POST", f"{path}/pause")
    assert (paused.json()["status"], paused.json()["pause_reason"]) == ("paused", "requested")
    resumed = await client("POST", f"{path}/resume")
    assert (resumed.json()["status"], resumed.json()["pause_reason"]) == ("running", None)
    cancelled = await client("POST", f"{path}/cancel")
    assert (cancelled.json()["status"], cancelled.json()["allowed"]) == ("cancelled", ["duplicate", "delete"])

    copied = await client("POST", f"{path}/duplicate", {"contacts": "all"})
    assert copied.status_code == 201, copied.text
    assert copied.json()["status"] == "draft"
    assert copied.json()["settings"]["name"] == "Summer offer (copy)"
    copies = desk.contacts(UUID(copied.json()["id"]))
    assert [contact.status for contact in copies] == ["pending", "pending"]

    deleted = await client("DELETE", path, params={"confirm": created["id"]})
    assert (deleted.status_code, deleted.json()["deleted"]) == (200, True)
    assert problem(await client("POST", f"{path}/start")) == (404, "unknown_campaign")
    assert purge(desk.store, before=desk.now() - timedelta(days=1)) == 2
    assert desk.names(UUID(created["id"])) == [
        "CampaignCreated",
        "CampaignEdited",
        "ContactsAdded",
        "CampaignStarted",
        "CampaignPaused",
        "CampaignResumed",
        "CampaignCancelled",
        "CampaignDeleted",
    ]
    # Each answer said the position of the campaign's last fact as of then.
    positions = [p for p, r in desk.log() if getattr(r.fact, "campaign_id", None) == UUID(created["id"])]
    answers = [edited, added, started, paused, resumed, cancelled, deleted]
    assert [int(created["position"]), *map(_position, answers)] == positions


async def test_the_facts_of_a_campaign_are_read_in_pages(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    for _ in range(3):
        await client("PATCH", path, {"description": str(uuid4())})
    seen: list[dict[str, Any]] = []
    after: Any = 0
    while after is not None:
        page = (await client("GET", f"{path}/facts", params={"after": after, "limit": 2}, role="viewer")).json()
        assert len(page["items"]) <= 2
        seen += page["items"]
        after = page["next_after"]
    assert [fact["type"] for fact in seen] == ["CampaignCreated", "ContactsAdded", *["CampaignEdited"] * 3]
    assert [int(fact["position"]) for fact in seen] == [position for position, _ in desk.log()]
    assert len({fact["correlation_id"] for fact in seen}) == 5
    assert seen[0]["data"]["settings"]["name"] == "Spring offer"


async def test_the_facts_of_a_request_are_found_by_its_id(client: Client) -> None:
    path = await client.ready()
    await client("PATCH", path, {"description": "one"}, headers={"X-Request-Id": "edge-0001"})
    await client("PATCH", path, {"description": "two"}, headers={"X-Request-Id": "what is no id"})
    facts = (await client("GET", f"{path}/facts")).json()["items"]
    one, two = (fact["correlation_id"] for fact in facts[-2:])
    assert one == "edge-0001"
    assert UUID(two)


async def test_contacts_that_are_added_removed_and_read(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    listed = await client("GET", f"{path}/contacts", role="viewer")
    assert listed.status_code == 200, listed.text
    assert listed.json()["total"] == 2
    one, two = [contact.contact_id for contact in desk.contacts(id_of(path))]
    assert (await client("GET", f"{path}/contacts/{one}")).json()["number"] == NUMBERS[0]
    removed = await client("DELETE", f"{path}/contacts/{one}")
    assert (removed.status_code, removed.json()["removed"]) == (200, 1), removed.text
    assert _position(removed) == desk.log()[-1][0]
    removed = await client("POST", f"{path}/contacts/remove", {"contact_ids": [str(two), str(two)]})
    assert (removed.status_code, removed.json()["removed"]) == (200, 1), removed.text
    assert desk.contacts(id_of(path)) == []
    assert problem(await client("POST", f"{path}/start")) == (409, "no_contacts")


async def test_each_contact_of_a_request_is_answered_in_its_place(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    (known, _) = desk.contacts(id_of(path))
    body = {
        "contacts": [
            {"number": "+493023111113"},
            {"number": "not a number"},
            {"number": NUMBERS[0]},
            {"number": "+49 30 23 11 11 13"},
            {"number": "+493023111114", "time_zone": "America/New_York", "variables": {"plan": "gold"}},
        ]
    }
    answer = (await client("POST", f"{path}/contacts", body)).json()
    assert (answer["accepted"], answer["duplicate"], answer["rejected"]) == (2, 2, 1)
    results = answer["results"]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    kinds = ["accepted", "rejected", "duplicate", "duplicate", "accepted"]
    assert [result["result"] for result in results] == kinds
    assert results[1]["reason"]
    assert results[2]["contact_id"] == str(known.contact_id)
    assert results[3]["contact_id"] == results[0]["contact_id"]
    assert desk.contacts(id_of(path))[-1].time_zones == ("America/New_York",)
    nothing = await client("POST", f"{path}/contacts", {"contacts": [{"number": NUMBERS[0]}, {"number": "?"}]})
    assert _position(nothing) == int(answer["position"]) == desk.log()[-1][0]


async def test_a_suppressed_number_is_added_as_do_not_call(client: Client, desk: "Desk") -> None:
    await client("POST", "/v1/suppressions", {"numbers": [NUMBERS[0]]})
    path = await client.ready()
    assert [contact.status for contact in desk.contacts(id_of(path))] == ["do_not_call", "pending"]
    added = next(fact for fact in desk.facts(id_of(path)) if type(fact).__name__ == "ContactsAdded")
    assert (added.pending_count, added.do_not_call_count) == (1, 1)  # type: ignore[attr-defined]


async def test_the_do_not_call_list_is_added_to_read_and_lifted(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    more = [f"+4930231{index:05d}" for index in range(5)]
    answer = await client("POST", "/v1/suppressions", {"numbers": [NUMBERS[0], *more], "reason": "by letter"})
    assert answer.status_code == 201, answer.text
    entries = answer.json()["entries"]
    assert [entry["number"] for entry in entries] == [NUMBERS[0], *more]
    assert desk.contact(id_of(path)).status == "do_not_call"
    again = await client("POST", "/v1/suppressions", {"numbers": [NUMBERS[0]]})
    assert again.json()["entries"] == entries[:1]

    seen: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = (await client("GET", "/v1/suppressions", params=params)).json()
        assert page["total"] == 6
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert {entry["number"] for entry in seen} == {NUMBERS[0], *more}
    assert len(seen) == 6
    assert seen[0]["reason"] == "by letter"

    entry = next(entry["id"] for entry in entries if entry["number"] == NUMBERS[0])
    assert (await client("DELETE", f"/v1/suppressions/{entry}")).status_code == 204
    assert problem(await client("DELETE", f"/v1/suppressions/{entry}")) == (404, "unknown_suppression")
    assert type(desk.facts()[-1]).__name__ == "SuppressionLifted"
    assert desk.contact(id_of(path)).status == "do_not_call", "what somebody asked for stays"
    fresh = await client.ready((NUMBERS[0],))
    assert desk.contact(id_of(fresh)).status == "pending"
    for row in desk.rows("SELECT convert_from(state, 'UTF8') AS state FROM campaign_command_events"):
        assert NUMBERS[0] not in row["state"]


async def test_a_duplicate_takes_the_contacts_asked_for(client: Client, desk: "Desk") -> None:
    path = await client.brought_to("completed")
    for asked, expected in (("none", 0), ("all", 2), ("never_reached", 0), (["do_not_call"], 2), (["pending"], 0)):
        copied = await client("POST", f"{path}/duplicate", {"contacts": asked, "name": "Again"})
        assert copied.status_code == 201, copied.text
        contacts = desk.contacts(UUID(copied.json()["id"]))
        assert [contact.status for contact in contacts] == ["do_not_call"] * expected
        assert copied.json()["settings"]["name"] == "Again"
        assert _position(copied) == desk.log()[-1][0]
    created = desk.facts(UUID(copied.json()["id"]))[0]
    assert created.duplicate_of == id_of(path)  # type: ignore[attr-defined]


async def test_permits_are_asked_for_with_the_dialers_credential(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    await client("POST", f"{path}/start")
    (one, two) = desk.contacts(id_of(path))
    asks = {"asks": [desk.ask_for(contact).model_dump(mode="json") for contact in (one, two)]}
    for wrong in ("", "Bearer", "Bearer nobody", f"Bearer {client.token(role='admin')}", f"Basic {PERMIT_SECRET}"):
        answer = await client("POST", "/internal/permits", asks, headers={"Authorization": wrong})
        assert problem(answer) == (401, "unauthenticated")
    assert desk.live() == []
    headers = {"Authorization": f"Bearer {PERMIT_SECRET}"}
    answer = await client("POST", "/internal/permits", asks, headers=headers)
    assert answer.status_code == 200, answer.text
    assert [found["result"] for found in answer.json()["answers"]] == ["granted", "granted"]
    assert answer.json()["answers"][0]["number"] == NUMBERS[0]
    too_many = {"asks": asks["asks"] * 51}
    assert problem(await client("POST", "/internal/permits", too_many, headers=headers)) == (422, "invalid_request")
    # The dialer's credential opens nothing else.
    assert problem(await client("POST", f"{path}/pause", headers=headers)) == (401, "unauthenticated")


async def test_an_ask_that_nobody_waits_for_any_more_is_not_granted(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    await client("POST", f"{path}/start")
    asks = {"asks": [desk.ask_for(desk.contact(id_of(path))).model_dump(mode="json")]}
    headers = {"Authorization": f"Bearer {PERMIT_SECRET}"}
    with psycopg.connect(desk.dsn, autocommit=True) as busy:
        busy.execute("SELECT pg_advisory_lock(%s)", (APPEND_LOCK,))
        answer = asyncio.ensure_future(client("POST", "/internal/permits", asks, headers=headers))
        done, _ = await asyncio.wait([answer], timeout=desk.terms.permit_seconds + 0.3)
        assert not done, "it waits for the append lock"
        busy.execute("SELECT pg_advisory_unlock(%s)", (APPEND_LOCK,))
        assert problem(await answer) == (503, "asked_too_long_ago")
    assert desk.live() == []


@pytest.mark.parametrize("word", ["start", "pause", "resume", "cancel"])
async def test_a_command_without_fields_refuses_what_it_would_ignore(client: Client, word: str) -> None:
    path = await client.ready()
    answer = await client("POST", f"{path}/{word}", {"force": True})
    assert problem(answer) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "force"


# --- rules --------------------------------------------------------------------------------------------------


async def test_of_two_starts_that_race_one_appends_a_fact(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    answers = await asyncio.gather(*(client("POST", f"{path}/start") for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({_position(answer) for answer in answers}) == 1
    assert desk.names(id_of(path)).count("CampaignStarted") == 1


REPEATED = {"draft": [], "running": ["start", "resume"], "paused": ["pause"], "cancelled": ["cancel"], "completed": []}
ILLEGAL = {
    "draft": {"pause": "cannot_pause", "resume": "cannot_resume", "cancel": "cannot_cancel"},
    "running": {
        "edit": "campaign_not_editable",
        "contacts": "campaign_not_editable",
        "remove": "campaign_not_editable",
        "delete": "cannot_delete",
    },
    "paused": {"start": "resume_instead"},
    **{
        status: {
            "edit": "campaign_not_editable",
            "contacts": "campaign_not_editable",
            "remove": "campaign_not_editable",
            "start": "cannot_start",
            "pause": "cannot_pause",
            "resume": "cannot_resume",
        }
        for status in ("completed", "cancelled")
    },
}
ILLEGAL["completed"]["cancel"] = "cannot_cancel"


def _request(client: Client, path: str, action: str, contact_id: UUID) -> Any:
    match action:
        case "edit":
            return client("PATCH", path, {"name": "Another"})
        case "contacts":
            return client("POST", f"{path}/contacts", {"contacts": [{"number": "+493023111119"}]})
        case "remove":
            return client("DELETE", f"{path}/contacts/{contact_id}")
        case "delete":
            return client("DELETE", path, params={"confirm": str(id_of(path))})
        case _:
            return client("POST", f"{path}/{action}")


@pytest.mark.parametrize("status", list(ILLEGAL))
async def test_what_a_status_forbids_is_refused_and_says_what_is_allowed(
    client: Client, desk: "Desk", status: str
) -> None:
    path = await client.brought_to(status)
    contact_id = desk.contact(id_of(path)).contact_id
    end = desk.log()[-1][0]
    for action, code in ILLEGAL[status].items():
        answer = await _request(client, path, action, contact_id)
        assert problem(answer) == (409, code), action
        assert answer.json()["status"] == 409
        assert answer.json()["campaign_status"] == status
        assert answer.json()["allowed"] == list(ALLOWED[CampaignStatus(status)])
    for action in REPEATED[status]:
        answer = await client("POST", f"{path}/{action}")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert _position(answer) == end, "the position also when nothing was appended"
    assert desk.log()[-1][0] == end


async def test_start_says_what_is_missing(client: Client, desk: "Desk") -> None:
    empty = f"/v1/campaigns/{(await client.created())['id']}"
    assert problem(await client("POST", f"{empty}/start")) == (409, "no_contacts")
    bare = await client.ready(agent_id=None, caller_numbers=[])
    answer = await client("POST", f"{bare}/start")
    assert problem(answer) == (409, "not_ready")
    assert answer.json()["missing"] == ["agent_id", "caller_numbers"]
    await client("POST", "/v1/suppressions", {"numbers": list(NUMBERS)})
    answer = await client("POST", f"{await client.ready()}/start")
    assert problem(answer) == (409, "no_callable_contacts")
    assert answer.json()["reasons"] == {"do_not_call": 2}
    inbound = await client.created(type="inbound")
    answer = await client("POST", f"/v1/campaigns/{inbound['id']}/start")
    assert (answer.status_code, answer.json()["status"]) == (200, "running")


async def test_start_and_resume_wait_for_the_import_and_cancel_ends_it(client: Client, desk: "Desk") -> None:
    path = await client.brought_to("paused")
    values = (uuid4(), desk.workspace, id_of(path))
    desk.do(
        lambda tx: tx.cursor.execute(
            "INSERT INTO imports (id, workspace, campaign_id, state, options) VALUES (%s, %s, %s, 'running', '{}')",
            values,
        )
    )
    answer = await client("POST", f"{path}/resume")
    assert problem(answer) == (409, "import_running")
    assert answer.json()["import_id"] == str(values[0])
    assert (await client("POST", f"{path}/cancel")).status_code == 200
    assert desk.rows("SELECT state FROM imports") == [{"state": "cancelled"}]


async def test_a_delete_is_confirmed_by_the_campaigns_id(client: Client) -> None:
    path = await client.ready()
    for params in ({}, {"confirm": "yes"}, {"confirm": str(uuid4())}):
        answer = await client("DELETE", path, params=params)
        assert problem(answer) == (422, "confirmation_required")
    answer = await client("DELETE", path, params={"confirm": str(id_of(path))})
    assert answer.status_code == 200


async def test_a_contact_of_another_campaign_is_not_removed(client: Client, desk: "Desk") -> None:
    path, other = await client.ready(), await client.ready()
    mine, stranger = desk.contact(id_of(path)).contact_id, desk.contact(id_of(other)).contact_id
    assert problem(await client("DELETE", f"{path}/contacts/{stranger}")) == (404, "unknown_contact")
    both = {"contact_ids": [str(mine), str(stranger)]}
    answer = await client("POST", f"{path}/contacts/remove", both)
    assert problem(answer) == (404, "unknown_contact")
    assert answer.json()["contact_ids"] == [str(stranger)]
    assert len(desk.contacts(id_of(path))) == len(desk.contacts(id_of(other))) == 2


async def test_a_contact_that_is_being_called_is_not_removed(client: Client, desk: "Desk") -> None:
    path = await client.brought_to("running")
    contact = desk.contact(id_of(path))
    ask = desk.granted(contact)
    desk.report(desk.placed(ask))
    await client("POST", f"{path}/pause")
    answer = await client("DELETE", f"{path}/contacts/{contact.contact_id}")
    assert problem(answer) == (409, "contact_in_progress")
    assert answer.json()["contact_ids"] == [str(contact.contact_id)]
    assert len(desk.contacts(id_of(path))) == 2


async def test_a_removal_says_how_many_of_each_status_are_gone(client: Client, desk: "Desk") -> None:
    from campaign_events.settings import Outcome

    path = await client.brought_to("running")
    desk.report(desk.ended(desk.granted(desk.contact(id_of(path))), Outcome.NO_ANSWER))
    await client("POST", f"{path}/pause")
    ids = [str(contact.contact_id) for contact in desk.contacts(id_of(path))]
    await client("POST", f"{path}/contacts/remove", {"contact_ids": ids})
    fact: Any = desk.facts()[-1]
    assert (fact.counts, fact.reached, fact.retries) == ({"no_answer": 1, "pending": 1}, 0, {1: 1})


@pytest.mark.parametrize("command", ["pause", "cancel"])
async def test_the_answer_comes_when_no_permit_is_left_that_could_ring(
    client: Client, desk: "Desk", app: Any, command: str
) -> None:
    path = await client.brought_to("running")
    ask = desk.granted(desk.contact(id_of(path)))
    answer = asyncio.ensure_future(client("POST", f"{path}/{command}"))
    done, _ = await asyncio.wait([answer], timeout=0.3)
    assert not done
    assert desk.campaign(id_of(path)).status in ("paused", "cancelled"), "it has committed long since"
    await asyncio.to_thread(desk.report, desk.placed(ask))
    app.state.silence.reported()
    assert (await asyncio.wait_for(answer, 5)).status_code == 200


async def test_an_opt_out_is_answered_when_its_number_cannot_ring_any_more(client: Client, desk: "Desk") -> None:
    path = await client.brought_to("running")
    desk.granted(desk.contact(id_of(path)))
    answer = asyncio.ensure_future(client("POST", "/v1/suppressions", {"numbers": [NUMBERS[0]]}))
    done, _ = await asyncio.wait([answer], timeout=0.3)
    assert not done
    other = await client("POST", "/v1/suppressions", {"numbers": ["+493023111117"]})
    assert other.status_code == 201
    desk.do(lambda tx: tx.cursor.execute("UPDATE live_calls SET expires_at = now() - interval '1 minute'"))
    assert (await asyncio.wait_for(answer, 5)).status_code == 201


# --- idempotency and versions -------------------------------------------------------------------------------


async def test_the_same_key_and_body_get_the_stored_answer(client: Client, desk: "Desk") -> None:
    headers = {"Idempotency-Key": "create-1"}
    first = await client("POST", "/v1/campaigns", SETTINGS, headers=headers)
    end = desk.log()[-1][0]
    second = await client("POST", "/v1/campaigns", SETTINGS, headers=headers)
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    assert (second.status_code, second.headers["idempotent-replayed"]) == (201, "true")
    assert (second.content, second.headers["etag"]) == (first.content, first.headers["etag"])
    assert desk.log()[-1][0] == end
    other = await client("POST", "/v1/campaigns", SETTINGS | {"name": "Another"}, headers=headers)
    assert problem(other) == (422, "idempotency_key_reused")
    assert problem(await client("POST", f"/v1/campaigns/{uuid4()}/start", headers=headers)) == (
        422,
        "idempotency_key_reused",
    )
    # Keys of another workspace are others.
    desk.workspace = uuid4()
    third = await client("POST", "/v1/campaigns", SETTINGS, headers=headers)
    assert (third.status_code, "idempotent-replayed" in third.headers) == (201, False)


async def test_a_key_works_for_every_post(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    requests = [
        (f"{path}/contacts", {"contacts": [{"number": "+493023111118"}]}),
        (f"{path}/start", None),
        (f"{path}/pause", None),
        (f"{path}/resume", None),
        (f"{path}/cancel", None),
        (f"{path}/duplicate", {"contacts": "all"}),
        ("/v1/suppressions", {"numbers": ["+493023111119"]}),
    ]
    for number, (route, body) in enumerate(requests):
        headers = {"Idempotency-Key": f"key {number}"}
        first = await client("POST", route, body, headers=headers)
        end = desk.log()[-1][0]
        second = await client("POST", route, body, headers=headers)
        assert first.status_code in (200, 201), first.text
        assert second.headers["idempotent-replayed"] == "true", route
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert desk.log()[-1][0] == end


async def test_a_refused_command_is_not_stored_under_its_key(client: Client, desk: "Desk") -> None:
    path = f"/v1/campaigns/{(await client.created())['id']}"
    headers = {"Idempotency-Key": "start it"}
    assert problem(await client("POST", f"{path}/start", headers=headers)) == (409, "no_contacts")
    assert desk.rows("SELECT 1 FROM idempotency_keys") == []
    await client("POST", f"{path}/contacts", {"contacts": [{"number": NUMBERS[0]}]})
    answer = await client("POST", f"{path}/start", headers=headers)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


async def test_a_key_whose_first_request_is_in_flight_is_refused(
    client: Client, desk: "Desk", eventually: Callable[..., Any]
) -> None:
    headers = {"Idempotency-Key": "slow"}
    with psycopg.connect(desk.dsn) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", (APPEND_LOCK,))
        first = asyncio.ensure_future(client("POST", "/v1/campaigns", SETTINGS, headers=headers))
        await eventually(lambda: desk.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
        second = await client("POST", "/v1/campaigns", SETTINGS, headers=headers)
        assert problem(second) == (409, "idempotency_key_in_flight")
    assert (await first).status_code == 201
    third = await client("POST", "/v1/campaigns", SETTINGS, headers=headers)
    assert third.headers["idempotent-replayed"] == "true"
    assert len(desk.log()) == 1


async def test_a_key_on_two_instances_at_once_has_one_effect(client: Client, app: Any, desk: "Desk") -> None:
    """Another process knows nothing of what is in flight here: the append lock makes it wait, and answer the same."""
    other = Client(app, desk)
    gates = [Gate(desk.store, app.state.commands) for _ in range(2)]
    answers = []
    headers = {"Idempotency-Key": "both"}
    for gate in gates:
        app.state.gate = gate
        answers.append(asyncio.ensure_future(other("POST", "/v1/campaigns", SETTINGS, headers=headers)))
        await asyncio.sleep(0)
    found = await asyncio.gather(*answers)
    await other.http.aclose()
    assert {answer.json()["id"] for answer in found} == {found[0].json()["id"]}
    assert len(desk.log()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "naïve"])
async def test_a_key_that_is_none_is_refused(client: Client, key: str) -> None:
    answer = await client("POST", "/v1/campaigns", SETTINGS, headers={"Idempotency-Key": key.encode("latin-1")})
    assert problem(answer) == (422, "invalid_idempotency_key")


async def test_keys_are_kept_for_a_day(client: Client, desk: "Desk") -> None:
    headers = {"Idempotency-Key": "old"}
    await client("POST", "/v1/campaigns", SETTINGS, headers=headers)
    purge(desk.store, before=desk.now() - timedelta(hours=24))
    assert (await client("POST", "/v1/campaigns", SETTINGS, headers=headers)).headers["idempotent-replayed"] == "true"
    purge(desk.store, before=desk.now())
    answer = await client("POST", "/v1/campaigns", SETTINGS, headers=headers)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, False)


async def test_if_match_refuses_who_has_not_seen_the_last_version(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    contact_id = desk.contact(id_of(path)).contact_id
    await client("PATCH", path, {"description": "now version 2"})
    end = desk.log()[-1][0]
    stale = {"If-Match": '"1"'}
    requests = [
        ("PATCH", path, {"name": "Another"}, {}),
        ("POST", f"{path}/start", None, {}),
        ("POST", f"{path}/duplicate", {}, {}),
        ("POST", f"{path}/contacts", {"contacts": [{"number": "+493023111119"}]}, {}),
        ("POST", f"{path}/contacts/remove", {"contact_ids": [str(contact_id)]}, {}),
        ("DELETE", f"{path}/contacts/{contact_id}", None, {}),
        ("DELETE", path, None, {"params": {"confirm": str(id_of(path))}}),
    ]
    for method, route, body, more in requests:
        answer = await client(method, route, body, headers=stale, **more)
        assert problem(answer) == (412, "version_mismatch"), route
        assert answer.json()["version"] == 2
    assert desk.log()[-1][0] == end
    for match in ('"2"', 'W/"2"', "2", "*"):
        answer = await client("PATCH", path, {"description": "now version 2"}, headers={"If-Match": match})
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    for match in ("two", '"1", "2"', "\xb2", "9" * 5000, "-1", ""):
        answer = await client("PATCH", path, {}, headers={"If-Match": match.encode("latin-1")})
        assert problem(answer) == (422, "invalid_if_match"), match


# --- bad input ----------------------------------------------------------------------------------------------

BODIES = [
    ("POST", "/v1/campaigns", SETTINGS),
    ("PATCH", "{campaign}", {}),
    ("POST", "{campaign}/contacts", {"contacts": [{"number": "+493023111119"}]}),
    ("POST", "{campaign}/contacts/remove", {"contact_ids": [str(uuid4())]}),
    ("POST", "{campaign}/duplicate", {}),
    ("POST", "/v1/suppressions", {"numbers": ["+493023111119"]}),
]


@pytest.mark.parametrize(("method", "path", "body"), BODIES)
async def test_a_body_is_json_with_known_fields_and_not_too_large(
    client: Client, desk: "Desk", method: str, path: str, body: dict[str, Any]
) -> None:
    path = path.replace("{campaign}", await client.ready())
    end = desk.log()[-1][0]
    for broken in (b"{", b"\xff\xfe", b"name=x", b'{"name": "\\ud800"}'):
        assert problem(await client(method, path, broken)) == (400, "invalid_json"), broken
    answer = await client(method, path, {**body, "nmae": "x" * 500})
    assert problem(answer) == (422, "invalid_request")
    (error,) = answer.json()["errors"]
    assert error["field"] == "nmae"
    assert error["value"].startswith("xxx")
    assert len(error["value"]) < 150
    for wrong in (b"[]", b'"text"', b"1", b"null"):
        assert problem(await client(method, path, wrong)) == (422, "invalid_request")
    answer = await client(method, path, b'{"x": "' + b"x" * MAX_BODY_BYTES + b'"}')
    assert problem(answer) == (413, "body_too_large")
    assert answer.json()["limit_bytes"] == MAX_BODY_BYTES

    async def streamed() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * (MAX_BODY_BYTES // 4)

    answer = await client.http.request(
        method, path, content=streamed(), headers={"Authorization": f"Bearer {client.token()}"}
    )
    assert problem(answer) == (413, "body_too_large")
    assert desk.log()[-1][0] == end


async def test_a_wrong_value_is_named_with_its_field_and_what_is_allowed(client: Client) -> None:
    path = await client.ready()
    cases: list[tuple[str, str, Any, str, str]] = [
        ("POST", "/v1/campaigns", {**SETTINGS, "limits": {"max_attempts": 99}}, "limits.max_attempts", "20"),
        ("POST", "/v1/campaigns", {**SETTINGS, "caller_numbers": ["030 1234"]}, "caller_numbers.0", "pattern"),
        ("POST", "/v1/campaigns", {**SETTINGS, "limits": {"maxattempts": 1}}, "limits.maxattempts", "not permitted"),
        ("POST", "/v1/campaigns", {**SETTINGS, "schedule": {"time_zone": "Mars/X"}}, "schedule.time_zone", "allowed"),
        ("POST", "/v1/campaigns", {**SETTINGS, "name": " "}, "name", "at least 1"),
        ("POST", "/v1/campaigns", {**SETTINGS, "name": "a\u0000b"}, "name", "NUL"),
        ("POST", "/v1/campaigns", {}, "name", "required"),
        ("PATCH", path, {"limits": {"max_attempts": 0}}, "limits.max_attempts", "1"),
        ("PATCH", path, {"name": None}, "name", "required"),
        ("PATCH", path, {"schedule": {"weekly": {"mon": [["9", "18:00"]]}}}, "schedule.weekly.mon.0", "HH:MM"),
        ("PATCH", path, {"custom_prompt": "\u0000"}, "custom_prompt", "NUL"),
        ("POST", f"{path}/contacts", {"contacts": []}, "contacts", "at least 1"),
        ("POST", f"{path}/contacts", {"contacts": [{"number": "1"}] * 1001}, "contacts", "at most 1000"),
        ("POST", f"{path}/contacts", {"contacts": [{"nummer": "1"}]}, "contacts.0.number", "required"),
        ("POST", f"{path}/contacts", {"contacts": [{"number": "1", "time_zone": "X"}]}, "contacts.0.time_zone", "IANA"),
        (
            "POST",
            f"{path}/contacts",
            {"contacts": [{"number": "+493023111119", "first_name": "\u0000"}]},
            "contacts.0.first_name",
            "NUL",
        ),
        (
            "POST",
            f"{path}/contacts",
            {"contacts": [{"number": "+493023111119", "variables": {"x": "a\u0000"}}]},
            "contacts.0.variables.x",
            "NUL",
        ),
        ("POST", f"{path}/contacts/remove", {"contact_ids": ["x"]}, "contact_ids.0", "UUID"),
        ("POST", f"{path}/duplicate", {"contacts": ["gone"]}, "contacts", ""),
        ("POST", "/v1/suppressions", {"numbers": ["+493023111119", "12"]}, "numbers.1", ""),
        ("POST", "/v1/suppressions", {"numbers": ["+493023111119"], "reason": "\u0000"}, "reason", "NUL"),
        (
            "POST",
            "/v1/suppressions",
            {"numbers": ["+493023111119"], "expires_at": "2020-01-01T00:00:00Z"},
            "expires_at",
            "future",
        ),
    ]
    for method, route, body, field, allowed in cases:
        answer = await client(method, route, body)
        assert problem(answer) == (422, "invalid_request"), (body, answer.text)
        error = next(error for error in answer.json()["errors"] if error["field"].startswith(field))
        assert allowed in error["message"], (body, error)
        assert "value" in error
        assert error["field"] in answer.json()["detail"] or len(answer.json()["errors"]) > 1
    raw = await client("POST", "/v1/campaigns", b'{"name": NaN}')
    assert raw.status_code in (400, 422)
    for depth in (900, 1000, 20_000):
        deep = b'{"name":' * depth + b"1" + b"}" * depth
        assert problem(await client("PATCH", path, deep))[0] in (400, 422)
    for cursor in ("x", "WzEsMl0", "WyJ4IiwgInkiXQ"):
        assert problem(await client("GET", "/v1/suppressions", params={"cursor": cursor})) == (422, "invalid_cursor")
    assert problem(await client("POST", "/v1/campaigns/not-an-id/start")) == (422, "invalid_request")
    assert problem(await client("GET", "/v1/nothing")) == (404, "not_found")
    assert problem(await client("PUT", path)) == (405, "method_not_allowed")


async def test_the_type_of_a_campaign_is_fixed(client: Client) -> None:
    path = await client.ready()
    assert problem(await client("PATCH", path, {"type": "inbound"})) == (409, "type_is_fixed")


# --- who may --------------------------------------------------------------------------------------------------

_PLACES = {"campaign_id", "contact_id", "erasure_id", "import_id", "list_id", "suppression_id"}

_UNKNOWN = {f"unknown_{place.removesuffix('_id')}" for place in _PLACES}


def _routes() -> list[tuple[str, str]]:
    """Every route there is but the published contract's (it holds no data), so that a new one is covered too."""
    document = create_app(Health()).openapi()
    return [
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if path.startswith("/v1/") and not path.startswith(("/v1/schemas", "/v1/asyncapi"))
    ]


ROUTES = _routes()
VALID: dict[str, Any] = {
    "POST /v1/campaigns": SETTINGS,
    "PATCH /v1/campaigns/{campaign_id}": {"name": "Stolen"},
    "POST /v1/campaigns/{campaign_id}/contacts": {"contacts": [{"number": "+493023111119"}]},
    "POST /v1/campaigns/{campaign_id}/contacts/remove": {"contact_ids": [str(uuid4())]},
    "POST /v1/campaigns/{campaign_id}/imports": b"phone\n+493023111119\n",
    "POST /v1/campaigns/{campaign_id}/imports/preview": b"phone\n+493023111119\n",
    "POST /v1/suppressions": {"numbers": ["+493023111119"]},
    "POST /v1/suppression-lists": b"number\n+493023111119\n",
    "PATCH /v1/workspace": {"retention_days": 30},
    "POST /v1/erasures": {"number": "+493023111119"},
}


async def _ask(client: Client, method: str, path: str, ids: dict[str, Any], **more: Any) -> httpx.Response:
    body = VALID.get(f"{method} {path}")
    headers = {"Content-Type": "text/csv"} if isinstance(body, bytes) else {}
    params = {"confirm": str(ids["campaign_id"])} if method == "DELETE" else {}
    route = re.sub(r"{(\w+)}", lambda match: str(ids[match[1]]), path)
    return await client(method, route, body, headers=headers | more.pop("headers", {}), params=params, **more)


async def _one_of_each(client: Client, desk: "Desk") -> dict[str, Any]:
    path = await client.ready()
    suppressed = await client("POST", "/v1/suppressions", {"numbers": ["+493023111116"]})
    uploaded = await client("POST", f"{path}/imports", b"phone\n+493023111115\n", headers={"Content-Type": "text/csv"})
    assert uploaded.status_code == 202, uploaded.text
    import_id = desk.rows("SELECT id FROM imports")[0]["id"]
    erased = await client("POST", "/v1/erasures", {"number": "+493023111114"}, role="admin")
    assert erased.status_code == 201, erased.text
    csv = {"Content-Type": "text/csv"}
    listed = await client("POST", "/v1/suppression-lists?name=own", b"number\n+493023111113\n", headers=csv)
    assert listed.status_code == 202, listed.text
    return {
        "campaign_id": id_of(path),
        "contact_id": desk.contact(id_of(path)).contact_id,
        "suppression_id": suppressed.json()["entries"][0]["id"],
        "import_id": import_id,
        "erasure_id": erased.json()["id"],
        "list_id": listed.json()["list_id"],
    }


def test_every_place_in_a_path_is_one_the_tests_know() -> None:
    assert {name for _, path in ROUTES for name in re.findall(r"{(\w+)}", path)} == _PLACES
    assert len(ROUTES) >= 18


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if "{" in route[1]])
async def test_what_belongs_to_another_workspace_is_not_there(
    client: Client, desk: "Desk", method: str, path: str
) -> None:
    ids = await _one_of_each(client, desk)
    end, imports = desk.log()[-1][0], desk.rows("SELECT * FROM imports")
    owner, desk.workspace = desk.workspace, uuid4()
    answer = await _ask(client, method, path, ids, role="admin")
    assert answer.status_code == 404, answer.text
    assert problem(answer)[1] in _UNKNOWN
    assert (desk.log()[-1][0], desk.rows("SELECT * FROM imports")) == (end, imports)
    # And an id that nobody has gets the same answer.
    unknown = await _ask(client, method, path, {name: uuid4() for name in ids}, role="admin")
    assert {**unknown.json(), "contact_ids": None} == {**answer.json(), "contact_ids": None}
    desk.workspace = owner
    mine = await _ask(client, method, path, ids, role="admin")
    assert problem(mine)[1] != "unknown_campaign" if mine.status_code >= 400 else True


async def test_lists_show_nothing_of_another_workspace(client: Client, desk: "Desk") -> None:
    await _one_of_each(client, desk)
    desk.workspace = uuid4()
    assert (await client("GET", "/v1/suppressions")).json() == {"items": [], "next_cursor": None, "total": 0}
    path = await client.ready()
    answer = await client("POST", "/v1/suppressions", {"numbers": ["+493023111119"], "campaign_id": str(uuid4())})
    assert problem(answer) == (404, "unknown_campaign")
    assert [contact.status for contact in desk.contacts(id_of(path))] == ["pending", "pending"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_is_let_in_without_a_token_and_a_viewer_commands_nothing(
    client: Client, desk: "Desk", method: str, path: str
) -> None:
    ids = dict.fromkeys(_PLACES, uuid4())
    for headers in (
        {"Authorization": ""},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": f"Bearer {client.token(exp=time.time() - 10)}"},
        {"Authorization": f"Bearer {client.token(role='owner')}"},
        {"Authorization": f"Bearer {jwt.encode({'sub': 'x'}, 'another secret, also long enough for it')}"},
        {"Authorization": f"Bearer {PERMIT_SECRET}"},
    ):
        answer = await _ask(client, method, path, ids, headers=headers)
        assert problem(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    answer = await _ask(client, method, path, ids, role="viewer")
    if method != "GET":
        assert problem(answer) == (403, "forbidden")
    assert desk.log() == []


async def test_commands_at_once_are_decided_one_after_the_other(client: Client, desk: "Desk") -> None:
    path = await client.ready()
    commands = ["start", "pause", "resume", "start", "pause", "cancel", "resume"] * 3
    answers = await asyncio.gather(*(client("POST", f"{path}/{command}") for command in commands))
    assert set(Counter(answer.status_code for answer in answers)) <= {200, 409}
    state = "draft"
    for name in desk.names(id_of(path))[2:]:
        came_from = {
            "CampaignStarted": ("draft",),
            "CampaignPaused": ("running",),
            "CampaignResumed": ("paused",),
            "CampaignCancelled": ("running", "paused"),
        }
        assert state in came_from[name]
        state = {"CampaignPaused": "paused", "CampaignCancelled": "cancelled"}.get(name, "running")
    assert desk.campaign(id_of(path)).status == state
