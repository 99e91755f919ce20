"""Contact files against a real database, through the API: nothing lost, nothing doubled, nothing half done."""

import asyncio
import csv
import gzip
import io
import json
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import psycopg
import pytest

from campaign_command import import_chunks, import_parser, imports
from campaign_command.api import create_app
from campaign_command.gate import Gate
from campaign_command.imports import Importer
from campaign_command.settings import Settings
from campaign_command.silence import Silence
from campaign_command.store import Store, Transaction
from campaign_command.workers import Workers
from campaign_service.health import Health
from campaign_service.logs import configure_logs
from campaign_service.migrations import read_migrations
from campaign_service.tokens import Verifier

ROOT = Path(__file__).parent.parent.parent
MIGRATIONS = ROOT / "services" / "campaign-command" / "migrations"
CLEAN = (ROOT / "samples" / "contacts-1000.csv").read_bytes()
MESSY = ROOT / "tests" / "data" / "messy"
SECRET = "0123456789abcdef0123456789abcdef"
LOG = configure_logs("test", level="error", log_format="json")


class Service:
    """The API and the importer over one database, as one client of one workspace sees them."""

    def __init__(self, dsn: str, spool: Path, *, max_import_bytes: int = 10_000_000) -> None:
        self.dsn, self.spool = dsn, spool
        self.settings = Settings(
            database_dsn=dsn,
            kafka_bootstrap="unused:1",
            jwt_secret=SECRET,
            permit_secret="permit-secret-0123456789",
            hash_key="hash-key-0123456789",
            spool_dir=spool,
            max_import_bytes=max_import_bytes,
        )
        self.store = Store(dsn, pool_size=8, hash_key=self.settings.hash_key.get_secret_value())
        self.workers = Workers("test-commands", threads=2)
        app = create_app(Health())  # the upload counts its own bytes
        app.state.settings, app.state.store, app.state.commands = self.settings, self.store, self.workers
        app.state.gate = Gate(self.store, self.workers)
        app.state.silence = Silence(self.store, self.workers, place_timeout_seconds=0.1)
        app.state.verifier = Verifier(secret=SECRET)
        self.workspace = uuid4()
        transport = httpx.ASGITransport(app=app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://test", headers=self.token("operator"))

    def token(self, role: str, workspace: UUID | None = None) -> dict[str, str]:
        claims = {"sub": "test", "workspace": str(workspace or self.workspace), "role": role, "exp": 2**33}
        return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}

    async def campaign(self, **settings: Any) -> str:
        answer = await self.http.post("/v1/campaigns", json={"name": "Spring", **settings})
        assert answer.status_code == 201, answer.text
        campaign_id: str = answer.json()["id"]
        return campaign_id

    async def upload(
        self,
        campaign_id: str,
        data: Any,
        *,
        content_type: str = "text/csv",
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        return await self.http.post(
            f"/v1/campaigns/{campaign_id}/imports",
            content=data,
            headers={"Content-Type": content_type, **(headers or {})},
            params=options,
        )

    @asynccontextmanager
    async def importing(self) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        loop = asyncio.create_task(Importer(self.store, settings=self.settings, log=LOG).run(stopping))
        try:
            yield
        finally:
            stopping.set()
            await loop

    async def done(self, import_id: str, *, state: str = "completed") -> dict[str, Any]:
        async with asyncio.timeout(30):
            while (found := (await self.http.get(f"/v1/imports/{import_id}")).json())["state"] != state:
                assert found["state"] in ("queued", "running"), found
                await asyncio.sleep(0.02)
        return dict(found)

    async def add(self, campaign_id: str, data: bytes, **options: Any) -> dict[str, Any]:
        answer = await self.upload(campaign_id, data, **options)
        assert answer.status_code == 202, answer.text
        async with self.importing():
            return await self.done(answer.json()["import_id"])

    async def rows(self, import_id: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = (await self.http.get(f"/v1/imports/{import_id}/rows", params={"limit": 200, **params})).json()
            found += page["items"]
            if page["next_cursor"] is None:
                assert len(found) == page["total"]
                return found
            params["cursor"] = page["next_cursor"]

    async def contacts(self, campaign_id: str, **params: Any) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/campaigns/{campaign_id}/contacts", params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query.encode()).fetchall()

    def spooled(self) -> list[str]:
        return sorted(path.name for path in self.spool.iterdir()) if self.spool.exists() else []

    async def close(self) -> None:
        await self.http.aclose()
        self.workers.close()
        self.store.close()


@pytest.fixture
async def service(database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Service]:
    dsn = database()
    with psycopg.connect(dsn, autocommit=True) as connection:
        for migration in read_migrations(MIGRATIONS):
            connection.execute(migration.sql.encode())
    made = Service(dsn, tmp_path / "spool")
    yield made
    await made.close()


async def test_a_clean_file_adds_each_of_its_contacts_and_the_same_file_again_none(service: Service) -> None:
    campaign = await service.campaign()
    first = await service.add(campaign, CLEAN)
    assert (first["accepted"], first["duplicate"], first["rejected"]) == (1000, 0, 0)
    assert (first["rows_done"], first["bytes_done"]) == (1000, first["bytes_total"])
    assert (await service.contacts(campaign))["total"] == 1000
    facts = service.sql("SELECT count(*) FROM campaign_command_events")
    again = await service.add(campaign, CLEAN)
    assert (again["accepted"], again["duplicate"], again["rejected"]) == (0, 1000, 0)
    rows = await service.rows(again["import_id"], result="duplicate")
    assert [row["line"] for row in rows] == list(range(2, 1002))
    assert all(row["of_contact"] and row["of_line"] is None for row in rows)
    assert service.sql("SELECT count(*) FROM campaign_command_events") == facts
    assert service.spooled() == []


async def test_a_bad_row_is_refused_with_its_line_and_the_good_ones_are_taken(service: Service) -> None:
    campaign = await service.campaign(default_country="GB")
    done = await service.add(campaign, (MESSY / "written-by-hand.csv").read_bytes())
    assert (done["accepted"], done["duplicate"], done["rejected"]) == (10, 2, 9)
    assert done["rejected_by_reason"]["letters"] == 1
    assert done["notes"] == {"normalized": 10}
    rows = {row["line"]: row for row in await service.rows(done["import_id"])}
    assert (rows[13]["result"], rows[13]["reason"]) == ("rejected", "letters")
    assert rows[13]["values"] == ["0800 FLOWERS", "Léa"]
    assert (rows[11]["result"], rows[11]["of_line"]) == ("duplicate", 2)
    assert [len(rows), min(rows), max(rows)] == [21, 2, 22]


@pytest.mark.parametrize(
    ("name", "code"),
    [("empty.csv", "empty_file"), ("spreadsheet.csv", "not_csv"), ("no-phone-column.csv", "no_phone_column")],
)
async def test_a_file_that_is_refused_whole_leaves_no_trace(service: Service, name: str, code: str) -> None:
    campaign = await service.campaign()
    answer = await service.upload(campaign, (MESSY / name).read_bytes())
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert service.sql("SELECT count(*) FROM imports") == [(0,)]
    assert service.spooled() == []


async def test_what_is_no_csv_or_too_large_is_not_taken(service: Service) -> None:
    campaign = await service.campaign()
    assert (await service.upload(campaign, CLEAN, content_type="application/json")).status_code == 415

    async def endless() -> AsyncIterator[bytes]:
        yield b"phone\n"
        for _ in range(11):
            yield b"+14155550171\n" * 80_000

    for body in (endless(), b"x" * 10_000_001):
        answer = await service.upload(campaign, body)
        assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert service.sql("SELECT count(*) FROM imports") == [(0,)]
    assert service.spooled() == []


async def test_a_connection_that_is_cut_adds_nothing(service: Service) -> None:
    campaign = await service.campaign()
    bodies = [{"type": "http.request", "body": CLEAN[:5000], "more_body": True}, {"type": "http.disconnect"}]
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/v1/campaigns/{campaign}/imports",
        "query_string": b"",
        "headers": [
            (b"content-type", b"text/csv"),
            (b"authorization", service.token("operator")["Authorization"].encode()),
        ],
    }

    async def receive() -> Any:
        return bodies.pop(0)

    async def send(_: Any) -> None:
        pass

    transport: Any = service.http._transport
    await transport.app(scope, receive, send)
    assert service.sql("SELECT state, accepted FROM imports") == [("interrupted", 0)]
    assert service.spooled() == []
    again = await service.add(campaign, CLEAN)
    assert (again["accepted"], again["duplicate"]) == (1000, 0)


async def test_an_import_that_dies_between_chunks_goes_on_and_loses_and_doubles_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    service.settings = service.settings.model_copy(update={"import_chunk_rows": 100})
    real = import_chunks.add_chunk
    lives = calls = 0
    campaign = await service.campaign()
    header, _, rows = CLEAN.partition(b"\n")
    # The second half repeats numbers of the first: what was read before a death must still be known after it.
    data = header + b"\n" + rows + rows
    import_id = (await service.upload(campaign, data)).json()["import_id"]

    def dies(tx: Any, *args: Any, **values: Any) -> import_chunks.Chunk | None:
        nonlocal calls
        calls += 1
        if calls == 3:  # its work is done, its commit is not
            real(tx, *args, **values)
            raise Killed
        return real(tx, *args, **values)

    monkeypatch.setattr(imports, "add_chunk", dies)
    while True:
        calls = 0
        lives += 1
        stopping = asyncio.Event()
        loop = asyncio.create_task(Importer(service.store, settings=service.settings, log=LOG).run(stopping))
        watch = asyncio.create_task(service.done(import_id))
        await asyncio.wait({loop, watch}, return_when=asyncio.FIRST_COMPLETED)
        stopping.set()
        if watch.done():
            await loop
            break
        watch.cancel()
        with pytest.raises(Killed):
            await loop
    assert lives == 10
    done = await service.done(import_id)
    assert (done["accepted"], done["duplicate"], done["rejected"]) == (1000, 1000, 0)
    found = await service.rows(import_id)
    assert [row["line"] for row in found] == list(range(2, 2002))
    assert all(row["of_line"] == row["line"] - 1000 for row in found[1000:])
    assert service.sql("SELECT count(*), count(DISTINCT number) FROM contacts") == [(1000, 1000)]
    chunks = "SELECT count(*) FROM campaign_command_events WHERE topic = 'ContactsAdded'"
    assert service.sql(chunks) == [(10,)]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_chunk_ends_where_somebody_waits_and_the_rest_comes_after_them(
    service: Service, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Awaitable[Any]], dry_run: bool
) -> None:
    campaign = await service.campaign()
    other = await service.campaign()
    header, _, rows = CLEAN.partition(b"\n")
    data = header + b"\n" + rows + rows[:5000]
    import_id = (await service.upload(campaign, data, dry_run=dry_run)).json()["import_id"]
    loop = asyncio.get_running_loop()
    commands: list[asyncio.Future[httpx.Response]] = []
    ends: list[int] = []
    takes = import_chunks._Work.take
    real = import_chunks.add_chunk

    def is_met_by_a_command(self: Any, piece: Any) -> None:
        takes(self, piece)
        if not commands:
            edit = service.http.patch(f"/v1/campaigns/{other}", json={"description": "x"})
            commands.append(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(edit, loop), loop=loop))
            deadline = time.monotonic() + 10
            while not self._tx.is_awaited():
                assert time.monotonic() < deadline

    def noting(tx: Any, import_id: Any, chunk: Any, **values: Any) -> import_chunks.Chunk | None:
        rest = real(tx, import_id, chunk, **values)
        assert rest is not None
        ends.append(len(rest.rows))
        return rest

    monkeypatch.setattr(import_chunks._Work, "take", is_met_by_a_command)
    monkeypatch.setattr(imports, "add_chunk", noting)
    async with service.importing():
        done = await service.done(import_id)
    assert (await commands[0]).status_code == 200
    assert ends[:2] == [1000 - import_chunks.PIECE_ROWS, 0]
    repeated = len((rows[:5000]).splitlines())
    assert (done["accepted"], done["duplicate"] + done["rejected"]) == (1000, repeated)
    found = await service.rows(import_id)
    assert [row["line"] for row in found] == list(range(2, 1002 + repeated))
    facts = "SELECT jsonb_array_length(convert_from(state, 'UTF8')::jsonb -> 'data' -> 'contact_ids')"
    sizes = service.sql(f"{facts} FROM campaign_command_events WHERE topic = 'ContactsAdded' ORDER BY notification_id")
    assert sizes == ([] if dry_run else [(import_chunks.PIECE_ROWS,), (1000 - import_chunks.PIECE_ROWS,)])


