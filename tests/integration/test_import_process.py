"""Imports into the running service: what a kill, a cut connection and a person at a terminal make of them."""

import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from campaign_service.topic_admin import delete_topics
from local_stack import importing
from local_stack.importing import Wanted, import_file
from local_stack.processes import LOCAL_WORKSPACE, Options, Stack
from local_stack.servers import Servers
from local_stack.state import Record, StackError, locked, write_record

ROWS = 30_000
HEADER = "phone,first_name,last_name,email,plan\n"


class Running:
    """The services as processes, and one of campaign-command's clients."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        headers = {"Authorization": f"Bearer {stack.token(role='operator')}"}
        self.http = httpx.AsyncClient(base_url=stack.url("campaign-command"), headers=headers, timeout=30)

    async def campaign(self) -> str:
        settings = {
            "name": "Spring",
            "agent_id": "agent-1",
            "caller_numbers": ["+493023125000"],
            "schedule": {"time_zone": "Europe/Berlin", "weekly": {"mon": [["03:00", "03:01"]]}},
        }
        answer = await self.http.post("/v1/campaigns", json=settings)
        return str(answer.raise_for_status().json()["id"])

    async def found(self, import_id: str) -> dict[str, Any]:
        """The import, as soon as the service answers."""
        try:
            answer = await self.http.get(f"/v1/imports/{import_id}")
        except httpx.TransportError:
            return {"state": "unknown", "rows_done": 0}
        found: dict[str, Any] = answer.json() if answer.status_code == 200 else {"state": "unknown", "rows_done": 0}
        return found

    def spooled(self) -> list[Path]:
        return list((self.folder / "spool").glob("*.csv"))

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack.databases["campaign-command"]) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
async def running(servers: Servers) -> Any:
    name = secrets.token_hex(4)
    folder = Path(tempfile.mkdtemp(prefix="calling-campaigns-import-"))
    environment = {"SPOOL_DIR": str(folder / "spool"), "IMPORT_CHUNK_ROWS": "100"}
    options = Options(
        database_prefix=f"import_{name}_",
        topic_prefix=f"import-{name}-",
        env={"campaign-command": environment},
    )
    stack = Stack(servers, state_folder=folder, options=options, report=lambda line: None)
    try:
        with stack.running():
            made = Running(stack, folder)
            yield made
            await made.http.aclose()
    finally:
        stack.drop_databases()
        await delete_topics(servers.kafka_bootstrap, topic_prefix=f"import-{name}-")
        shutil.rmtree(folder)


def file_of(rows: int) -> bytes:
    """`rows` valid numbers, each once, then 100 of them again."""
    lines = [f"+4930{23_000_000 + n},Hana{n % 50},Sato,p{n}@example.org,{'gold' * 10}\n" for n in range(rows)]
    return (HEADER + "".join(lines + lines[:100])).encode()


async def test_an_import_survives_being_killed_again_and_again(
    running: Running, eventually: Callable[..., Awaitable[Any]]
) -> None:
    campaign = await running.campaign()
    body = file_of(ROWS)
    assert len(body) > 2 << 20, "large enough for a parser of its own"
    answer = await running.http.post(
        f"/v1/campaigns/{campaign}/imports", content=body, headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 202, answer.text
    import_id = answer.json()["import_id"]
    for kills in range(3):
        least = 2000 + kills * 6000

        async def has_come_so_far(least: int = least) -> bool:
            return bool((await running.found(import_id))["rows_done"] >= least)

        await eventually(has_come_so_far, within_seconds=60)
        running.stack.kill("campaign-command")

    async def is_over() -> Any:
        found = await running.found(import_id)
        return found if found["state"] not in ("unknown", "queued", "running") else None

    done = await eventually(is_over, within_seconds=120)
    assert running.stack.restarts("campaign-command") >= 3
    assert (done["state"], done["accepted"], done["duplicate"], done["rejected"]) == ("completed", ROWS, 100, 0)
    assert running.sql("SELECT count(*), count(DISTINCT number) FROM contacts") == [(ROWS, ROWS)]
    accepted = "SELECT unnest(lines) AS line, unnest(contact_ids) AS contact_id FROM import_accepted"
    of_contacts = f"SELECT import_line, count(*) FROM contacts JOIN ({accepted}) AS a USING (contact_id)"
    assert running.sql(f"{of_contacts} WHERE import_line <> a.line GROUP BY 1") == []
    lines = f"SELECT line FROM ({accepted}) AS a UNION ALL SELECT line FROM import_rows"
    assert running.sql(f"SELECT count(*), count(DISTINCT line), min(line), max(line) FROM ({lines}) AS every") == [
        (ROWS + 100, ROWS + 100, 2, ROWS + 101)
    ]
    assert running.sql("SELECT count(*) FROM import_rows WHERE result = 'duplicate' AND of_line = line - 30000") == [
        (100,)
    ]
    assert running.sql("SELECT contacts FROM contact_counts") == [(ROWS,)]
    added = "SELECT sum(jsonb_array_length(convert_from(state, 'UTF8')::jsonb -> 'data' -> 'contact_ids'))"
    assert running.sql(f"{added} FROM campaign_command_events WHERE topic = 'ContactsAdded'") == [(ROWS,)]


async def test_an_upload_that_is_cut_off_adds_nothing_and_is_sent_again_safely(
    running: Running, eventually: Callable[..., Awaitable[Any]]
) -> None:
    campaign = await running.campaign()
    body = file_of(2000)
    path = f"/v1/campaigns/{campaign}/imports"
    address = urlsplit(str(running.http.base_url))
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {address.hostname}",
        f"Content-Length: {len(body)}",
        "Content-Type: text/csv",
    ]
    head += [f"Authorization: {running.http.headers['Authorization']}", "Idempotency-Key: list-1", "", ""]
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall("\r\n".join(head).encode() + body[: len(body) // 2])
        await eventually(lambda: running.sql("SELECT state FROM imports") == [("uploading",)])

    await eventually(lambda: running.sql("SELECT state FROM imports") == [("interrupted",)])
    assert running.sql("SELECT count(*) FROM contacts") == [(0,)]
    assert running.spooled() == []
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "list-1"}
    again = [await running.http.post(path, content=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in again] == [202, 202]
    import_id = again[0].json()["import_id"]
    assert again[1].json()["import_id"] == import_id

    async def is_completed() -> Any:
        found = await running.found(import_id)
        return found if found["state"] == "completed" else None

    done = await eventually(is_completed, within_seconds=30)
    assert (done["accepted"], done["duplicate"]) == (2000, 100)
    assert running.sql("SELECT count(*) FROM contacts") == [(2000,)]


def error_files(folder: Path) -> list[Path]:
    """The files of rejected rows in a folder."""
    return sorted(folder.glob("my list-errors-*.csv"))


@pytest.fixture
def terminal(running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The folder of a stack that is up, seen from a shell in another folder."""
    monkeypatch.chdir(tmp_path)
    record = Record(
        runner_pid=os.getpid(),
        postgres_dsn="",
        kafka_bootstrap="",
        databases={},
        topic_prefix="",
        rows=running.stack.rows(),
    )
    with locked(running.folder):
        write_record(running.folder, record)
        yield running.folder


