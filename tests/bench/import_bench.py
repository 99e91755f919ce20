"""`make bench-import`: a contact file into a campaign of a whole running system, against raw COPY of the same rows.

For each size, in one run: COPY of the parsed rows into the same table of another database; then the import over HTTP,
with 5 % duplicates and 1 % bad rows, while a campaign is paused and resumed, and memory is watched; then how long
dialer and projector lag behind, and how fast the contact list is. Exit code 1 when an aim is missed.
"""

import argparse
import json
import os
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import psutil  # type: ignore[import-untyped]
import psycopg

from campaign_command.contact_file import inspect_file, read_rows
from campaign_command.contact_rows import Candidate, read_contact
from campaign_command.contacts import DETAILS, NewContact
from campaign_command.csv_rows import Limits
from campaign_service.migrations import read_migrations
from local_stack.postgres import createdb, dropdb
from local_stack.processes import Options, Stack
from local_stack.servers import Servers, servers

MIGRATIONS = Path(__file__).parents[2] / "services" / "campaign-command" / "migrations"
MAX_RATIO, MAX_GROWTH, MAX_PAUSE, MAX_LAG_SECONDS, MAX_LIST_MS = 3.0, 1.1, 3.0, 10.0, 50.0
IDLE_PAUSES = 300
PAUSE_EVERY_SECONDS = 0.2
LIST_READS = 200
FIRST = (
    "Ada",
    "Ben",
    "Chloe",
    "Dilan",
    "Emma",
    "Farid",
    "Greta",
    "Hana",
    "Ivan",
    "Jule",
    "Kofi",
    "Lea",
    "Maja",
    "Noor",
)
LAST = (
    "Albrecht",
    "Brown",
    "Costa",
    "Dubois",
    "Evans",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ito",
    "Jansen",
    "Kaya",
    "Lopez",
)
_COPY = (
    "COPY contacts (contact_id, workspace, campaign_id, number, "
    + ", ".join(DETAILS)
    + ", variables, time_zones, zone_source, status) FROM STDIN"
)


