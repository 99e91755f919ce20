"""`make replay`, `export`, `import-log`, `backfill`, `audit` and `rebuild`: the services' own commands, on the running
stack. The terminal and the exit code are theirs."""

import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from local_stack.importing import Service
from local_stack.look import running
from local_stack.processes import token
from local_stack.services import ANALYTICS_PROJECTOR, CAMPAIGN_COMMAND, DIALER
from local_stack.state import Record, StackError, read_secrets

REBUILT = (ANALYTICS_PROJECTOR, DIALER)
"""What is folded from the topic, and can be folded anew while it runs."""


def on_log(folder: Path, command: str, arguments: Sequence[str]) -> None:
    """One of campaign-command's commands about its log."""
    _become(folder, CAMPAIGN_COMMAND.package, [command, *arguments])


def audit(folder: Path, arguments: Sequence[str]) -> None:
    """The auditor, on the event table, the topics and the call history."""
    databases = running(folder).databases
    _become(folder, "auditor", arguments, CALLS_DSN=databases[DIALER.name])


def rebuild(folder: Path, service: str) -> None:
    """A service's fold, made anew while it runs."""
    found = {one.name: one for one in REBUILT}.get(service)
    if found is None:
        raise StackError(f"{service} is not rebuilt: choose service= one of {', '.join(one.name for one in REBUILT)}")
    _become(folder, found.package, ["rebuild"], DATABASE_DSN=running(folder).databases[service])


def campaign_id(folder: Path, named: str, *, workspace: str) -> str:
    """The id that `named` is, or that the one campaign of this name has."""
    try:
        return str(uuid.UUID(named))
    except ValueError:
        addresses = {row.name: row.address for row in running(folder).rows}
        bearer = token(read_secrets(folder)["JWT_SECRET"], workspace=workspace, role="viewer")
        with httpx.Client(headers={"Authorization": f"Bearer {bearer}"}, timeout=30) as client:
            reads = addresses[ANALYTICS_PROJECTOR.name]
            return Service(client, addresses[CAMPAIGN_COMMAND.name], reads).campaign_id(named)


def environment(record: Record, **more: str) -> Mapping[str, str]:
    """What a command is told, on top of what this process was."""
    return {
        **os.environ,
        "LOG_FORMAT": "console",
        "DATABASE_DSN": record.databases[CAMPAIGN_COMMAND.name],
        "KAFKA_BOOTSTRAP": record.kafka_bootstrap,
        "TOPIC_PREFIX": record.topic_prefix,
        **more,
    }


def _become(folder: Path, package: str, arguments: Sequence[str], **more: str) -> None:
    env = environment(running(folder), **more)
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", package, *arguments], env)  # noqa: S606 - the terminal is its own
