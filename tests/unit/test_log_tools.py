"""`make replay` and its companions: which command of which service they become, and where it is pointed."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from local_stack import __main__ as command_line
from local_stack import log_tools, state
from local_stack.state import Record

CAMPAIGN = str(UUID(int=7))
RECORD = Record(
    runner_pid=1,
    postgres_dsn="postgresql://server",
    kafka_bootstrap="127.0.0.1:9192",
    topic_prefix="ours-",
    databases={name: f"postgresql://{name}" for name in ("campaign-command", "dialer", "analytics-projector")},
    rows=[],
)


class Became(Exception):
    """The process has been replaced."""


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Sequence[str], Mapping[str, str]]]:
    found: list[tuple[Sequence[str], Mapping[str, str]]] = []

    def execve(program: str, words: Sequence[str], env: Mapping[str, str]) -> None:
        found.append((words[1:], env))
        raise Became

    monkeypatch.setattr(state, "state_folder", lambda: tmp_path)
    monkeypatch.setattr(log_tools, "running", lambda folder: RECORD)
    monkeypatch.setattr(os, "execve", execve)
    return found


@pytest.mark.parametrize(
    ("words", "command", "database"),
    [
        (
            ["replay", "--campaign", CAMPAIGN, "--as-of", "17"],
            ["-m", "campaign_command", "replay", "--campaign", CAMPAIGN, "--to", "17"],
            "campaign-command",
        ),
        (
            ["export", "--campaign", CAMPAIGN],
            ["-m", "campaign_command", "export", "--campaign", CAMPAIGN],
            "campaign-command",
        ),
        (["import-log", "log.jsonl"], ["-m", "campaign_command", "import-log", "log.jsonl"], "campaign-command"),
        (
            ["backfill", "--to", "copy", "--from", "5", "--rate", "9"],
            ["-m", "campaign_command", "backfill", "--to", "copy", "--from", "5", "--rate", "9"],
            "campaign-command",
        ),
        (["audit"], ["-m", "auditor"], "campaign-command"),
        (["audit", "--campaign", CAMPAIGN], ["-m", "auditor", "--campaign", CAMPAIGN], "campaign-command"),
        (["rebuild", "dialer"], ["-m", "dialer", "rebuild"], "dialer"),
        (["rebuild", "analytics-projector"], ["-m", "analytics_projector", "rebuild"], "analytics-projector"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_target_becomes_the_services_own_command(
    became: list[tuple[Sequence[str], Mapping[str, str]]], words: list[str], command: list[str], database: str
) -> None:
    with pytest.raises(Became):
        command_line.main(words)
    [(argv, env)] = became
    assert list(argv) == command
    assert env["DATABASE_DSN"] == RECORD.databases[database]
    assert (env["KAFKA_BOOTSTRAP"], env["TOPIC_PREFIX"]) == (RECORD.kafka_bootstrap, "ours-")
    assert ("CALLS_DSN" in env) == (words[0] == "audit")


def test_a_service_that_folds_nothing_is_not_rebuilt(
    became: list[tuple[Sequence[str], Mapping[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["rebuild", "campaign-command"]) == 2
    assert "choose service= one of analytics-projector, dialer" in capsys.readouterr().err
    assert became == []