def main() -> int:
    """Both sizes, then what was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--chunk-rows", type=int, default=None)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="calling-campaigns-bench-"))
    folder.chmod(0o711)
    try:
        with servers(state_folder=folder) as both:
            results = [run(both, folder, rows, chunk_rows=asked.chunk_rows) for rows in asked.rows]
    finally:
        shutil.rmtree(folder)
    missed = misses(results)
    print(json.dumps(results, indent=1))
    for miss in missed:
        print(f"missed: {miss}")
    return 1 if missed else 0


def run(both: Servers, folder: Path, rows: int, *, chunk_rows: int | None) -> dict[str, Any]:
    """One size."""
    say(f"{rows:,} rows: writing the file")
    path = folder / "contacts.csv"
    write_file(path, rows)
    rendered = folder / "rows.copy"
    unique = render_rows(path, rendered)
    result: dict[str, Any] = {"rows": rows, "bytes": path.stat().st_size, "load_before": os.getloadavg()[0]}
    result["copy_seconds"] = raw_copy(both, rendered)
    say(f"raw COPY of {unique:,} rows: {result['copy_seconds']:.1f} s")
    rendered.unlink()
    name = secrets.token_hex(3)
    environment = {"SPOOL_DIR": str(folder / f"spool-{name}")}
    if chunk_rows is not None:
        environment["IMPORT_CHUNK_ROWS"] = str(chunk_rows)
    options = Options(
        database_prefix=f"bench_{name}_", topic_prefix=f"bench-{name}-", env={"campaign-command": environment}
    )
    state = folder / f"state-{name}"
    state.mkdir(mode=0o711)
    stack = Stack(both, state_folder=state, options=options, report=say)
    with stack.running():
        result |= import_into(stack, path, unique)
    stack.drop_databases()
    result["ratio"] = round(result["import_seconds"] / result["copy_seconds"], 2)
    result["load_after"] = os.getloadavg()[0]
    say(f"import: {result['import_seconds']:.1f} s, ratio {result['ratio']}")
    return result


def import_into(stack: Stack, path: Path, unique: int) -> dict[str, Any]:
    """The import of the file at `path` into a new campaign, and all that is measured beside it."""
    url = stack.url("campaign-command")
    with httpx.Client(headers={"Authorization": f"Bearer {stack.token()}"}, timeout=120) as client:
        other = running_campaign(client, url)
        campaign = client.post(f"{url}/v1/campaigns", json=settings("The imported one")).raise_for_status().json()["id"]
        idle = [pause_seconds(client, url, other) for _ in range(IDLE_PAUSES)]
        busy: list[float] = []

        def pause() -> None:
            busy.append(pause_seconds(client, url, other))

        with watching_memory(stack) as memory, repeating(pause, every_seconds=PAUSE_EVERY_SECONDS):
            before = processor_seconds(stack)
            began = time.monotonic()
            with path.open("rb") as file:
                answer = client.post(
                    f"{url}/v1/campaigns/{campaign}/imports",
                    content=iter(lambda: file.read(1 << 20), b""),
                    headers={"Content-Type": "text/csv"},
                ).raise_for_status()
            uploaded = time.monotonic()
            import_id = answer.json()["import_id"]
            while True:
                found = client.get(f"{url}/v1/imports/{import_id}").raise_for_status().json()
                if found["state"] not in ("queued", "running"):
                    break
                time.sleep(0.25)
            ended = time.monotonic()
            assert found["state"] == "completed", found
            assert found["accepted"] == unique, found
            spent = processor_seconds(stack)
            lag = lag_seconds(stack, client, campaign, unique)
        reads = list_seconds(client, url, campaign)
    return {
        "upload_seconds": round(uploaded - began, 2),
        "import_seconds": round(ended - began, 2),
        "rows_per_second": round(found["rows_done"] / (ended - began)),
        **{name: found[name] for name in ("accepted", "duplicate", "rejected")},
        "peak_memory_mb": round(max(memory) / 2**20, 1),
        "pause_idle_p99_ms": milliseconds(idle),
        "pause_busy_p99_ms": milliseconds(busy),
        "pauses": [len(idle), len(busy)],
        "processor_seconds": {name: round(spent[name] - before[name], 1) for name in spent},
        "lag_seconds": {name: round(seconds, 1) for name, seconds in lag.items()},
        "list_p99_ms": {name: milliseconds(seconds) for name, seconds in reads.items()},
    }


# --- the file ------------------------------------------------------------------------------------------------


def write_file(path: Path, rows: int) -> None:
    """`rows` rows: 94 % good and new, 5 % repeat an earlier one, 1 % can't be read. The same each time."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("phone,first_name,last_name,email,external_id,plan,city\n")
        seen: list[str] = []
        for index in range(rows):
            kind = index % 100
            if kind == 99:
                number = chance.choice(("n/a", "+14155", "0800 FLOWERS", "1.41556E+10"))
            elif kind >= 94 and seen:
                number = chance.choice(seen)
            else:
                number = new_number(index)
                if kind % 7 == 0 and len(seen) < 50_000:
                    seen.append(number)
            who = f"{chance.choice(FIRST)}{index % 97},{chance.choice(LAST)}{index % 89}"
            file.write(f"{number},{who},p{index}@example.org,C{index},gold,Berlin\n")


def new_number(index: int) -> str:
    """The index-th of some countries' valid numbers, each once."""
    place, rest = divmod(index, 4)
    if rest == 0:
        return f"+1415{2_000_000 + place}"
    if rest == 1:
        return f"+4930{23_000_000 + place}"
    return f"+49151{10_000_000 + place}" if rest == 2 else f"+336{12_000_000 + place:08d}"


