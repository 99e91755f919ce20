"""The do-not-call list on a real PostgreSQL: wildcards, hashes, uploads and their undoing, lists with an age."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
import structlog

from campaign_command import commands, suppressions
from campaign_command.api import create_app
from campaign_command.campaign import Refused
from campaign_command.contact import DO_NOT_CALL, fold_contacts
from campaign_command.csv_rows import Limits
from campaign_command.gate import Gate
from campaign_command.gone_contacts import KEPT
from campaign_command.housekeeping import purge, settle_overdue
from campaign_command.permits import Granted, NotGranted
from campaign_command.settings import Settings
from campaign_command.silence import Silence
from campaign_command.store import now_of
from campaign_command.suppressed import MAX_WILDCARDS
from campaign_command.suppression_lists import ListWorker, lists_folder
from campaign_command.suppressions import lift, suppress, sweep
from campaign_command.workers import Workers
from campaign_events.facts import (
    CallCorrected,
    CampaignDeleted,
    ContactsAdded,
    ContactStatusChanged,
    NumberSuppressed,
    SuppressionLifted,
)
from campaign_events.settings import Conversation, Outcome
from campaign_service.health import Health
from campaign_service.tokens import Verifier

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

JWT_SECRET = "a secret of the tests, long enough for HS256"
NUMBER, OTHER, THIRD = "+493023111111", "+493023111112", "+493023111113"
PREMIUM = ("+19005550101", "+19005550102", "+14155550173")


class Client:
    """An operator, and the worker that goes on with what was uploaded."""

    def __init__(self, app: Any, desk: "Desk", worker: ListWorker) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://command")
        self.desk, self.worker = desk, worker

    async def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        claims = {"sub": "ada", "role": more.pop("role", "operator"), "workspace": str(self.desk.workspace)}
        token = jwt.encode(claims | {"exp": datetime.now(UTC) + timedelta(minutes=5)}, JWT_SECRET)
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **more)

    async def upload(self, text: str | bytes, **params: Any) -> dict[str, Any]:
        """Upload a list and put all of it on."""
        content = text if isinstance(text, bytes) else text.encode()
        answer = await self.send(content, **params)
        assert answer.status_code == 202, answer.text
        while self.worker.turn():
            pass
        return await self.list(answer.json()["list_id"])

    async def send(self, content: bytes, **params: Any) -> httpx.Response:
        headers = {"Content-Type": "text/csv"} | params.pop("headers", {})
        params = {"name": "own"} | params
        return await self("POST", "/v1/suppression-lists", content=content, headers=headers, params=params)

    async def list(self, list_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self("GET", f"/v1/suppression-lists/{list_id}")).json()
        return found

    async def undo(self, list_id: str) -> dict[str, Any]:
        answer = await self("DELETE", f"/v1/suppression-lists/{list_id}", params={"reason": "wrong file"})
        assert (answer.status_code, answer.json()["state"]) == (202, "undoing"), answer.text
        while self.worker.turn():
            pass
        return await self.list(list_id)


@pytest.fixture
def worker(desk: "Desk", tmp_path: Path) -> ListWorker:
    lists_folder(tmp_path).mkdir()
    return ListWorker(desk.store, spool_dir=tmp_path, limits=Limits(), instance_id="one", log=structlog.get_logger())


@pytest.fixture
async def client(desk: "Desk", tmp_path: Path, worker: ListWorker) -> AsyncIterator[Client]:
    app, commands = create_app(Health()), Workers("commands", threads=4)
    app.state.settings = Settings(
        database_dsn=desk.dsn,
        kafka_bootstrap="nowhere:1",
        jwt_secret=JWT_SECRET,
        permit_secret="the dialer's credential",
        hash_key=desk.store.hash_key,
        spool_dir=tmp_path,
    )
    app.state.store, app.state.commands, app.state.gate = desk.store, commands, Gate(desk.store, commands)
    app.state.silence = Silence(desk.store, commands, place_timeout_seconds=0.2)
    app.state.verifier = Verifier(secret=JWT_SECRET)
    made = Client(app, desk, worker)
    yield made
    await made.http.aclose()
    commands.close()


def _suppress(desk: "Desk", *numbers: str, **more: Any) -> dict[str, UUID]:
    values: dict[str, Any] = {"source": "api", "workspace": desk.workspace} | more
    entries: dict[str, UUID] = desk.do(lambda tx: suppress(tx, numbers, now=now_of(tx.cursor), **values))
    return entries


def _statuses(desk: "Desk", campaign_id: UUID) -> list[tuple[str, str | None]]:
    return [(str(contact.status), contact.reason) for contact in desk.contacts(campaign_id)]


def _code(answer: Granted | NotGranted) -> str:
    return "granted" if isinstance(answer, Granted) else f"{answer.kind}:{answer.code}"


def _ask(desk: "Desk", campaign_id: UUID, index: int = 0) -> str:
    (answer,) = desk.permits(desk.ask_for(desk.contact(campaign_id, index)))
    return _code(answer)


def _problem(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    errors = body.get("errors") or [{"field": ""}]
    return answer.status_code, body["code"], errors[0]["field"]


def _equal_to_the_log(desk: "Desk") -> bool:
    rows = {
        c.contact_id: c
        for row in desk.rows("SELECT campaign_id FROM campaigns")
        for c in desk.contacts(row["campaign_id"])
    }
    gone = {fact.campaign_id for fact in desk.facts() if isinstance(fact, CampaignDeleted)}
    return rows == {i: contact for i, contact in fold_contacts(desk.facts()).items() if contact.campaign_id not in gone}


# --- wildcards ------------------------------------------------------------------------------------------------


def test_a_wildcard_reaches_all_who_wait_and_all_who_come_later(desk: "Desk") -> None:
    draft, running = desk.draft(PREMIUM), desk.running(PREMIUM)
    _suppress(desk, wildcards=["+1900"])
    for campaign_id in (draft, running, desk.draft(PREMIUM)):
        assert [status for status, _ in _statuses(desk, campaign_id)] == ["do_not_call", "do_not_call", "pending"]
    assert _ask(desk, running, 2) == "granted"
    (fact,) = [fact for fact in desk.facts() if isinstance(fact, NumberSuppressed)]
    assert fact.wildcard
    assert fact.number_hash == desk.do(lambda tx: tx.hash_number(desk.workspace, "+1900*"))
    assert desk.row("SELECT unswept FROM suppressions") == {"unswept": False}
    assert _equal_to_the_log(desk)


def test_a_wildcard_over_more_contacts_than_a_batch_stops_all_at_once_and_reaches_them_batch_by_batch(
    desk: "Desk", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppressions, "SWEEP_BATCH", 3)
    campaign_id = desk.running([f"+1900555{index:04d}" for index in range(100, 108)])
    _suppress(desk, wildcards=["+1900"])
    assert sum(status == "do_not_call" for status, _ in _statuses(desk, campaign_id)) == 3
    waiting = next(contact for contact in desk.contacts(campaign_id) if contact.status == "pending")
    (answer,) = desk.permits(desk.ask_for(waiting))
    assert _code(answer) == "permanent:suppressed"
    while sweep(desk.store):
        pass
    assert {status for status, _ in _statuses(desk, campaign_id)} == {"do_not_call"}
    assert desk.campaign(campaign_id).status == "completed"
    assert desk.row("SELECT unswept FROM suppressions") == {"unswept": False}
    assert _equal_to_the_log(desk)


def test_a_lifted_wildcard_stops_nobody_any_more_and_is_not_swept_on(
    desk: "Desk", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppressions, "SWEEP_BATCH", 1)
    campaign_id = desk.running(PREMIUM)
    entry = _suppress(desk, wildcards=["+1900"])["+1900*"]
    assert desk.do(lambda tx: lift(tx, entry, workspace=desk.workspace, now=desk.now(), reason=None))
    assert sweep(desk.store) == 0
    waiting = [contact for contact in desk.contacts(campaign_id) if contact.status == "pending"]
    assert len(waiting) == 2
    assert {_code(answer) for answer in desk.permits(*map(desk.ask_for, waiting))} == {"granted"}


def test_a_workspace_has_so_many_wildcards_and_no_more(desk: "Desk") -> None:
    prefixes = [f"+1{area}" for area in range(200, 200 + MAX_WILDCARDS)]
    _suppress(desk, wildcards=prefixes)
    _suppress(desk, wildcards=prefixes[:5])  # these stand already
    with pytest.raises(Refused) as refused:
        _suppress(desk, wildcards=["+1900"])
    assert (refused.value.code, refused.value.extra["limit"]) == ("too_many_wildcards", MAX_WILDCARDS)


async def test_wildcards_are_put_on_by_the_api_and_those_too_wide_are_refused(client: Client, desk: "Desk") -> None:
    campaign_id = desk.running(PREMIUM)
    body: dict[str, Any] = {"numbers": ["+1 (900) *", "+14155550173"]}
    answer = await client("POST", "/v1/suppressions", json=body)
    assert [entry["number"] for entry in answer.json()["entries"]] == ["+1900*", "+14155550173"]
    assert desk.campaign(campaign_id).status == "completed"
    for text, why in (("+1*", "wildcard_too_wide"), ("*", "wildcard_too_wide"), ("+49900*x", "invalid_wildcard")):
        answer = await client("POST", "/v1/suppressions", json={"numbers": [OTHER, text]})
        assert _problem(answer) == (422, "invalid_request", "numbers.1")
        assert answer.json()["errors"][0]["value"] == text
        assert why in answer.json()["detail"]
        assert "such as +1900*" in answer.json()["detail"]
    assert len(desk.rows("SELECT 1 FROM suppressions")) == 2


async def test_after_the_answer_to_a_wildcard_no_permit_of_its_numbers_is_outstanding(
    client: Client, desk: "Desk"
) -> None:
    campaign_id = desk.running([PREMIUM[0], PREMIUM[2]])
    desk.granted(desk.contact(campaign_id))
    desk.granted(desk.contact(campaign_id, 1))
    answered = await client("POST", "/v1/suppressions", json={"numbers": ["+1900*"]})
    assert answered.status_code == 201
    (premium,) = [row for row in desk.live() if row["number"] == PREMIUM[0]]
    assert desk.now() >= premium["expires_at"] + timedelta(seconds=0.2)


# --- what is left when a person is gone -----------------------------------------------------------------------


def test_an_entry_of_which_only_the_hash_is_left_stops_every_call(desk: "Desk") -> None:
    entry = _suppress(desk, NUMBER)[NUMBER]
    desk.do(lambda tx: tx.cursor.execute("UPDATE suppressions SET number = NULL WHERE suppression_id = %s", (entry,)))
    campaign_id = desk.draft([NUMBER, OTHER])
    assert _statuses(desk, campaign_id) == [("do_not_call", "suppressed"), ("pending", None)]


@pytest.mark.parametrize("how", ["deleted", "removed"])
def test_do_not_call_that_is_said_after_the_contact_was_purged_is_heard(desk: "Desk", how: str) -> None:
    campaign_id = desk.running([NUMBER, OTHER], retry={"no_answer": {"delays_seconds": [60]}})
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, Outcome.HUMAN))
    desk.pause(campaign_id)
    if how == "deleted":
        desk.delete(campaign_id)
        assert purge(desk.store, before=desk.now()) == 2
    else:
        desk.do(lambda tx: commands.remove(tx, desk.target(campaign_id), [ask.contact_id]))
    elsewhere = desk.running([NUMBER, OTHER])
    desk.report(desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.DO_NOT_CALL))
    assert _ask(desk, elsewhere) == "permanent:suppressed", "before the next dial, though nobody knows the number"
    third = desk.running([NUMBER, OTHER])
    assert desk.contact(third).status is DO_NOT_CALL
    (entry,) = desk.rows("SELECT number, source, unswept FROM suppressions")
    assert entry == {"number": None, "source": "agent", "unswept": True}
    desk.report(desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.DO_NOT_CALL))
    assert len(desk.rows("SELECT 1 FROM suppressions")) == 1
    columns = desk.rows("SELECT * FROM gone_contacts") + desk.rows("SELECT * FROM suppressions")
    assert NUMBER not in str(columns)


def test_housekeeping_finds_who_waits_with_a_number_that_is_known_by_its_hash(desk: "Desk") -> None:
    campaign_id = desk.running([NUMBER])
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, Outcome.HUMAN))
    desk.delete(campaign_id)
    purge(desk.store, before=desk.now())
    waiting, alone = desk.running([NUMBER, OTHER]), desk.running([NUMBER])
    desk.report(desk.ended(ask, Outcome.HUMAN, kind=CallCorrected, conversation=Conversation.DO_NOT_CALL))
    while sweep(desk.store):
        pass
    assert _statuses(desk, waiting) == [("do_not_call", "asked"), ("pending", None)]
    assert desk.campaign(alone).status == "completed"
    assert desk.row("SELECT unswept FROM suppressions") == {"unswept": False}
    assert _equal_to_the_log(desk)


def test_hashes_of_the_purged_are_kept_for_a_while_and_only_of_the_called(desk: "Desk") -> None:
    campaign_id = desk.running([NUMBER, OTHER])
    desk.report(desk.ended(desk.granted(desk.contact(campaign_id)), Outcome.HUMAN))
    desk.pause(campaign_id)
    desk.delete(campaign_id)
    purge(desk.store, before=desk.now())
    assert len(desk.rows("SELECT 1 FROM gone_contacts")) == 1
    desk.do(lambda tx: tx.cursor.execute("UPDATE gone_contacts SET gone_at = gone_at - %s", (KEPT,)))
    purge(desk.store, before=desk.now())
    assert desk.rows("SELECT 1 FROM gone_contacts") == []


# --- uploaded lists -------------------------------------------------------------------------------------------


async def test_an_uploaded_list_puts_its_numbers_on_and_says_what_became_of_each_row(
    client: Client, desk: "Desk", tmp_path: Path
) -> None:
    campaign_id = desk.running([NUMBER, OTHER, THIRD])
    text = f"company;phone\nA;{NUMBER}\nB;0049 30 23111112\nC;{NUMBER}\nD;nobody\nE;+1900*\n"
    done = await client.upload(text, list_date=str(desk.now().astimezone(UTC).date()))
    counts = {name: done[name] for name in ("state", "rows_done", "accepted", "duplicate", "rejected")}
    assert counts == {"state": "completed", "rows_done": 5, "accepted": 2, "duplicate": 1, "rejected": 2}
    assert done["rejected_by_reason"] == {"not_a_number": 1, "wildcard": 1}
    assert [row["line"] for row in done["first_rejected"]] == [5, 6]
    assert done["fresh"]
    assert _statuses(desk, campaign_id)[:2] == [("do_not_call", "list"), ("do_not_call", "list")]
    facts = [fact for fact in desk.facts() if isinstance(fact, NumberSuppressed)]
    assert {(fact.source, str(fact.list_id)) for fact in facts} == {("list", done["list_id"])}
    assert len(facts) == 2
    assert list(lists_folder(tmp_path).iterdir()) == []
    assert _equal_to_the_log(desk)


async def test_a_list_is_undone_as_one_and_frees_only_whom_it_alone_kept_back(client: Client, desk: "Desk") -> None:
    called = desk.running([NUMBER, THIRD], retry={"no_answer": {"delays_seconds": [60]}})
    desk.report(desk.ended(desk.granted(desk.contact(called)), Outcome.NO_ANSWER))
    desk.pause(called)
    draft, running = desk.draft([NUMBER, OTHER]), desk.running([NUMBER, THIRD])
    done = await client.upload(f"number\n{NUMBER}\n{OTHER}\n")
    other = await client.upload(f"number\n{OTHER}\n", name="another")
    later = desk.draft([NUMBER, OTHER])  # added as do_not_call
    (added,) = [fact for fact in desk.facts(later) if isinstance(fact, ContactsAdded)]
    assert added.listed == added.do_not_call
    undone = await client.undo(done["list_id"])
    assert (undone["state"], undone["undone_by"], undone["undo_reason"]) == ("undone", "ada", "wrong file")
    assert not undone["fresh"]
    for campaign_id in (draft, later):
        assert _statuses(desk, campaign_id) == [("pending", "list_undone"), ("do_not_call", "list")]
    assert _statuses(desk, called)[0] == ("do_not_call", "list"), "was called"
    assert _statuses(desk, running)[0] == ("do_not_call", "list"), "is neither Draft nor Paused"
    lifted = [fact for fact in desk.facts() if isinstance(fact, SuppressionLifted)]
    assert {(fact.reason, str(fact.list_id)) for fact in lifted} == {("wrong file", done["list_id"])}
    assert len(lifted) == 2
    await client.undo(other["list_id"])
    assert _statuses(desk, draft)[1] == ("pending", "list_undone")
    assert _equal_to_the_log(desk)
    desk.start(draft)
    assert _ask(desk, draft) == "granted"


async def test_who_asked_is_not_freed_by_undoing_a_list_whoever_came_first(client: Client, desk: "Desk") -> None:
    campaign_id = desk.draft([NUMBER, OTHER, THIRD])
    _suppress(desk, NUMBER)
    done = await client.upload(f"number\n{NUMBER}\n{OTHER}\n")
    _suppress(desk, OTHER, source="agent")
    await client.undo(done["list_id"])
    assert [status for status, _ in _statuses(desk, campaign_id)] == ["do_not_call", "do_not_call", "pending"]
    assert desk.row("SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL") == {"n": 2}
    assert [c.status for c in desk.contacts(desk.draft([NUMBER, OTHER]))] == [DO_NOT_CALL, DO_NOT_CALL]


async def test_one_entry_of_a_list_can_be_lifted_alone(client: Client, desk: "Desk") -> None:
    campaign_id = desk.draft([NUMBER, OTHER])
    done = await client.upload(f"number\n{NUMBER}\n{OTHER}\n")
    page = (await client("GET", "/v1/suppressions", params={"number": NUMBER, "list_id": done["list_id"]})).json()
    (entry,) = page["items"]
    assert (entry["list"], entry["source"]) == ("own", "list")
    answer = await client("DELETE", f"/v1/suppressions/{entry['id']}", params={"reason": "a mistake"})
    assert answer.status_code == 204
    assert [status for status, _ in _statuses(desk, campaign_id)] == ["pending", "do_not_call"]
    (gone,) = (await client("GET", "/v1/suppressions", params={"lifted": True})).json()["items"]
    assert (gone["id"], gone["number"]) == (entry["id"], None)
    assert (gone["lifted_by"], gone["lift_reason"]) == ("ada", "a mistake")


async def test_a_list_goes_on_after_a_restart_and_puts_nothing_on_twice(
    client: Client, desk: "Desk", worker: ListWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [f"+4930231{index:05d}" for index in range(2500)]
    answer = await client.send(("number\n" + "\n".join(numbers) + "\n").encode())
    stops = iter([False, True])  # the process ends after the first chunk
    worker.turn(lambda: next(stops))
    half = await client.list(answer.json()["list_id"])
    assert (half["state"], half["accepted"], half["fresh"]) == ("running", 1000, False)
    while worker.turn():
        pass
    done = await client.list(half["list_id"])
    assert (done["state"], done["accepted"], done["duplicate"]) == ("completed", 2500, 0)
    assert sum(isinstance(fact, NumberSuppressed) for fact in desk.facts()) == 2500
    undone = await client.undo(half["list_id"])
    assert undone["state"] == "undone"
    assert desk.row("SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL OR number IS NOT NULL") == {"n": 0}


async def test_a_list_that_is_undone_while_it_is_read_stops_and_leaves_nothing(
    client: Client, desk: "Desk", worker: ListWorker, tmp_path: Path
) -> None:
    numbers = [f"+4930231{index:05d}" for index in range(1500)]
    list_id = (await client.send(("number\n" + "\n".join(numbers)).encode())).json()["list_id"]
    stops = iter([False, True])
    worker.turn(lambda: next(stops))
    undone = await client.undo(list_id)
    assert (undone["state"], undone["accepted"]) == ("undone", 1000)
    assert desk.row("SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL") == {"n": 0}
    assert list(lists_folder(tmp_path).iterdir()) == []
    again = await client("DELETE", f"/v1/suppression-lists/{list_id}")
    assert (again.status_code, again.json()["state"]) == (202, "undone")


async def test_a_list_whose_file_is_gone_fails_and_says_so(client: Client, worker: ListWorker, tmp_path: Path) -> None:
    list_id = (await client.send(b"number\n+493023111111\n")).json()["list_id"]
    (lists_folder(tmp_path) / f"{list_id}.csv").unlink()
    while worker.turn():
        pass
    found = await client.list(list_id)
    assert (found["state"], found["error_code"], found["fresh"]) == ("failed", "spool_missing", False)


async def test_a_list_of_one_campaign_with_an_end_stops_that_one_until_then(client: Client, desk: "Desk") -> None:
    mine, other = desk.running([NUMBER, OTHER]), desk.running([NUMBER])
    soon = (desk.now() + timedelta(hours=1)).isoformat()
    await client.upload(f"number\n{NUMBER}\n", campaign_id=str(mine), expires_at=soon)
    assert _statuses(desk, mine)[0] == ("do_not_call", "list")
    assert _ask(desk, other) == "granted"
    desk.do(lambda tx: tx.cursor.execute("UPDATE suppressions SET expires_at = now()"))
    desk.pause(mine)
    assert _statuses(desk, mine)[0] == ("do_not_call", "list"), "what it has become, it stays"


async def test_the_same_upload_under_its_key_is_answered_again_and_leaves_no_file(
    client: Client, desk: "Desk", tmp_path: Path
) -> None:
    headers = {"Idempotency-Key": "monday"}
    first, again = [await client.send(f"number\n{NUMBER}\n".encode(), headers=dict(headers)) for _ in range(2)]
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json() == again.json()
    assert len(list(lists_folder(tmp_path).iterdir())) == 1
    assert desk.row("SELECT count(*) AS n FROM suppression_lists") == {"n": 1}


@pytest.mark.parametrize(
    ("params", "status", "code", "field"),
    [
        ({"name": ""}, 422, "invalid_request", "name"),
        ({"name": "two words"}, 422, "invalid_request", "name"),
        ({"max_age_days": 31}, 422, "invalid_request", "list_date"),
        ({"max_age_days": 0, "list_date": "2026-01-01"}, 422, "invalid_request", "max_age_days"),
        ({"max_age_days": 367, "list_date": "2026-01-01"}, 422, "invalid_request", "max_age_days"),
        ({"list_date": "2999-01-01"}, 422, "invalid_request", "list_date"),
        ({"list_date": "yesterday"}, 422, "invalid_request", "list_date"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "invalid_request", "expires_at"),
        ({"default_country": "ZZ"}, 422, "invalid_request", "default_country"),
        ({"phone_column": "fax"}, 422, None, ""),
        ({"campaign_id": str(UUID(int=404))}, 404, "unknown_campaign", ""),
        ({"headers": {"Content-Type": "application/json"}}, 415, "wrong_content_type", ""),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_an_upload_that_makes_no_sense_is_refused_and_leaves_no_trace(
    client: Client, desk: "Desk", tmp_path: Path, params: dict[str, Any], status: int, code: str | None, field: str
) -> None:
    answer = await client.send(f"number\n{NUMBER}\n".encode(), **params)
    assert answer.status_code == status, answer.text
    if code is not None:
        assert _problem(answer) == (status, code, field)
    assert desk.rows("SELECT 1 FROM suppression_lists") == []
    assert list(lists_folder(tmp_path).iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"name\nAda\n", b"number\n", b"PK\x03\x04zip", b"phone,mobile\n1,2\n"])
async def test_a_file_that_is_no_list_is_refused_whole(client: Client, desk: "Desk", content: bytes) -> None:
    answer = await client.send(content)
    assert answer.status_code == 422, answer.text
    assert desk.rows("SELECT 1 FROM suppression_lists") == []


# --- lists that must be fresh ---------------------------------------------------------------------------------


async def test_a_campaign_that_needs_a_list_is_dialled_while_the_list_is_fresh(client: Client, desk: "Desk") -> None:
    needing, other = desk.running([NUMBER], required_lists=["us-dnc"]), desk.running([OTHER])
    assert (_ask(desk, needing), _ask(desk, other)) == ("temporary:stale_list", "granted")
    (refused,) = desk.permits(desk.ask_for(desk.contact(needing)))
    assert isinstance(refused, NotGranted)
    assert refused.ask_again_at is not None
    today = desk.now().astimezone(UTC).date()
    values = {"name": "us-dnc", "max_age_days": 31}
    old = await client.upload(f"number\n{THIRD}\n", list_date=str(today - timedelta(days=32)), **values)
    assert (old["fresh"], old["fresh_through"]) == (False, str(today - timedelta(days=1)))
    assert _ask(desk, needing) == "temporary:stale_list"
    fresh = await client.upload(f"number\n{THIRD}\n", list_date=str(today - timedelta(days=31)), **values)
    assert (fresh["fresh"], fresh["fresh_through"]) == (True, str(today))
    await client.undo(fresh["list_id"])
    assert _ask(desk, needing) == "temporary:stale_list"
    await client.upload(f"number\n{THIRD}\n", list_date=str(today), **values)
    assert _ask(desk, needing) == "granted"


async def test_a_list_of_another_workspace_or_half_read_opens_nothing(
    client: Client, desk: "Desk", worker: ListWorker
) -> None:
    campaign_id = desk.running([NUMBER], required_lists=["own"])
    mine, desk.workspace = desk.workspace, uuid4()
    await client.upload(f"number\n{THIRD}\n")
    desk.workspace = mine
    assert _ask(desk, campaign_id) == "temporary:stale_list"
    await client.send(f"number\n{THIRD}\n".encode())
    assert _ask(desk, campaign_id) == "temporary:stale_list"
    while worker.turn():
        pass
    assert _ask(desk, campaign_id) == "granted"


async def test_a_listed_number_becomes_do_not_call_for_that_reason_in_the_permit(desk: "Desk") -> None:
    """An entry that ended and was uploaded anew while nobody looked, say."""
    campaign_id = desk.running([NUMBER, OTHER])
    desk.do(
        lambda tx: tx.cursor.execute(
            "INSERT INTO suppressions (suppression_id, workspace, number, number_hash, source, created_at)"
            " VALUES (gen_random_uuid(), %s, %s, 'h', 'list', now())",
            (desk.workspace, NUMBER),
        )
    )
    assert _ask(desk, campaign_id) == "permanent:suppressed"
    assert _statuses(desk, campaign_id)[0] == ("do_not_call", "list")


# --- reading --------------------------------------------------------------------------------------------------


async def test_the_export_is_streamed_whole_safe_in_a_spreadsheet_and_readable_again(
    client: Client, desk: "Desk", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign_command.suppressions_api.EXPORT_PAGE", 2)
    await client("POST", "/v1/suppressions", json={"numbers": [NUMBER], "reason": "=HYPERLINK(1)"})
    await client("POST", "/v1/suppressions", json={"numbers": ["+1900*"]})
    await client.upload(f"number\n{OTHER}\n{THIRD}\n")
    lifted = _suppress(desk, "+493023111119")["+493023111119"]
    desk.do(lambda tx: lift(tx, lifted, workspace=desk.workspace, now=desk.now(), reason=None))
    answer = await client("GET", "/v1/suppressions/export.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbfnumber,")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["number"] for row in rows][:2] == [NUMBER, "'+1900*"]
    assert {row["number"] for row in rows} == {NUMBER, "'+1900*", OTHER, THIRD}
    assert rows[0]["reason"] == "'=HYPERLINK(1)"
    assert {row["list"] for row in rows if row["source"] == "list"} == {"own"}
    mine, desk.workspace = desk.workspace, uuid4()
    again = await client.upload(answer.content)
    assert (again["accepted"], again["rejected_by_reason"]) == (3, {"wildcard": 1})
    desk.workspace = mine
    refused = await client("GET", "/v1/suppressions/export.csv", role="viewer")
    assert refused.status_code == 403


async def test_the_entries_that_name_a_number_are_found_wildcards_and_hashes_among_them(
    client: Client, desk: "Desk"
) -> None:
    number = "+14155550171"
    entries = _suppress(desk, number, OTHER, wildcards=["+1900", "+1415"])
    await client.upload(f"number\n{number}\n")

    async def found(**params: Any) -> list[str]:
        page = (await client("GET", "/v1/suppressions", params={"number": number} | params)).json()
        assert page["total"] == len(page["items"])
        return sorted(str(entry["number"]) for entry in page["items"])

    assert await found() == ["+1415*", number, number]
    assert await found(source="list") == [number]
    forgotten = "UPDATE suppressions SET number = NULL WHERE suppression_id = %s"
    desk.do(lambda tx: tx.cursor.execute(forgotten, (entries[number],)))
    assert await found() == ["+1415*", number, "None"]
    assert _problem(await client("GET", "/v1/suppressions", params={"number": "12"})) == (
        422,
        "invalid_request",
        "number",
    )


async def test_lists_are_shown_the_newest_first_by_name(client: Client) -> None:
    for name in ("us-dnc", "own", "us-dnc"):
        await client.upload(f"number\n{NUMBER}\n", name=name)
    page = (await client("GET", "/v1/suppression-lists", params={"limit": 2})).json()
    assert ([item["name"] for item in page["items"]], page["total"]) == (["us-dnc", "own"], 3)
    rest = (await client("GET", "/v1/suppression-lists", params={"cursor": page["next_cursor"]})).json()
    assert ([item["name"] for item in rest["items"]], rest["next_cursor"]) == (["us-dnc"], None)
    assert (await client("GET", "/v1/suppression-lists", params={"name": "own"})).json()["total"] == 1


# --- before the next dial, whatever else ----------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [Outcome.MACHINE, Outcome.NO_ANSWER, Outcome.CARRIER_ERROR, Outcome.HUMAN])
def test_do_not_call_is_heard_whatever_outcome_the_call_had(desk: "Desk", outcome: Outcome) -> None:
    campaign_id, waiting = desk.running([NUMBER, OTHER]), desk.running([NUMBER, OTHER])
    ask = desk.granted(desk.contact(campaign_id))
    desk.report(desk.ended(ask, outcome, conversation=Conversation.DO_NOT_CALL))
    assert _statuses(desk, campaign_id)[0] == ("do_not_call", "asked")
    assert _statuses(desk, waiting)[0] == ("do_not_call", "asked")


def test_a_call_nobody_reported_to_a_number_under_a_wildcard_ends_as_do_not_call(desk: "Desk") -> None:
    campaign_id = desk.running([PREMIUM[0], PREMIUM[2]])
    desk.granted(desk.contact(campaign_id))
    _suppress(desk, wildcards=["+1900"])
    assert desk.contact(campaign_id).status == "in_progress", "a live call ends naturally"
    desk.do(lambda tx: tx.cursor.execute("UPDATE live_calls SET deadline_at = now()"))
    desk.do(settle_overdue)
    assert desk.contact(campaign_id).status is DO_NOT_CALL


def test_all_who_wait_with_a_number_become_do_not_call_with_one_batch_of_facts(desk: "Desk") -> None:
    campaigns = [desk.running([NUMBER, OTHER]) for _ in range(3)] + [desk.draft([NUMBER])]
    before = desk.log()[-1][0]
    _suppress(desk, NUMBER)
    facts = desk.facts(after=before)
    assert [type(fact) for fact in facts] == [NumberSuppressed, *[ContactStatusChanged] * 4]
    assert len({fact.at for fact in facts}) == 1
    assert all(desk.contact(campaign_id).status is DO_NOT_CALL for campaign_id in campaigns)
