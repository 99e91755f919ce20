"""A backup of campaign-command's database is restored in mid-campaign, as docs/operations.md says, on a real system."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from campaign_events.settings import ContactStatus
from local_stack import checks
from local_stack.postgres import createdb, dropdb, programs
from tests.e2e.conftest import System
from tests.e2e.test_story import FICTION

TOOLS = programs()
COMMAND, PROJECTOR, DIALER, WEBHOOKS = "campaign-command", "analytics-projector", "dialer", "webhooks"
# Goal met, no answer, busy, machine: one attempt each, whatever it brings.
CALLED = [f"{prefix}{end}" for prefix in FICTION for end in ("9900", "9920", "9930", "9910")]


PUBLISHED = "SELECT published = (SELECT max(notification_id) FROM campaign_command_events) FROM relay"


def tool(name: str, *words: str) -> None:
    subprocess.run([str(TOOLS / name), *words], check=True, capture_output=True, timeout=120)


def run(system: System, service: str, *words: str) -> tuple[int, str]:
    """`python -m <service> …` with the variables it has in the stack: exit code, and what it said."""
    stack = system.stack
    environment = stack._environment(stack._find(service, 0)) | {"LOG_FORMAT": "json"}
    package = service.replace("-", "_")
    done = subprocess.run(
        [sys.executable, "-m", package, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def eventually(what: Callable[[], Any], *, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


def rung(system: System) -> Counter[str]:
    """How often each phone rang, by the carrier's own ledger."""
    return Counter(entry["to"] for entry in system.ledger() if entry.get("direction") != "inbound")


def one(dsn: str, query: str) -> Any:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_a_restored_database_goes_on_as_a_new_log_and_nobody_is_rung_twice(
    start_system: Callable[..., System], tmp_path: Path
) -> None:
    system = start_system(restart=False)
    stack = system.stack
    commands, calls = stack.databases[COMMAND], stack.databases[DIALER]
    slow = {"max_simultaneous_calls": 4, "calls_per_second": 4, "max_attempts": 1}
    campaign_id = system.create(limits=slow)
    contacts = system.add(campaign_id, CALLED)
    system.order(campaign_id, "start")

    for service, words in ((COMMAND, ("new-log", "--delete-topics")), (DIALER, ("new-log",))):
        code, said = run(system, service, *words)
        assert code == 1
        assert "running" in said

    # The backup, in mid-campaign; then life goes on: calls end, somebody is put on the do-not-call list.
    eventually(lambda: one(calls, "SELECT count(*) >= 4 FROM calls WHERE state = 'settled'"))
    dump = tmp_path / "campaign_command.dump"
    tool("pg_dump", "--format=custom", f"--file={dump}", commands)
    at_backup = len(rung(system))
    system.order(campaign_id, "pause")
    last = next(number for number in CALLED if number not in rung(system))
    system.command("POST", "/v1/suppressions", json={"numbers": [last]}, expect=201)
    system.order(campaign_id, "resume")
    eventually(lambda: len(rung(system)) >= at_backup + 4)

    # Calls in progress end, and the dialer tells of them; nothing new is permitted, since nobody permits.
    stack.stop_service(COMMAND)
    eventually(lambda: one(calls, "SELECT count(*) = 0 FROM calls WHERE state NOT IN ('settled')"))
    eventually(lambda: one(calls, "SELECT position = (SELECT max(position) FROM outbox) FROM relay"))
    before = rung(system)
    for service in (DIALER, PROJECTOR, WEBHOOKS):
        stack.stop_service(service)

    # Restored, it is another log.
    old_log = one(commands, "SELECT log FROM log")
    name = urlsplit(commands).path.removeprefix("/")
    dropdb(stack.servers.postgres_dsn, name)
    createdb(stack.servers.postgres_dsn, name)
    tool("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={commands}", str(dump))
    code, said = run(system, COMMAND, "new-log")
    assert code == 1
    assert "--delete-topics" in said
    code, said = run(system, COMMAND, "new-log", "--delete-topics")
    assert code == 0, said
    lines = {line["event"]: line for line in map(json.loads, said.splitlines())}
    found, taken = lines["entered_since_the_backup"], lines["log_taken_up"]
    assert (found["campaigns_paused"], found["opt_outs_entered"]) == (1, 1)
    assert (found["lost"]["NumberSuppressed"], found["lost"]["CampaignPaused"]) == (1, 1)
    assert found["lost"]["ContactStatusChanged"] > 0
    assert one(commands, "SELECT log FROM log") != old_log
    stack.start_service(COMMAND)
    stack.wait_until_ready()
    eventually(lambda: one(commands, PUBLISHED))
    assert run(system, DIALER, "new-log")[0] == 0
    assert run(system, WEBHOOKS, "new-log")[0] == 0

    # A reader of the old log refuses the new one, until it is rebuilt.
    stack.start_service(PROJECTOR)
    eventually(lambda: stack.pid(PROJECTOR) is None)
    assert "UnknownLog" in stack.logs(PROJECTOR).read_text()
    code, said = run(system, PROJECTOR, "rebuild")
    assert code == 0, said
    for service in (PROJECTOR, DIALER, WEBHOOKS):
        stack.start_service(service)
    stack.wait_until_ready()

    # Whoever was called since the backup is known, and nothing is dialled before somebody has looked.
    view = system.wait(campaign_id, lambda view: view["status"] == "paused")
    assert view["figures"]["placed"] == sum(before.values())
    assert rung(system) == before
    assert {number: contact["attempt"] for number, contact in system.contacts(campaign_id).items()} == {
        number: before[number] for number in CALLED
    }
    system.order(campaign_id, "resume")
    view = system.wait(campaign_id, lambda view: view["status"] == "completed")

    assert set(rung(system).values()) == {1}, "one attempt each, before or after"
    assert set(rung(system)) == set(CALLED) - {last}
    assert system.contacts(campaign_id)[last]["status"] == ContactStatus.DO_NOT_CALL
    assert system.contacts(campaign_id)[last]["contact_id"] == contacts[last]
    log = asyncio.run(checks.read_log(stack.servers.kafka_bootstrap, topic_prefix=stack.options.topic_prefix))
    analytics = system.read(f"/v1/campaigns/{campaign_id}/analytics")
    assert {str(event.log) for event in log} == {taken["log_id"]}
    assert checks.read_model_equals_log(log, view, analytics) == []
    assert checks.each_call_once(system.ledger()) == []
    assert system.problems(campaign_id)["history"] == []
    for service in (PROJECTOR, DIALER, WEBHOOKS, COMMAND):
        assert stack.pid(service) is not None
