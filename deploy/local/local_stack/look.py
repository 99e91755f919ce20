"""Looks into the running stack from another shell: status, logs, psql, a topic's records."""

import asyncio
import base64
import json
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from local_stack import kafka
from local_stack.postgres import programs
from local_stack.processes import is_ready
from local_stack.services import GATEWAY_NAME
from local_stack.state import Record, Row, StackError, is_locked, read_record


def running(folder: Path) -> Record:
    """The record of the runner that is up; StackError when none is."""
    if not is_locked(folder):
        raise StackError("nothing is up: start it with `make up`")
    record = read_record(folder)
    if record is None:
        raise StackError("it is just starting, or ending: try again in a moment")
    return record


def status(folder: Path) -> None:
    """A line for each server and service."""
    record = running(folder)
    lines = [("NAME", "PID", "READY", "MEMORY", "RESTARTS", "ADDRESS")]
    lines += [
        (row.name, str(row.pid or "-"), _ready(row, record), _memory(row.pid), str(row.restarts), row.address)
        for row in record.rows
    ]
    lines.append(("runner", str(record.runner_pid), "", _memory(record.runner_pid, alone=True), "", str(folder)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def logs(folder: Path, service: str | None) -> None:
    """Follows one log, or all; ends with Ctrl-C."""
    found = sorted((folder / "logs").glob(f"{service or '*'}.log"))
    if not found:
        known = ", ".join(path.stem for path in sorted((folder / "logs").glob("*.log"))) or "none yet"
        raise StackError(f"there is no log of {service or 'anything'}: there are {known}")
    _become(["tail", "-n", "50", "-F", *map(str, found)])


def psql(folder: Path, service: str | None) -> None:
    """The wheel's psql on a service's database."""
    record = running(folder)
    name = service or "campaign-command"
    if name not in record.databases:
        raise StackError(f"{name} has no database: choose service= one of {', '.join(record.databases)}")
    _become([str(programs() / "psql"), record.databases[name]])


def tail(folder: Path, topic: str, *, from_beginning: bool) -> None:
    """Prints a topic's records as they come, one JSON object a line; ends with Ctrl-C."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP") or running(folder).kafka_bootstrap
    asyncio.run(_tail(bootstrap, topic, from_beginning=from_beginning))


async def _tail(bootstrap: str, topic: str, *, from_beginning: bool) -> None:
    # No group: looking leaves no trace on the broker.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest" if from_beginning else "latest"
    )
    await consumer.start()
    try:
        topics = await consumer.topics()
        if topic not in topics:
            known = ", ".join(sorted(name for name in topics if not name.startswith("__"))) or "none yet"
            raise StackError(f"there is no topic {topic}: there are {known}")
        consumer.subscribe([topic])
        async for record in consumer:
            print(json.dumps(_shown(record), ensure_ascii=False), flush=True)
    finally:
        await consumer.stop()


def _shown(record: ConsumerRecord[Any, Any]) -> dict[str, object]:
    return {
        "partition": record.partition,
        "offset": record.offset,
        "at": datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(timespec="milliseconds"),
        "key": _readable(record.key),
        "headers": {name: _readable(value) for name, value in record.headers},
        "value": _json(record.value),
    }


def _json(raw: bytes | None) -> object:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return _readable(raw)


def _readable(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(raw).decode()


def _ready(row: Row, record: Record) -> str:
    if row.kind == "service":
        path = "/livez" if row.name == GATEWAY_NAME else "/readyz"
        return "yes" if is_ready(row.address, path=path) else "no"
    if row.name == kafka.Kafka.name:
        return "yes" if kafka.answers(record.kafka_bootstrap) else "no"
    try:
        psycopg.connect(record.postgres_dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return "no"
    return "yes"


def _memory(pid: int | None, *, alone: bool = False) -> str:
    """Resident memory, with the children's (PostgreSQL's share much of theirs: an upper bound)."""
    if pid is None:
        return "-"
    try:
        process = psutil.Process(pid)
        every = [process] if alone else [process, *process.children(recursive=True)]
        return f"{sum(one.memory_info().rss for one in every) // 2**20} MB"
    except psutil.NoSuchProcess:
        return "-"


def _become(command: Sequence[str]) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise StackError(f"{command[0]} is not installed here: install it")
    sys.stdout.flush()
    os.execv(program, list(command))  # noqa: S606 - the terminal is the program's from here on
