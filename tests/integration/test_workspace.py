"""The workspace on a real PostgreSQL: frequency caps over all its campaigns, *pause all*, its settings over HTTP."""

import asyncio
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
from campaign_command.contact import Contact
from campaign_command.gate import Gate
from campaign_command.housekeeping import purge
from campaign_command.permits import Granted, NotGranted
from campaign_command.silence import Silence
from campaign_command.workers import Workers
from campaign_command.workspaces import Workspace, append, decide, evolve, load_workspace
from campaign_events.facts import CallCorrected, WorkspaceFact, WorkspacePaused, WorkspaceResumed
from campaign_events.settings import Outcome
from campaign_service.health import Health
from campaign_service.tokens import Verifier

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

JWT_SECRET = "a secret of the tests, long enough for HS256"
NUMBER, OTHER = "+493023111111", "+493023111112"
HOUR = 3600
Call = Callable[..., Awaitable[httpx.Response]]


def _set(desk: "Desk", **wanted: Any) -> None:
    def work(tx: Any) -> None:
        state = load_workspace(tx.cursor, desk.workspace)
        settings = state.settings.model_validate({**state.settings.model_dump(), **wanted})
        append(tx, state, decide(state, settings, desk.now()))

    desk.do(work)


def _cap(calls: int, window_seconds: int) -> dict[str, int]:
    return {"calls": calls, "window_seconds": window_seconds}


def _code(answer: Granted | NotGranted) -> str:
    return "granted" if isinstance(answer, Granted) else f"{answer.kind}:{answer.code}"


def _answer(desk: "Desk", contact: Contact) -> Granted | NotGranted:
    (answer,) = desk.permits(desk.ask_for(desk.contacts(contact.campaign_id)[0]))
    return answer


def _call(desk: "Desk", campaign_id: UUID, outcome: Outcome = Outcome.NO_ANSWER, **more: Any) -> Any:
    """A call from its permit to its end."""
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, outcome, **more))
    return ask


def _age(desk: "Desk", seconds: float) -> None:
    """Let the counted calls be older."""
    desk.do(lambda tx: tx.cursor.execute("UPDATE counted_calls SET at = at - make_interval(secs => %s)", (seconds,)))


# --- frequency caps -----------------------------------------------------------------------------------------------


def test_a_cap_of_the_workspace_counts_the_calls_of_all_its_campaigns(desk: "Desk") -> None:
    _set(desk, caps=[_cap(2, HOUR)])
    first, second, third = (desk.running([NUMBER, OTHER], caller_numbers=(f"+49302312500{n}",)) for n in range(3))
    _call(desk, first)
    ask = _call(desk, second)
    answer = _answer(desk, desk.contact(third))
    assert _code(answer) == "temporary:frequency_cap"
    assert isinstance(answer, NotGranted)
    (oldest, newest) = (row["at"] for row in desk.rows("SELECT at FROM counted_calls ORDER BY at"))
    assert answer.ask_again_at == oldest + timedelta(hours=1)
    assert newest > oldest
    # The contact is as it was, and somebody else of the campaign may be called.
    assert desk.contact(third).status == "pending"
    assert _code(desk.permits(desk.ask_for(desk.contacts(third)[1]))[0]) == "granted"
    # The window rolls on.
    _age(desk, HOUR + desk.terms.permit_seconds)
    assert _code(_answer(desk, desk.contact(third))) == "granted"
    # What the call turns out to be later counts the same.
    desk.report(desk.ended(ask, Outcome.HUMAN, kind=CallCorrected))
    assert desk.row("SELECT count(*) AS n FROM counted_calls") == {"n": 4}


