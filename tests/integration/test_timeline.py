"""Why was this person called, or not: the timeline, on a real PostgreSQL and over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import jwt
import orjson
import pytest

from campaign_command import commands
from campaign_command.api import create_app
from campaign_command.gate import Gate
from campaign_command.permits import NotGranted
from campaign_command.silence import Silence
from campaign_command.store import APPEND_LOCK
from campaign_command.workers import Workers
from campaign_events.settings import Conversation, Outcome
from campaign_service.health import Health
from campaign_service.tokens import Verifier

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

JWT_SECRET = "a secret of the tests, long enough for HS256"
ANNA, BEN = "+493023111111", "+493023111112"
Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def call(desk: "Desk") -> AsyncIterator[Call]:
    app = create_app(Health())
    commands = Workers("commands", threads=4)
    state = app.state
    state.store, state.commands, state.gate, state.terms = desk.store, commands, Gate(desk.store, commands), desk.terms
    state.silence = Silence(desk.store, commands, place_timeout_seconds=desk.terms.place_timeout_seconds)
    state.verifier = Verifier(secret=JWT_SECRET)
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://command")

    async def request(method: str, path: str, body: Any = None, *, role: str = "operator", **params: Any) -> Any:
        expires = datetime.now(UTC) + timedelta(minutes=5)
        claims = {"sub": "ada", "role": role, "workspace": str(desk.workspace), "exp": expires}
        headers = {"Authorization": f"Bearer {jwt.encode(claims, JWT_SECRET, algorithm='HS256')}"}
        content = None if body is None else orjson.dumps(body)
        return await http.request(method, path, content=content, headers=headers, params=params)

    yield request
    await http.aclose()
    commands.close()


async def _timeline(call: Call, desk: "Desk", campaign_id: UUID, index: int = 0) -> dict[str, Any]:
    contact_id = desk.contact(campaign_id, index).contact_id
    answer = await call("GET", f"/v1/campaigns/{campaign_id}/contacts/{contact_id}/timeline", role="viewer")
    assert answer.status_code == 200, answer.text
    assert not any(number in answer.text for number in (ANNA, BEN))
    found: dict[str, Any] = answer.json()
    return found


def _texts(timeline: dict[str, Any]) -> list[str]:
    return [entry["text"] for entry in timeline["entries"]]


async def test_the_story_of_a_contact_from_its_list_to_do_not_call(call: Call, desk: "Desk") -> None:
    campaign_id = desk.draft([ANNA, BEN])
    desk.edit(campaign_id, {"description": "With a discount"})
    desk.start(campaign_id)
    ask = desk.granted(desk.contact(campaign_id))
    during = await _timeline(call, desk, campaign_id)
    assert during["current"]["code"] == "in_progress"
    desk.report(desk.ended(ask, Outcome.BUSY))
    waits = await _timeline(call, desk, campaign_id)
    due_at = desk.contact(campaign_id).due_at
    assert due_at is not None
    assert waits["current"] == {
        "code": "not_due",
        "text": "The next attempt is not due yet.",
        "next_possible_at": due_at.isoformat().replace("+00:00", "Z"),
        "never": False,
    }
    desk.pause(campaign_id)
    assert (await _timeline(call, desk, campaign_id))["current"]["code"] == "paused"
    assert (await call("POST", "/v1/suppressions", {"numbers": [ANNA]})).status_code == 201
    story = await _timeline(call, desk, campaign_id)
    assert _texts(story) == [
        "It was added to the campaign.",
        "The campaign was edited (version 2): description.",
        "The campaign was started.",
        "Call 1 was allowed: the number was on no do-not-call list; time zone from the number.",
        f"The call ended. Nobody picked up: busy. Next attempt from {due_at:%Y-%m-%d %H:%M} UTC.",
        "The campaign was paused.",
        "The number was put on the do-not-call list of the workspace (source: api).",
        "The number must not be called: the person asked not to be called.",
    ]
    positions = [entry["position"] for entry in story["entries"][1:]]
    assert positions == sorted(positions)
    called, ended = story["entries"][3:5]
    assert called["call_id"] == ended["call_id"] == str(ask.call_id)
    assert called["checks"]["suppression"] == "clear"
    assert called["settings_version"] == 2
    assert (story["current"]["code"], story["current"]["never"]) == ("do_not_call", True)
    # Of the other contact's calls it says nothing.
    other = _texts(await _timeline(call, desk, campaign_id, 1))
    assert not any("call ended" in text or "do-not-call" in text for text in other)


async def test_the_current_reason_is_the_one_a_permit_would_be_refused_by(call: Call, desk: "Desk") -> None:
    campaign_id = desk.draft([ANNA], requires_consent=False)
    assert (await _timeline(call, desk, campaign_id))["current"]["code"] == "not_started"
    desk.start(campaign_id)
    ready = (await _timeline(call, desk, campaign_id))["current"]
    assert (ready["code"], ready["never"]) == ("ready", False)
    assert ready["next_possible_at"]
    # Somebody else's campaign of the workspace has the number on the line.
    other = desk.running([ANNA])
    ask = desk.granted(desk.contact(other))
    busy = (await _timeline(call, desk, campaign_id))["current"]
    assert (busy["code"], busy["never"]) == ("number_live", False)
    assert busy["next_possible_at"]
    desk.report(desk.ended(ask, Outcome.NO_ANSWER))
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"frequency_caps": [{"calls": 1, "window_seconds": 3600}]})
    desk.resume(campaign_id)
    capped = (await _timeline(call, desk, campaign_id))["current"]
    assert capped["code"] == "frequency_cap"
    assert datetime.fromisoformat(capped["next_possible_at"]) > desk.now() + timedelta(minutes=50)
    desk.cancel(campaign_id)
    over = (await _timeline(call, desk, campaign_id))["current"]
    assert (over["code"], over["never"]) == ("campaign_cancelled", True)


async def test_a_second_campaigns_contact_waits_for_the_live_call_to_its_number_and_says_so(
    call: Call, desk: "Desk"
) -> None:
    first, second = desk.running([ANNA]), desk.running([ANNA])
    ask = desk.granted(desk.contact(first))
    (refused,) = desk.permits(desk.ask_for(desk.contact(second)))
    assert isinstance(refused, NotGranted)
    assert (refused.code, refused.kind) == ("number_live", "temporary")
    current = (await _timeline(call, desk, second))["current"]
    assert (current["code"], current["never"]) == ("number_live", False)
    assert current["text"] == "Another call to the number is in progress."
    assert current["next_possible_at"] is not None
    desk.report(desk.ended(ask, Outcome.HUMAN))
    assert (await _timeline(call, desk, second))["current"]["code"] == "ready"


@pytest.mark.parametrize(("late", "words"), [(False, "at the time the person asked for"), (True, "later than")])
async def test_a_callback_says_whether_it_came_in_time(call: Call, desk: "Desk", late: bool, words: str) -> None:
    campaign_id = desk.running([ANNA], callback_tolerance_seconds=1)
    ask = desk.granted(desk.contact(campaign_id))
    ago = timedelta(seconds=60 if late else 0)
    due_at = desk.now() - ago
    desk.report(desk.ended(ask, Outcome.HUMAN, conversation=Conversation.CALLBACK, callback_at=due_at))
    desk.granted(desk.contact(campaign_id))
    entry = (await _timeline(call, desk, campaign_id))["entries"][-1]
    assert entry["text"].startswith("Call 2 was allowed, the callback ")
    assert words in entry["text"]
    assert entry["checks"]["callback"] == ("late" if late else "on_time")


async def test_a_contact_without_consent_says_so_before_and_after_it_was_marked(call: Call, desk: "Desk") -> None:
    campaign_id = desk.draft([ANNA, BEN], requires_consent=True)
    desk.do(lambda tx: tx.cursor.execute("UPDATE contacts SET consent_basis = 'yes' WHERE number = %s", (BEN,)))
    desk.start(campaign_id)
    assert (await _timeline(call, desk, campaign_id))["current"]["code"] == "no_consent"
    desk.permits(desk.ask_for(desk.contact(campaign_id)))
    marked = await _timeline(call, desk, campaign_id)
    assert (marked["current"]["code"], marked["current"]["never"]) == ("no_consent", True)
    assert _texts(marked)[-1] == "It was found that it can't be called: it has no consent on record."


async def test_asking_why_changes_nothing_and_waits_for_no_lock(call: Call, desk: "Desk") -> None:
    campaign_id = desk.running([ANNA])
    end = desk.log()[-1][0]
    with desk.store.recorder.datastore.transaction(commit=False) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (APPEND_LOCK,))
        assert (await _timeline(call, desk, campaign_id))["current"]["code"] == "ready"
    assert desk.log()[-1][0] == end
    assert desk.live() == []


async def test_an_entry_of_the_do_not_call_list_is_told_though_it_is_older_or_was_lifted(
    call: Call, desk: "Desk"
) -> None:
    listed = await call("POST", "/v1/suppressions", {"numbers": [ANNA]})
    elsewhere = desk.draft([BEN])
    scoped = {"numbers": [ANNA], "campaign_id": str(elsewhere)}
    assert (await call("POST", "/v1/suppressions", scoped)).status_code == 201
    campaign_id = desk.draft([ANNA])
    await call("DELETE", f"/v1/suppressions/{listed.json()['entries'][0]['id']}")
    texts = _texts(await _timeline(call, desk, campaign_id))
    assert texts == [
        "The number was put on the do-not-call list of the workspace (source: api).",
        "It was added to the campaign.",
        "The number was taken off the do-not-call list.",
    ]


async def test_only_the_newest_of_very_many_entries_are_told(
    call: Call, desk: "Desk", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign_command.timeline_api.MAX_ENTRIES", 3)
    campaign_id = desk.draft([ANNA])
    for n in range(4):
        desk.edit(campaign_id, {"description": str(n)})
    story = await _timeline(call, desk, campaign_id)
    assert story["truncated"]
    assert [entry["settings_version"] for entry in story["entries"]] == [None, 3, 4, 5]


async def test_a_contact_of_another_campaign_or_workspace_has_no_timeline(call: Call, desk: "Desk") -> None:
    campaign_id, other = desk.draft([ANNA]), desk.draft([BEN])
    contact_id = desk.contact(other).contact_id
    answer = await call("GET", f"/v1/campaigns/{campaign_id}/contacts/{contact_id}/timeline")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_contact")
    desk.do(lambda tx: commands.remove(tx, desk.target(other), [contact_id]))
    gone = await call("GET", f"/v1/campaigns/{other}/contacts/{contact_id}/timeline")
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_contact")
    mine, desk.workspace = desk.workspace, uuid4()
    strange = await call("GET", f"/v1/campaigns/{campaign_id}/contacts/{contact_id}/timeline")
    assert (strange.status_code, strange.json()["code"]) == (404, "unknown_campaign")
    desk.workspace = mine