def render_rows(path: Path, rendered: Path) -> int:
    """The parsed rows as COPY takes them: all work but the database's is done before the clock starts."""
    limits, workspace, campaign = Limits(), uuid4(), uuid4()
    seen: set[str] = set()
    with path.open("rb") as file, rendered.open("w", encoding="utf-8") as out:
        layout = inspect_file(file, limits=limits)
        for row in read_rows(file, layout, limits=limits):
            read = read_contact(row, layout, default_country=None)
            if isinstance(read, Candidate) and read.contact.number not in seen:
                seen.add(read.contact.number)
                out.write(copy_line(read.contact, workspace, campaign))
    return len(seen)


def copy_line(contact: NewContact, workspace: UUID, campaign: UUID) -> str:
    """A row in COPY's text format; the file's values need no escapes."""
    details = [getattr(contact, name) or r"\N" for name in DETAILS]
    zones = "{" + ",".join(contact.time_zones) + "}"
    variables = orjson.dumps(dict(contact.variables)).decode()
    fields = [str(uuid4()), str(workspace), str(campaign), contact.number, *details, variables, zones]
    return "\t".join([*fields, contact.zone_source, "pending"]) + "\n"


def raw_copy(both: Servers, rendered: Path) -> float:
    """Seconds that one COPY takes into the empty table with its indexes."""
    name = f"bench_{secrets.token_hex(3)}_copy"
    dsn = createdb(both.postgres_dsn, name)
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for migration in read_migrations(MIGRATIONS):
                connection.execute(migration.sql.encode())
            began = time.monotonic()
            with rendered.open("rb") as file, connection.cursor().copy(_COPY.encode()) as copy:
                while block := file.read(1 << 18):
                    copy.write(block)
            return round(time.monotonic() - began, 2)
    finally:
        dropdb(both.postgres_dsn, name)


# --- what is measured ----------------------------------------------------------------------------------------


def settings(name: str) -> dict[str, Any]:
    """A campaign whose window is an hour a year at most, so that nothing is dialled."""
    return {
        "name": name,
        "agent_id": "agent-1",
        "caller_numbers": ["+493023125000"],
        "schedule": {"time_zone": "Europe/Berlin", "weekly": {"mon": [["03:00", "03:01"]]}},
    }


def running_campaign(client: httpx.Client, url: str) -> str:
    """A Running campaign with one contact."""
    campaign: str = client.post(f"{url}/v1/campaigns", json=settings("Beside")).raise_for_status().json()["id"]
    contact = {"contacts": [{"number": "+493023125433"}]}
    client.post(f"{url}/v1/campaigns/{campaign}/contacts", json=contact).raise_for_status()
    client.post(f"{url}/v1/campaigns/{campaign}/start").raise_for_status()
    return campaign


def pause_seconds(client: httpx.Client, url: str, campaign: str) -> float:
    """How long a Pause takes; the campaign runs again afterwards."""
    began = time.monotonic()
    client.post(f"{url}/v1/campaigns/{campaign}/pause").raise_for_status()
    seconds = time.monotonic() - began
    client.post(f"{url}/v1/campaigns/{campaign}/resume").raise_for_status()
    return seconds


@contextmanager
def repeating(work: Callable[[], None], *, every_seconds: float) -> Iterator[None]:
    """Do `work` again and again in a thread."""
    stopping = threading.Event()

    def loop() -> None:
        while not stopping.wait(every_seconds):
            work()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@contextmanager
def watching_memory(stack: Stack) -> Iterator[list[int]]:
    """The resident bytes of campaign-command and its children, again and again."""
    process = psutil.Process(stack.pid("campaign-command"))
    seen: list[int] = []

    def look() -> None:
        total = process.memory_info().rss
        for child in process.children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        seen.append(total)

    look()
    with repeating(look, every_seconds=0.25):
        yield seen