def test_a_call_that_was_no_attempt_does_not_count(desk: "Desk") -> None:
    _set(desk, caps=[_cap(1, HOUR)])
    ends: list[tuple[Outcome, dict[str, Any], bool]] = [
        (Outcome.NOT_PLACED, {}, False),
        (Outcome.CARRIER_ERROR, {}, False),
        (Outcome.CONFIGURATION, {}, False),
        (Outcome.CANCELLED, {}, False),
        (Outcome.CANCELLED, {"rang": True}, True),
        (Outcome.BUSY, {}, True),
        (Outcome.UNKNOWN, {}, True),
    ]
    for n, (outcome, more, counted) in enumerate(ends):
        first, second = (desk.running([f"+49302311112{n}"]) for _ in range(2))
        _call(desk, first, outcome, **more)
        expected = "temporary:frequency_cap" if counted else "granted"
        assert _code(_answer(desk, desk.contact(second))) == expected, outcome


def test_a_cap_counts_what_was_called_before_it_was_set_and_not_what_is_long_ago(desk: "Desk") -> None:
    first, second = desk.running([NUMBER]), desk.running([NUMBER])
    _call(desk, first)
    _age(desk, 20 * HOUR)
    _set(desk, caps=[_cap(1, 24 * HOUR)])
    answer = _answer(desk, desk.contact(second))
    assert _code(answer) == "temporary:frequency_cap"
    assert isinstance(answer, NotGranted)
    assert answer.ask_again_at is not None
    assert timedelta(hours=3.9) < answer.ask_again_at - desk.now() < timedelta(hours=4.1)
    _set(desk, caps=[_cap(1, 19 * HOUR)])
    assert _code(_answer(desk, desk.contact(second))) == "granted"


def test_a_cap_of_one_campaign_counts_the_calls_of_the_others_and_stops_that_one_only(desk: "Desk") -> None:
    free, strict = desk.running([NUMBER]), desk.running([NUMBER], frequency_caps=(_cap(1, HOUR),))
    _call(desk, free, Outcome.HUMAN)
    assert _code(_answer(desk, desk.contact(strict))) == "temporary:frequency_cap"
    another = desk.running([NUMBER])
    assert _code(_answer(desk, desk.contact(another))) == "granted"


def test_another_workspace_has_caps_and_calls_of_its_own(desk: "Desk") -> None:
    _set(desk, caps=[_cap(1, HOUR)])
    _call(desk, desk.running([NUMBER]))
    capped = desk.contact(desk.running([NUMBER]))
    desk.workspace = uuid4()
    _call(desk, desk.running([NUMBER]))
    assert _code(_answer(desk, desk.contact(desk.running([NUMBER])))) == "granted"
    assert _code(_answer(desk, capped)) == "temporary:frequency_cap"


def test_the_history_of_caps_holds_hashes_and_goes_when_no_cap_can_ask_for_it(desk: "Desk") -> None:
    _call(desk, desk.running([NUMBER]))
    assert NUMBER[1:] not in str(desk.rows("SELECT * FROM counted_calls"))
    _age(desk, 90 * 24 * HOUR - 60)
    purge(desk.store, before=desk.now() - timedelta(hours=24))
    assert len(desk.rows("SELECT * FROM counted_calls")) == 1
    _age(desk, 120)
    purge(desk.store, before=desk.now() - timedelta(hours=24))
    assert desk.rows("SELECT * FROM counted_calls") == []


# --- pause all ----------------------------------------------------------------------------------------------------


def test_a_paused_workspace_gets_no_permit_and_its_campaigns_stay_running(desk: "Desk") -> None:
    campaigns = [desk.running(2) for _ in range(2)]
    _set(desk, paused_all=True)
    for campaign_id in campaigns:
        answer = _answer(desk, desk.contact(campaign_id))
        assert _code(answer) == "temporary:workspace_paused"
        assert desk.campaign(campaign_id).status == "running"
    mine, desk.workspace = desk.workspace, uuid4()
    assert _code(_answer(desk, desk.contact(desk.running(1)))) == "granted", "another workspace calls on"
    desk.workspace = mine
    _set(desk, paused_all=False)
    assert [_code(_answer(desk, desk.contact(one))) for one in campaigns] == ["granted", "granted"]


