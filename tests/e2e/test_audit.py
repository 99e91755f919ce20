"""A real run, looked at afterwards: rebuilds while it runs, the audit, what tampering shows, replay, export, import."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from campaign_command.seals import anchor, seal
from campaign_command.store import Store
from tests.e2e.conftest import System

EVENTS = "campaign_command_events"
ENDS = ("9900", "9901", "9902", "9904", "9910", "9920", "9921", "9930", "9950", "9970", "9971")
NUMBERS = [f"+331990{n}{end}" for n in range(6) for end in ENDS]


def tool(
    system: System, package: str, *words: str, database: str = "campaign-command"
) -> "subprocess.CompletedProcess[str]":
    """One of the services' commands on the system."""
    stack = system.stack
    env = {
        **os.environ,
        "LOG_FORMAT": "json",
        "DATABASE_DSN": stack.databases[database],
        "CALLS_DSN": stack.databases["dialer"],
        "KAFKA_BOOTSTRAP": stack.servers.kafka_bootstrap,
        "TOPIC_PREFIX": stack.options.topic_prefix,
    }
    return subprocess.run(
        [sys.executable, "-m", package, *words], env=env, capture_output=True, text=True, timeout=180, check=False
    )


def query(system: System, service: str, *statements: str) -> list[Any]:
    """Run statements on a service's database; the rows of the last."""
    with psycopg.connect(system.stack.databases[service], autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def audited(system: System, campaign_id: str) -> tuple[int, list[dict[str, Any]], set[str]]:
    """The auditor's exit code, what it printed, and the codes of its findings."""
    done = tool(system, "auditor", "--campaign", campaign_id, "--format", "jsonl")
    assert done.returncode in (0, 1), done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, printed, {one["code"] for one in printed if one["kind"] == "finding"}


def started(system: System, *, calls_per_second: int) -> str:
    """A campaign of some hundred calls that runs."""
    campaign_id = system.create(limits={"calls_per_second": calls_per_second})
    system.add(campaign_id, NUMBERS)
    system.order(campaign_id, "start")
    return campaign_id


def sealed(system: System) -> None:
    """Seal what there is without waiting a minute, and wait until the anchor is published."""
    store = Store(system.stack.databases["campaign-command"], pool_size=2, hash_key="")
    while seal(store, after=timedelta(0)):
        pass
    assert anchor(store, every=timedelta(0)) is not None
    store.close()
    deadline = time.monotonic() + 30
    waiting = f"SELECT published < (SELECT max(notification_id) FROM {EVENTS}) FROM relay"
    while query(system, "campaign-command", waiting) != [(False,)]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_both_rebuilds_while_a_campaign_runs_then_a_clean_audit_and_the_same_figures_elsewhere(
    start_system: Callable[..., System], tmp_path: Path
) -> None:
    system = start_system()
    campaign_id = started(system, calls_per_second=3)
    system.wait(campaign_id, lambda view: (view["contacts"]["total"] - view["contacts"]["pending"]) >= 10)
    # What the rebuilds have to put right: contacts that would be forgotten, and figures that are wrong.
    query(
        system,
        "dialer",
        "DELETE FROM queue WHERE contact_id IN (SELECT contact_id FROM queue WHERE status = 'pending' LIMIT 20)",
    )
    query(system, "analytics-projector", "UPDATE campaigns SET calls_placed = calls_placed + 500")
    for service, package in (("dialer", "dialer"), ("analytics-projector", "analytics_projector")):
        done = tool(system, package, "rebuild", database=service)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "rebuild_finished" in done.stdout
    code, _, found = audited(system, campaign_id)
    assert (code, found) == (0, set()), "a campaign that runs can be audited, too"
    assert system.read(f"/v1/campaigns/{campaign_id}")["status"] == "running", "all this while it ran"
    system.wait(campaign_id, lambda view: bool(view["status"] == "completed"))
    assert not any(system.problems(campaign_id).values())

    sealed(system)
    code, printed, found = audited(system, campaign_id)
    assert (code, found) == (0, set())
    calls = [one for one in printed if one["kind"] == "call"]
    history = system.calls(campaign_id)
    assert {one["call_id"] for one in calls} == {one["id"] for one in history}
    for one in calls:
        assert one["suppression"] == "clear"
        assert one["zone_source"] == "number"
        assert "closed" not in one["hours"]
        assert one["settings_version"] == 1
    assert printed[-1]["anchors"] == 1
    assert printed[-1]["sealed_up_to"] > 0
    words = tool(system, "auditor", "--campaign", campaign_id)
    assert words.returncode == 0
    assert "0 findings" in words.stdout
    assert "hours: Europe/Paris" in words.stdout
    assert "+33" not in words.stdout

    # The state in the middle, from the log alone.
    middle = calls[len(calls) // 2]["permitted_at"]
    lines = tool(
        system, "campaign_command", "replay", "--campaign", campaign_id, "--as-of", middle, "--format", "jsonl"
    )
    state = json.loads(lines.stdout.splitlines()[-1])["state"]
    assert state["status"] == "running"
    assert sum(state["contacts"].values()) == state["contacts_total"] == len(NUMBERS)
    assert 0 < state["placed"] < len(calls)

    # Into an empty system: the figures of the original.
    file = tmp_path / "log.jsonl"
    file.write_text(tool(system, "campaign_command", "export", "--campaign", campaign_id).stdout)
    other = start_system()
    done = tool(other, "campaign_command", "import-log", str(file))
    assert done.returncode == 0, done.stderr
    view = other.wait(campaign_id, lambda view: bool(view["status"] == "completed"))
    ours = system.read(f"/v1/campaigns/{campaign_id}")
    assert view == ours
    path = f"/v1/campaigns/{campaign_id}/analytics"
    assert other.read(path) == system.read(path)
    again = tool(other, "campaign_command", "import-log", str(file))
    assert again.returncode == 1
    assert "empty" in again.stderr


@dataclass(frozen=True)
class Tampering:
    """What somebody does to a database, how to undo it, and what the audit says."""

    service: str
    do: str
    codes: set[str]


SAVE = "DROP TABLE IF EXISTS saved; CREATE TABLE saved AS SELECT * FROM {table}"
RESTORE = "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved"
VICTIM = (
    f"(SELECT max(notification_id) FROM {EVENTS}"
    """ WHERE topic = 'ContactStatusChanged' AND state LIKE '%"status":"in_progress"%')"""
)
REWRITE = f"UPDATE {EVENTS} SET state = convert_to(replace(convert_from(state, 'UTF8'), {{was}}, {{now}}), 'UTF8')"
PLACED = "(SELECT id FROM calls WHERE outcome = 'human' ORDER BY created_at DESC LIMIT 1)"
TAMPERINGS = {
    "a fact is changed": Tampering(
        "campaign-command",
        REWRITE.format(was='\'"suppression":"clear"\'', now='\'"suppression":"clean"\'')
        + f" WHERE notification_id = {VICTIM}",
        {"seal_broken", "altered", "unreadable"},
    ),
    "an attempt is changed": Tampering(
        "campaign-command",
        REWRITE.format(was="'\"attempt\":'", now="'\"attempt\":1'") + f" WHERE notification_id = {VICTIM}",
        {"seal_broken", "altered"},
    ),
    "a fact is removed": Tampering(
        "campaign-command",
        f"DELETE FROM {EVENTS} WHERE notification_id = {VICTIM}",
        {"seal_broken", "not_stored", "stream_gap"},
    ),
    "a call is put off": Tampering(
        "dialer",
        f"UPDATE calls SET started_at = started_at + interval '1 hour' WHERE id = {PLACED}",
        {"after_permit_end"},
    ),
    "a call is taken out of the history": Tampering(
        "dialer", f"DELETE FROM calls WHERE id = {PLACED}", {"no_call_record"}
    ),
    "a call nobody permitted": Tampering(
        "dialer", f"UPDATE calls SET id = '{uuid4()}' WHERE id = {PLACED}", {"no_permit", "no_call_record"}
    ),
    "two calls to a number at once": Tampering(
        "dialer",
        "UPDATE calls SET number_hash = repeat('ab', 32), ended_at = started_at + interval '1 minute'"
        " WHERE started_at IS NOT NULL",
        {"two_live_calls", "over_simultaneous"},
    ),
}


def test_each_tampering_with_a_finished_campaign_is_found(start_system: Callable[..., System]) -> None:
    system = start_system()
    campaign_id = started(system, calls_per_second=20)
    system.wait(campaign_id, lambda view: bool(view["status"] == "completed"))
    sealed(system)
    assert audited(system, campaign_id)[0] == 0
    for name, tampering in TAMPERINGS.items():
        table = EVENTS if tampering.service == "campaign-command" else "calls"
        query(system, tampering.service, SAVE.format(table=table), tampering.do)
        code, _, found = audited(system, campaign_id)
        assert code == 1, name
        assert tampering.codes <= found, (name, found)
        query(system, tampering.service, RESTORE.format(table=table))
        assert query(system, tampering.service, f"SELECT count(*) FROM {table}") == query(
            system, tampering.service, "SELECT count(*) FROM saved"
        )
    # Whoever makes the whole chain anew is contradicted by the anchor that was published.
    query(
        system,
        "campaign-command",
        REWRITE.format(was="'\"attempt\":'", now="'\"attempt\":1'") + f" WHERE notification_id = {VICTIM}",
        "DELETE FROM seals",
    )
    store = Store(system.stack.databases["campaign-command"], pool_size=2, hash_key="")
    while seal(store, after=timedelta(0)):
        pass
    store.close()
    code, _, found = audited(system, campaign_id)
    assert code == 1
    assert "seal_broken" not in found
    assert {"altered", "anchor_contradicted"} <= found
    unknown = tool(system, "auditor", "--campaign", str(uuid4()))
    assert unknown.returncode == 2
    assert "there is no campaign" in unknown.stderr