def processor_seconds(stack: Stack) -> dict[str, float]:
    """What each service has used of the processors, and what the whole machine has: others may be at work here."""
    used: dict[str, float] = {}
    for row in stack.rows():
        if row.pid is not None:
            times = psutil.Process(row.pid).cpu_times()
            used[row.name] = times.user + times.system + times.children_user + times.children_system
    whole = psutil.cpu_times()
    used["machine"] = sum(whole) - whole.idle - whole.iowait
    for server in stack.servers.own:
        if server.pid is not None:
            process = psutil.Process(server.pid)
            family = [process, *process.children(recursive=True)]
            used[server.name] = sum(sum(member.cpu_times()[:2]) for member in family)
    return used


def lag_seconds(stack: Stack, client: httpx.Client, campaign: str, contacts: int) -> dict[str, float]:
    """How long after the import's end dialer and projector have all contacts."""
    began, lag = time.monotonic(), dict[str, float]()
    reads = stack.url("analytics-projector")
    with psycopg.connect(stack.databases["dialer"], autocommit=True) as dialer:

        def queued() -> int:
            query = "SELECT count(*) FROM queue WHERE campaign_id = %s"
            row = dialer.execute(query.encode(), (campaign,)).fetchone()
            return int(row[0]) if row else 0

        def viewed() -> int:
            answer = client.get(f"{reads}/v1/campaigns/{campaign}")
            return int(answer.json()["contacts"]["total"]) if answer.status_code == 200 else 0

        for name, count in (("projector", viewed), ("dialer", queued)):
            while count() < contacts:
                assert time.monotonic() - began < 600, f"{name} does not keep up: {count()} of {contacts}"
                time.sleep(0.2)
            lag[name] = time.monotonic() - began
    return lag


def list_seconds(client: httpx.Client, url: str, campaign: str) -> dict[str, list[float]]:
    """How long each way to look at the contact list takes."""
    first = client.get(f"{url}/v1/campaigns/{campaign}/contacts").raise_for_status().json()
    ways: dict[str, list[dict[str, Any]]] = {
        "first_page": [{}],
        "next_page": [{"cursor": first["next_cursor"]}],
        "status": [{"status": "pending"}, {"status": "failed"}],
        "number": [{"q": "+4930"}, {"q": "+336120"}, {"q": first["items"][0]["number"]}],
        "name": [{"q": "ha"}, {"q": "Hana1"}, {"q": "Kofi5 ito"}, {"q": "x"}],
    }
    seconds: dict[str, list[float]] = {}
    for way, queries in ways.items():
        seconds[way] = []
        for turn in range(LIST_READS):
            began = time.monotonic()
            client.get(
                f"{url}/v1/campaigns/{campaign}/contacts", params=queries[turn % len(queries)]
            ).raise_for_status()
            seconds[way].append(time.monotonic() - began)
    return seconds


def misses(results: Sequence[dict[str, Any]]) -> list[str]:
    """The aims that were not reached."""
    small, large = results[0], results[-1]
    found = []
    if large["ratio"] > MAX_RATIO:
        found.append(f"the import takes {large['ratio']} x raw COPY; aim {MAX_RATIO}")
    if large["peak_memory_mb"] > MAX_GROWTH * small["peak_memory_mb"]:
        found.append(f"memory grows from {small['peak_memory_mb']} to {large['peak_memory_mb']} MB")
    for result in results:
        if result["pause_busy_p99_ms"] > MAX_PAUSE * result["pause_idle_p99_ms"]:
            found.append(f"Pause p99 {result['pause_busy_p99_ms']} ms; idle {result['pause_idle_p99_ms']} ms")
        found += [f"{n} lags {s} s" for n, s in result["lag_seconds"].items() if s > MAX_LAG_SECONDS]
        found += [f"contact list by {n}: p99 {ms} ms" for n, ms in result["list_p99_ms"].items() if ms > MAX_LIST_MS]
    return found


def milliseconds(seconds: Sequence[float]) -> float:
    """The 99th percentile."""
    return round(statistics.quantiles(seconds, n=100)[98] * 1000, 1)


def say(text: str) -> None:
    """Progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