def test_a_permit_from_before_the_pause_is_void_for_good(desk: "Desk") -> None:
    ask = desk.granted(desk.contact(desk.running(1)))
    _set(desk, paused_all=True)
    assert _code(desk.permits(ask)[0]) == "permanent:call_closed"
    _set(desk, paused_all=False)
    assert _code(desk.permits(ask)[0]) == "permanent:call_closed"
    again = desk.granted(desk.contact(desk.running(1)))
    assert _code(desk.permits(again)[0]) == "granted", "what is granted after it stands"


def test_no_permit_is_granted_after_the_pause_has_committed(desk: "Desk") -> None:
    campaign_id = desk.running(40)
    contacts = desk.contacts(campaign_id)
    begun = threading.Event()

    def ask(contact: Contact) -> Granted | NotGranted:
        begun.set()
        return desk.permits(desk.ask_for(contact))[0]

    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask, contact) for contact in contacts]
        begun.wait(5)
        _set(desk, paused_all=True)
        answers = [one.result() for one in asked]
    granted = [answer for answer in answers if isinstance(answer, Granted)]
    assert {_code(answer) for answer in answers} <= {"granted", "temporary:workspace_paused"}
    facts = [fact for _, recorded in desk.log() if (fact := recorded.fact)]
    pause = next(n for n, fact in enumerate(facts) if isinstance(fact, WorkspacePaused))
    after = [fact for fact in facts[pause:] if getattr(fact, "status", None) == "in_progress"]
    assert after == []
    assert len(granted) == len(desk.live())


# --- over HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def app(desk: "Desk") -> AsyncIterator[Any]:
    made = create_app(Health())
    commands = Workers("commands", threads=4)
    made.state.store, made.state.commands, made.state.gate = desk.store, commands, Gate(desk.store, commands)
    made.state.silence = Silence(desk.store, commands, place_timeout_seconds=desk.terms.place_timeout_seconds)
    made.state.verifier = Verifier(secret=JWT_SECRET)
    yield made
    commands.close()


@pytest.fixture
async def call(app: Any, desk: "Desk") -> AsyncIterator[Call]:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://command")

    async def request(method: str, path: str, body: Any = None, *, role: str = "admin", **headers: str) -> Any:
        claims = {"sub": "ada", "role": role, "workspace": str(desk.workspace)}
        expires = {"exp": datetime.now(UTC) + timedelta(minutes=5)}
        token = jwt.encode({**claims, **expires}, JWT_SECRET, algorithm="HS256")
        content = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http.request(method, path, content=content, headers={"Authorization": f"Bearer {token}", **named})

    yield request
    await http.aclose()


async def test_settings_have_defaults_and_a_change_is_a_merge(call: Call, desk: "Desk") -> None:
    before = await call("GET", "/v1/workspace", role="viewer")
    assert before.json() == {
        "id": str(desk.workspace),
        "caps": [],
        "retention_days": 1826,
        "trunks": [],
        "phone_numbers": [],
        "paused_all": False,
        "paused_at": None,
        "version": 0,
    }
    changed = await call("PATCH", "/v1/workspace", {"caps": [_cap(3, 24 * HOUR)]})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"1"')
    assert changed.json()["caps"] == [_cap(3, 24 * HOUR)]
    shorter = await call("PATCH", "/v1/workspace", {"retention_days": 30})
    assert (shorter.json()["caps"], shorter.json()["retention_days"]) == ([_cap(3, 24 * HOUR)], 30)
    again = await call("PATCH", "/v1/workspace", {"retention_days": 30})
    assert again.json() == shorter.json()
    reset = await call("PATCH", "/v1/workspace", {"retention_days": None, "caps": None})
    assert (reset.json()["retention_days"], reset.json()["caps"]) == (1826, [])
    assert (await call("GET", "/v1/workspace")).json() == reset.json()


async def test_a_change_of_an_older_version_is_refused(call: Call) -> None:
    assert (await call("PATCH", "/v1/workspace", {"retention_days": 30}, If_Match='"0"')).status_code == 200
    stale = await call("PATCH", "/v1/workspace", {"retention_days": 60}, If_Match='"0"')
    assert (stale.status_code, stale.json()["code"], stale.json()["version"]) == (412, "version_mismatch", 1)