async def test_a_beginning_of_a_chunk_that_was_committed_unheard_is_not_added_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await service.campaign()
    import_id = (await service.upload(campaign, CLEAN)).json()["import_id"]
    real, calls = import_chunks.add_chunk, 0

    def is_unheard(tx: Any, import_id: Any, chunk: Any, **values: Any) -> import_chunks.Chunk | None:
        nonlocal calls
        calls += 1
        rest = real(tx, import_id, chunk, **values)
        return chunk if calls == 1 else rest  # the same once more, as after a connection lost at the commit

    monkeypatch.setattr(Transaction, "is_awaited", lambda self: calls == 1)
    monkeypatch.setattr(imports, "add_chunk", is_unheard)
    async with service.importing():
        done = await service.done(import_id)
    assert (done["accepted"], done["duplicate"], done["rows_done"], calls) == (1000, 0, 1000, 2)
    assert [row["line"] for row in await service.rows(import_id)] == list(range(2, 1002))


async def test_rows_are_read_page_by_page_in_the_order_of_the_file_whatever_became_of_them(service: Service) -> None:
    service.settings = service.settings.model_copy(update={"import_chunk_rows": 7})
    campaign = await service.campaign(default_country="US")
    lines = []
    for index in range(60):
        lines.append(f"+1415555{index:04d}\n" if index % 3 else f"(415) 555-{index:04d}\n")
        lines.append("x\n" if index % 5 == 0 else "")
        lines.append("+14155550001\n" if index % 4 == 3 else "")
    done = await service.add(campaign, ("phone\n" + "".join(lines)).encode())
    every = await service.rows(done["import_id"])
    assert [row["line"] for row in every] == list(range(2, 2 + done["rows_done"]))
    assert len({row["contact_id"] for row in every}) == 61
    for limit in (1, 6, 50):
        assert await service.rows(done["import_id"], limit=limit) == every
        for result in ("accepted", "duplicate", "rejected"):
            found = await service.rows(done["import_id"], limit=limit, result=result)
            assert found == [row for row in every if row["result"] == result]
            assert len(found) == done[result] > 0
    assert sum(row["note"] == "normalized" for row in every) == done["notes"]["normalized"] == 20