async def test_a_person_imports_from_a_shell_and_is_told_where_the_rejected_rows_are(
    running: Running,
    terminal: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "QUIET_SECONDS", 0.0)
    campaign = await running.campaign()
    file = tmp_path / "my list.csv"
    file.write_bytes(file_of(2000) + b"n/a,Bad,,,\n+1415,Short,,,\n")
    wanted = Wanted(file, campaign, LOCAL_WORKSPACE, {})
    import_file(terminal, replace(wanted, options={"dry_run": "true"}))
    said = capsys.readouterr().out
    assert "2,102 rows: 2,000 would be added, 100 duplicate, 2 rejected" in said
    import_file(terminal, wanted)
    said = capsys.readouterr().out
    assert "2,102 rows: 2,000 added, 100 duplicate, 2 rejected" in said
    assert "rows/s" in said
    assert "1  not_a_number" in said
    assert "accepted ·" in said
    errors = error_files(tmp_path)
    assert len(errors) == 2  # the dry run's too
    assert str(errors[0]) in said or str(errors[1]) in said
    assert errors[0].read_text(encoding="utf-8-sig").splitlines()[0].startswith("error_line,error_reason,phone")
    import_file(terminal, replace(wanted, campaign="spring"))  # by its name, once the list knows it
    assert "0 added, 2,100 duplicate, 2 rejected" in capsys.readouterr().out
    with pytest.raises(StackError, match="found: none"):
        import_file(terminal, replace(wanted, campaign="autumn"))


async def test_a_person_is_told_why_a_file_is_not_taken(running: Running, terminal: Path, tmp_path: Path) -> None:
    campaign = await running.campaign()
    file = tmp_path / "list.csv"
    wanted = Wanted(file, campaign, LOCAL_WORKSPACE, {})
    with pytest.raises(StackError, match="there is no file"):
        import_file(terminal, wanted)
    file.write_text("Handy,name\n+14155550171,Ada\n")
    with pytest.raises(StackError, match=r"map one to phone; columns found: Handy, name"):
        import_file(terminal, wanted)
    import_file(terminal, replace(wanted, options={"mapping": json.dumps({"Handy": "phone"})}))
    assert running.sql("SELECT count(*) FROM contacts") == [(1,)]
    started = await running.http.post(f"/v1/campaigns/{campaign}/start")
    assert started.status_code == 200, started.text
    with pytest.raises(StackError, match=r"\(allowed: .*pause.*\)"):
        import_file(terminal, replace(wanted, options={"mapping": json.dumps({"Handy": "phone"})}))