async def test_bad_settings_are_refused_with_field_value_and_what_is_allowed(call: Call, desk: "Desk") -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({"caps": [{"calls": 0, "window_seconds": 60}]}, "caps.0.calls"),
        ({"caps": [{"calls": 1, "window_seconds": 1}]}, "caps.0.window_seconds"),
        ({"caps": [{"calls": 1, "window_seconds": 90}, {"calls": 2, "window_seconds": 90}]}, "caps"),
        ({"caps": [{"calls": 1, "window_seconds": 90, "every": 1}]}, "caps.0.every"),
        ({"retention_days": 0}, "retention_days"),
        ({"retention": 5}, "retention"),
    ]
    for body, field in bad:
        answer = await call("PATCH", "/v1/workspace", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        (error,) = answer.json()["errors"]
        assert error["field"] == field
        assert error["message"]
    for raw, status in ((b"{", 400), (b"[]", 422)):
        assert (await call("PATCH", "/v1/workspace", raw)).status_code == status
    assert desk.log() == []


async def test_admins_set_operators_pause_and_viewers_look(call: Call) -> None:
    assert (await call("PATCH", "/v1/workspace", {"retention_days": 30}, role="operator")).status_code == 403
    assert (await call("POST", "/v1/workspace/pause-all", role="viewer")).status_code == 403
    assert (await call("POST", "/v1/workspace/pause-all", role="operator")).status_code == 200
    paused = (await call("GET", "/v1/workspace", role="viewer")).json()
    assert (paused["paused_all"], paused["paused_at"] is not None) == (True, True)
    assert (await call("POST", "/v1/workspace/resume-all", role="operator")).json()["paused_all"] is False


@pytest.mark.parametrize("by", ["post", "patch"])
async def test_pause_all_is_answered_when_no_phone_of_the_workspace_can_begin_to_ring(
    call: Call, app: Any, desk: "Desk", by: str
) -> None:
    asks = [desk.granted(desk.contact(desk.running(1))) for _ in range(2)]
    desk.workspace, mine = uuid4(), desk.workspace
    desk.granted(desk.contact(desk.running(1)))  # another workspace's call is no reason to wait
    desk.workspace = mine
    method, path, body = ("POST", "/v1/workspace/pause-all", None)
    if by == "patch":
        method, path, body = "PATCH", "/v1/workspace", {"paused_all": True}
    answer = asyncio.ensure_future(call(method, path, body))
    done, _ = await asyncio.wait([answer], timeout=0.3)
    assert not done
    assert desk.row("SELECT paused FROM workspaces WHERE workspace = %s", (mine,)) == {"paused": True}
    for ask in asks:
        await asyncio.to_thread(desk.report, desk.placed(ask))
    app.state.silence.reported()
    assert (await asyncio.wait_for(answer, 1)).json()["paused_all"] is True


async def test_pausing_twice_is_one_fact_and_the_row_is_the_fold_of_the_log(call: Call, desk: "Desk") -> None:
    key = {"Idempotency_Key": "all-1"}
    first = await call("POST", "/v1/workspace/pause-all", **key)
    replayed = await call("POST", "/v1/workspace/pause-all", **key)
    assert (replayed.json(), replayed.headers["idempotent-replayed"]) == (first.json(), "true")
    assert (await call("POST", "/v1/workspace/pause-all")).json() == first.json()
    await call("PATCH", "/v1/workspace", {"caps": [_cap(1, 60)], "retention_days": 10, "paused_all": False})
    await call("POST", "/v1/erasures", {"number": NUMBER})
    facts = [fact for _, recorded in desk.log() if isinstance(fact := recorded.fact, WorkspaceFact)]
    assert [type(fact).__name__ for fact in facts] == [
        "WorkspacePaused",
        "WorkspaceSettingsChanged",
        "WorkspaceResumed",
        "PersonErased",
    ]
    assert isinstance(facts[2], WorkspaceResumed)
    folded = Workspace(desk.workspace)
    for fact in facts:
        folded = evolve(folded, fact)  # type: ignore[arg-type]
    assert desk.store.read(lambda cursor: load_workspace(cursor, desk.workspace)) == folded