async def test_two_imports_into_one_campaign_both_finish(service: Service) -> None:
    campaign = await service.campaign()
    header, _, rows = CLEAN.partition(b"\n")
    lines = rows.splitlines(keepends=True)
    ids = []
    for part in (lines[:700], lines[300:]):
        ids.append((await service.upload(campaign, header + b"\n" + b"".join(part))).json()["import_id"])
    async with service.importing():
        both = [await service.done(import_id) for import_id in ids]
    assert sum(done["accepted"] for done in both) == 1000
    assert sum(done["duplicate"] for done in both) == 400
    assert (await service.contacts(campaign))["total"] == 1000


async def test_a_campaign_s_imports_are_listed_newest_first(service: Service) -> None:
    campaign = await service.campaign()
    ids = [(await service.upload(campaign, CLEAN)).json()["import_id"] for _ in range(3)]
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = (await service.http.get(f"/v1/campaigns/{campaign}/imports", params=params)).json()
        assert page["total"] == 3
        seen += [item["import_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == ids[::-1]
    assert (await service.http.get(f"/v1/campaigns/{uuid4()}/imports")).status_code == 404


async def test_a_cancelled_import_adds_nothing_more_and_its_file_goes(
    service: Service, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Awaitable[Any]]
) -> None:
    monkeypatch.setattr(imports, "SWEEP_SECONDS", 0.0)
    campaign = await service.campaign()
    import_id = (await service.upload(campaign, CLEAN)).json()["import_id"]
    start = await service.http.post(f"/v1/campaigns/{campaign}/start")
    assert (start.status_code, start.json()["code"]) == (409, "import_running")
    for _ in range(2):
        answer = await service.http.post(f"/v1/imports/{import_id}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    async with service.importing():
        await eventually(lambda: service.spooled() == [])
    assert (await service.contacts(campaign))["total"] == 0


async def test_only_a_draft_or_paused_campaign_takes_a_file(service: Service) -> None:
    campaign = await service.campaign(agent_id="agent", caller_numbers=["+14155550100"])
    await service.add(campaign, CLEAN)
    started = await service.http.post(f"/v1/campaigns/{campaign}/start")
    assert started.status_code == 200, started.text
    answer = await service.upload(campaign, CLEAN)
    assert answer.status_code == 409
    assert answer.json()["code"] == "campaign_not_editable"
    assert {"pause", "cancel"} <= set(answer.json()["allowed"])
    assert service.spooled() == []


async def test_another_workspace_sees_no_import(service: Service) -> None:
    campaign = await service.campaign()
    done = await service.add(campaign, b"phone\n+14155550171\nx\n")
    stranger = service.token("admin", uuid4())
    base = f"/v1/imports/{done['import_id']}"
    for path in (base, f"{base}/rows", f"{base}/errors.csv"):
        assert (await service.http.get(path, headers=stranger)).status_code == 404
    assert (await service.http.post(f"{base}/cancel", headers=stranger)).status_code == 404
    assert (await service.upload(campaign, CLEAN, headers=stranger)).status_code == 404
    assert (await service.http.get(f"/v1/campaigns/{campaign}/contacts", headers=stranger)).status_code == 404


async def test_the_file_of_refused_rows_is_safe_in_a_spreadsheet_and_can_be_imported_again(service: Service) -> None:
    campaign = await service.campaign()
    evil = b"phone,=cmd,name\n020 7946 0201,=1+1,-x\n+442079460211 / +442079460212,@a,'=b\n+999123456789,\tt,ok,extra\n"
    done = await service.add(campaign, evil)
    assert done["rejected"] == 3
    answer = await service.http.get(f"/v1/imports/{done['import_id']}/errors.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    cells = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row[:2] for row in cells] == [
        ["error_line", "error_reason"],
        ["2", "no_country"],
        ["3", "several_numbers"],
        ["4", "extra_fields"],
    ]
    assert cells[3][2] == "+999123456789"
    assert not [cell for row in cells for cell in row if cell[:1] in ("=", "-", "@", "\t", "\r")]
    again = await service.add(campaign, answer.content, default_country="GB")
    assert (again["accepted"], again["rejected"]) == (1, 2)
    [contact] = (await service.contacts(campaign))["items"]
    assert (contact["number"], contact["variables"], contact["name"]) == ("+442079460201", {"=cmd": "=1+1"}, "-x")
    before, after = [await service.rows(one["import_id"], result="rejected") for one in (done, again)]
    assert [row["values"] for row in before[1:]] == [row["values"][2:] for row in after]


async def test_an_import_that_updates_gives_known_contacts_what_the_file_brings(service: Service) -> None:
    campaign = await service.campaign()
    await service.add(campaign, b"phone,name,email,plan\n+14155550171,Ada,a@example.com,trial\n+14155550172,Ben,,x\n")
    data = b"phone,name,email,plan,city,tz\n+14155550171,Ada L,,premium,Paris,Europe/Paris\n+14155550172,,,,,\n"
    done = await service.add(campaign, data, on_duplicate="update")
    assert (done["duplicate"], done["notes"]) == (2, {"updated": 2})
    ada, ben = (await service.contacts(campaign))["items"]
    assert (ada["name"], ada["email"], ada["variables"]) == (
        "Ada L",
        "a@example.com",
        {"plan": "premium", "city": "Paris"},
    )
    assert (ada["time_zones"], ada["zone_source"]) == (["Europe/Paris"], "contact")
    assert (ben["name"], ben["variables"], ben["zone_source"]) == ("Ben", {"plan": "x", "city": ""}, "number")
    [[zones]] = service.sql("SELECT count(*) FROM campaign_command_events WHERE topic = 'ContactTimeZonesChanged'")
    again = await service.add(campaign, data, on_duplicate="update")
    assert (again["duplicate"], again["notes"], zones) == (2, {}, 1)


async def test_a_dry_run_says_what_would_be_and_adds_nothing(service: Service) -> None:
    campaign = await service.campaign()
    await service.add(campaign, b"phone\n+14155550171\n")
    done = await service.add(campaign, b"phone\n+14155550171\n+14155550172\n+14155550172\nx\n", dry_run=True)
    rows = await service.rows(done["import_id"])
    assert [row["result"] for row in rows] == ["duplicate", "accepted", "duplicate", "rejected"]
    assert rows[0]["of_contact"] is not None
    assert rows[2]["of_line"] == 3
    assert (await service.contacts(campaign))["total"] == 1


async def test_the_same_upload_under_one_idempotency_key_is_one_import(service: Service) -> None:
    campaign = await service.campaign()
    key = {"Idempotency-Key": "list-1"}
    first = await service.upload(campaign, CLEAN, headers=key)
    again = await service.upload(campaign, CLEAN, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await service.upload(campaign, CLEAN + b"+14155550171\n", headers=key)).status_code == 422
    assert service.sql("SELECT count(*) FROM imports") == [(1,)]
    assert len(service.spooled()) == 1


async def test_a_suppressed_number_is_added_as_do_not_call(service: Service) -> None:
    campaign = await service.campaign()
    answer = await service.http.post(
        "/v1/suppressions", json={"numbers": ["+14155550171"]}, headers=service.token("admin")
    )
    assert answer.status_code in (200, 201), answer.text
    done = await service.add(campaign, b"phone\n+14155550171\n+14155550172\n")
    assert done["accepted"] == 2
    statuses = {item["number"]: item["status"] for item in (await service.contacts(campaign))["items"]}
    assert statuses == {"+14155550171": "do_not_call", "+14155550172": "pending"}


async def test_contacts_are_found_by_number_name_and_status_page_by_page(service: Service) -> None:
    campaign = await service.campaign()
    await service.add(campaign, CLEAN)
    seen, cursor = [], None
    while True:
        page = await service.contacts(campaign, limit=170, **({"cursor": cursor} if cursor else {}))
        seen += [item["number"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [row["phone_number"] for row in csv.DictReader(io.StringIO(CLEAN.decode()))]
    germans = await service.contacts(campaign, q="+49 30")
    assert germans["total"] == sum(number.startswith("+4930") for number in seen)
    for q, names in (("HAN", ("first_name", "last_name")), ("hana sa", ("first_name",))):
        found = (await service.contacts(campaign, q=q, limit=200))["items"]
        assert found
        assert all(any(item[name].lower().startswith(q.lower()[:3]) for name in names) for item in found)
    assert (await service.contacts(campaign, q="%"))["total"] == 0
    assert (await service.contacts(campaign, status="pending"))["total"] == 1000
    assert (await service.contacts(campaign, status="failed"))["total"] == 0


async def test_a_viewer_sees_no_number(service: Service) -> None:
    campaign = await service.campaign()
    done = await service.add(campaign, b"phone,name\n+14155550171,Ada\n+1415555017x,Ben\n")
    viewer = service.token("viewer")
    listed = await service.http.get(f"/v1/campaigns/{campaign}/contacts", headers=viewer)
    [contact] = listed.json()["items"]
    assert contact["number"] == "+141••••••71"
    one = await service.http.get(f"/v1/campaigns/{campaign}/contacts/{contact['contact_id']}", headers=viewer)
    assert one.json() == contact
    search = await service.http.get(f"/v1/campaigns/{campaign}/contacts", params={"q": "+1415"}, headers=viewer)
    assert search.status_code == 403
    rows = await service.http.get(f"/v1/imports/{done['import_id']}/rows", headers=viewer)
    assert [row["values"] for row in rows.json()["items"]] == [None, None]
    assert (await service.http.get(f"/v1/imports/{done['import_id']}/errors.csv", headers=viewer)).status_code == 403
    assert (await service.upload(campaign, CLEAN, headers=viewer)).status_code == 403


async def test_what_a_deleted_campaign_s_imports_kept_of_people_goes_with_it(
    service: Service, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Awaitable[Any]]
) -> None:
    monkeypatch.setattr(imports, "SWEEP_SECONDS", 0.0)
    campaign = await service.campaign()
    await service.add(campaign, b"phone\nx\n+14155550171\n")
    deleted = await service.http.delete(f"/v1/campaigns/{campaign}", params={"confirm": campaign})
    assert deleted.status_code == 200, deleted.text
    async with service.importing():
        await eventually(lambda: service.sql("SELECT count(*) FROM imports") == [(0,)])
    assert service.sql("SELECT count(*) FROM import_rows") == [(0,)]


async def test_gzip_is_taken_for_what_it_holds_and_counts_as_that(service: Service) -> None:
    campaign = await service.campaign()
    done = await service.add(campaign, gzip.compress(CLEAN), content_type="application/gzip")
    assert (done["accepted"], done["bytes_total"], done["bytes_done"]) == (1000, len(CLEAN), len(CLEAN))
    encoded = await service.upload(campaign, gzip.compress(CLEAN), headers={"Content-Encoding": "gzip"})
    assert encoded.status_code == 202, encoded.text
    bomb = gzip.compress(b"phone\n" + b"+14155550171\n" * 800_000)
    assert len(bomb) < 100_000
    for body, status, code in (
        (bomb, 413, "file_too_large"),
        (gzip.compress(CLEAN)[:-20], 422, "bad_gzip"),
        (gzip.compress(gzip.compress(CLEAN)), 422, "not_csv"),
    ):
        answer = await service.upload(campaign, body, content_type="application/gzip")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    zipped = await service.upload(campaign, CLEAN, headers={"Content-Encoding": "br"})
    assert (zipped.status_code, zipped.json()["code"]) == (415, "wrong_content_encoding")
    assert service.sql("SELECT count(*) FROM imports") == [(2,)]
    assert len(service.spooled()) == 1


async def test_a_mapping_says_what_each_column_is(service: Service) -> None:
    campaign = await service.campaign()
    data = b"Handy,phone,Kunde,Stadt,Intern\n+14155550171,+14155550172,K7,Paris,secret\n"
    mapping = {"Handy": "phone", "Kunde": "external_id", "Intern": "ignored"}
    await service.add(campaign, data, mapping=json.dumps(mapping))
    [contact] = (await service.contacts(campaign))["items"]
    assert (contact["number"], contact["external_id"]) == ("+14155550171", "K7")
    assert contact["variables"] == {"phone": "+14155550172", "Stadt": "Paris"}
    for wrong, code in (
        ("no json", "invalid_request"),
        ('["phone"]', "invalid_request"),
        ('{"Handy":"fax"}', "invalid_request"),
        ('{"Fax":"phone"}', "no_phone_column"),
        ('{"Fax":"email","Handy":"phone"}', "unknown_column"),
    ):
        answer = await service.upload(campaign, data, mapping=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.json()["columns"] == ["Handy", "phone", "Kunde", "Stadt", "Intern"]


async def test_a_preview_shows_the_first_rows_as_they_would_be_read_and_keeps_nothing(service: Service) -> None:
    campaign = await service.campaign(default_country="GB")
    await service.add(campaign, b"phone\n+442079460201\n")
    data = b"Mobil;name;Anruf\n020 7946 0201;Ada;x\n02079460202;Ben;y\n02079460202;Ben;y\n0800 FLOWERS;Chlo\xe9;\n"
    path = f"/v1/campaigns/{campaign}/imports/preview"
    csv_type = {"Content-Type": "text/csv"}

    async def look(body: bytes, **params: str) -> dict[str, Any]:
        answer = await service.http.post(path, content=body, headers=csv_type, params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    guessed = await look(data)
    assert (guessed["encoding"], guessed["delimiter"], guessed["warnings"]) == (
        "windows-1252",
        ";",
        ["encoding_guessed"],
    )
    assert guessed["problem"]["code"] == "no_phone_column"
    assert guessed["columns"][0] == {
        "name": "Mobil",
        "field": "variable",
        "confidence": 1.0,
        "by": "none",
        "numbers": 0.75,
    }
    told = await look(data, mapping='{"Mobil":"phone"}')
    assert told["problem"] is None
    assert told["mapping"] == {"Mobil": "phone", "name": "name", "Anruf": "variable"}
    answers = [(row["line"], row["result"], row["number"] or row["reason"]) for row in told["rows"]]
    assert answers == [
        (2, "duplicate", "+442079460201"),
        (3, "accepted", "+442079460202"),
        (4, "duplicate", "+442079460202"),
        (5, "rejected", "letters"),
    ]
    [known] = (await service.contacts(campaign))["items"]
    assert (told["rows"][0]["of_contact"], told["rows"][2]["of_line"]) == (known["contact_id"], 3)
    assert (told["rows"][1]["name"], told["rows"][1]["variables"]) == ("Ben", {"Anruf": "y"})
    long = await look(CLEAN * 20)  # more than is looked at
    assert (len(long["rows"]), long["problem"]) == (20, None)
    assert (await look(gzip.compress(CLEAN * 20)))["rows"] == long["rows"]
    assert service.sql("SELECT count(*) FROM imports") == [(1,)]
    assert service.spooled() == []
    viewer = service.token("viewer")
    assert (await service.http.post(path, content=data, headers=csv_type | viewer)).status_code == 403
    stranger = service.token("admin", uuid4())
    assert (await service.http.post(path, content=data, headers=csv_type | stranger)).status_code == 404
    binary = await service.http.post(path, content=b"PK\x03\x04", headers=csv_type)
    assert (binary.status_code, binary.json()["code"]) == (422, "not_csv")


async def test_a_dry_run_that_would_update_says_what(service: Service) -> None:
    campaign = await service.campaign()
    await service.add(campaign, b"phone,name,plan\n+14155550171,Ada,trial\n+14155550172,Ben,x\n")
    data = b"phone,name,plan,city,tz\n+14155550171,Ada L,premium,Paris,Europe/Paris\n+14155550172,Ben,x,,\n"
    before = (await service.contacts(campaign))["items"], service.sql("SELECT count(*) FROM campaign_command_events")
    dry = await service.add(campaign, data, on_duplicate="update", dry_run=True)
    after = (await service.contacts(campaign))["items"], service.sql("SELECT count(*) FROM campaign_command_events")
    assert before == after
    real = await service.add(campaign, data, on_duplicate="update")
    answers = [await service.rows(one["import_id"]) for one in (dry, real)]
    assert answers[0] == answers[1]
    changes = ["name", "time_zone", "variables.plan", "variables.city"]
    assert [row["changes"] for row in answers[0]] == [changes, ["variables.city"]]
    assert dry["notes"] == {"updated": 2}


async def test_the_progress_of_an_import_can_be_followed_and_its_end_is_estimated(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.settings = service.settings.model_copy(update={"import_chunk_rows": 100})
    campaign = await service.campaign()
    import_id = (await service.upload(campaign, CLEAN)).json()["import_id"]
    url = f"/v1/imports/{import_id}"
    waiting = (await service.http.get(url)).json()
    assert (waiting["state"], waiting["rows_per_second"], waiting["estimated_end_at"]) == ("queued", None, None)
    stopping = asyncio.Event()
    real = import_chunks.add_chunk

    def stops_after_three(tx: Any, import_id: Any, chunk: Any, **values: Any) -> import_chunks.Chunk | None:
        if chunk.line > 300:
            stopping.set()
        return real(tx, import_id, chunk, **values)

    monkeypatch.setattr(imports, "add_chunk", stops_after_three)
    await Importer(service.store, settings=service.settings, log=LOG).run(stopping)
    half = (await service.http.get(url)).json()
    assert (half["state"], half["rows_done"], half["accepted"]) == ("running", 300, 300) or half["rows_done"] == 400
    assert 0 < half["bytes_done"] <= half["bytes_total"]
    assert half["rows_per_second"] > 0
    assert half["estimated_end_at"] is not None
    async with service.importing():
        done = await service.done(import_id)
    assert (done["accepted"], done["estimated_end_at"]) == (1000, None)


async def test_cancelling_keeps_what_was_added_and_says_so(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.settings = service.settings.model_copy(update={"import_chunk_rows": 100})
    campaign = await service.campaign()
    import_id = (await service.upload(campaign, CLEAN)).json()["import_id"]
    real = import_chunks.add_chunk

    def is_cancelled_meanwhile(tx: Any, import_id: Any, chunk: Any, **values: Any) -> import_chunks.Chunk | None:
        if chunk.after > 400:
            imports.end_import(tx, import_id, "cancelled")
        return real(tx, import_id, chunk, **values)

    monkeypatch.setattr(imports, "add_chunk", is_cancelled_meanwhile)
    async with service.importing():
        found = await service.done(import_id, state="cancelled")
    assert (found["accepted"], found["rows_done"]) == (400, 400)
    assert (await service.contacts(campaign))["total"] == 400
    assert len(await service.rows(import_id)) == 400


async def test_whatever_a_cell_holds_is_what_the_contact_has(service: Service) -> None:
    campaign = await service.campaign()
    odd = ["tab\there", "line\nend", "back\\slash", "\\N", "\\.", 'quote"', "{}", "é\u00a0x", "a\rb"]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["phone", "name", "odd column"])
    writer.writerows([[f"+1415555{index:04d}", value, value] for index, value in enumerate(odd, start=100)])
    done = await service.add(campaign, text.getvalue().encode())
    assert done["accepted"] == len(odd), done
    contacts = (await service.contacts(campaign))["items"]
    assert [contact["name"] for contact in contacts] == odd
    assert [contact["variables"]["odd column"] for contact in contacts] == odd


async def test_a_large_file_is_parsed_in_a_process_of_its_own_to_the_same_answers(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, _, rows = CLEAN.partition(b"\n")
    data = header + b"\n" + rows + b"n/a\n" + rows[:5000]
    found = []
    for least in (1 << 30, 0):
        monkeypatch.setattr(import_parser, "WORTH_A_PROCESS_BYTES", least)
        campaign = await service.campaign()
        done = await service.add(campaign, data)
        answers = [{**row, "contact_id": None} for row in await service.rows(done["import_id"])]
        found.append((answers, [done[name] for name in ("accepted", "duplicate", "rejected", "bytes_done")]))
    assert found[0] == found[1]
    assert not multiprocessing.active_children()


async def test_an_import_whose_parser_is_killed_goes_on_with_another(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_parser, "WORTH_A_PROCESS_BYTES", 0)
    service.settings = service.settings.model_copy(update={"import_chunk_rows": 10})
    campaign = await service.campaign()
    import_id = (await service.upload(campaign, CLEAN)).json()["import_id"]
    real, killed = import_parser.ParserApart.next, 0

    def dies_once(self: import_parser.ParserApart) -> import_chunks.Chunk:
        nonlocal killed
        chunk = real(self)
        if not killed and chunk.after > 200:
            killed += 1
            self.process.kill()
        return chunk

    monkeypatch.setattr(import_parser.ParserApart, "next", dies_once)
    async with service.importing():
        done = await service.done(import_id)
    assert killed == 1
    assert (done["accepted"], done["duplicate"], done["rows_done"]) == (1000, 0, 1000)
