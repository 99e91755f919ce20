"""The commands that look at the log or carry it elsewhere: their arguments, and what they print.

`replay` and `export` only read; `backfill` publishes again; `import-log` fills an empty system. Answers go to stdout,
progress to stderr.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

from campaign_command.backfill import RATE, SOURCES
from campaign_command.log_files import facts_of, lines_of
from campaign_command.replay import Moment, State, evolve, subject_of, until, words
from campaign_command.store import Recorded, Store
from campaign_events.facts import CampaignFact, Fact

NAMES = ("replay", "export", "backfill", "import-log", "new-log")
QUIET_SECONDS = 2.0
"""Where nobody watches, so often a line of progress."""
_BAR = 30


def parser() -> argparse.ArgumentParser:
    """The command line of the service, these commands included."""
    top = argparse.ArgumentParser(prog="campaign_command", description="Serves (the default), or does one thing:")
    commands = top.add_subparsers(dest="command")
    commands.add_parser("serve", help="decide, publish and answer until SIGTERM (the default)")
    commands.add_parser("migrate", help="prepare the database and the topics")

    replay = commands.add_parser("replay", help="fold the log to a moment: the facts in plain words, and the state")
    _add_whose(replay)
    replay.add_argument("--from", dest="first", type=moment, help="show facts from this position or time on")
    replay.add_argument("--to", dest="last", type=moment, help="fold up to this position or time; otherwise the end")
    replay.add_argument("--as-of", dest="last", type=moment, help="another word for --to")
    replay.add_argument("--format", choices=("table", "jsonl"), default="table")

    export = commands.add_parser("export", help="the log as JSON lines, as they are published, to stdout")
    _add_whose(export)

    backfill = commands.add_parser("backfill", help="publish again from the event table; goes on where it was killed")
    backfill.add_argument("--to", required=True, help="the topic; one of another name is made")
    backfill.add_argument("--of", dest="source", choices=SOURCES, help="what to publish into a topic of another name")
    backfill.add_argument("--from", dest="first", type=_positive, help="begin (anew) at this position")
    backfill.add_argument("--rate", type=_positive, default=RATE, help=f"facts a second ({RATE})")

    bring = commands.add_parser("import-log", help="replay a file of export into an empty system, as a copy to look at")
    bring.add_argument("file", type=argparse.FileType("rb"), help="`-` is stdin")

    taken = commands.add_parser(
        "new-log", help="take up work on a restored database, as a new log; the service is stopped"
    )
    taken.add_argument(
        "--delete-topics", action="store_true", help="make campaign-events and suppression-events anew, without asking"
    )
    return top


def moment(text: str) -> Moment:
    """A position, or an RFC 3339 time; one without an offset is UTC."""
    if text.isdecimal():
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a position nor a time; allowed: 1234, 2026-03-02T09:00:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def show_replay(store: Store, wanted: argparse.Namespace, out: IO[str]) -> int:
    """Print the facts and the state. Exit code 1 when there is no such campaign or workspace."""
    as_lines = wanted.format == "jsonl"
    states: dict[UUID, State] = {}
    count = 0
    for position, fact in until(
        _facts(facts_of(store, campaign=wanted.campaign, workspace=wanted.workspace)), wanted.last
    ):
        count += 1
        if isinstance(fact, CampaignFact):
            states[fact.campaign_id] = evolve(states.get(fact.campaign_id, State()), position, fact)
        if wanted.first is None or not _is_before(position, fact, wanted.first):
            print(_line(position, fact) if as_lines else _row(position, fact), file=out)
    if not count:
        print(f"error: no fact of {wanted.campaign or wanted.workspace} up to there", file=sys.stderr)
        return 1
    for campaign_id, state in states.items():
        told = state.told()
        print(
            json.dumps({"campaign_id": str(campaign_id), "state": told}) if as_lines else _shown(campaign_id, told),
            file=out,
        )
    return 0


def write_export(store: Store, wanted: argparse.Namespace, out: IO[bytes]) -> int:
    """Write the lines. Exit code 1 when there is no such campaign or workspace."""
    count = 0
    for line in lines_of(store, facts_of(store, campaign=wanted.campaign, workspace=wanted.workspace)):
        out.write(line)
        count += 1
    out.flush()
    print(f"{count:,} facts" if count else f"error: no fact of {wanted.campaign or wanted.workspace}", file=sys.stderr)
    return 0 if count else 1


class Progress:
    """A bar on stderr where somebody watches, a line now and then where not."""

    def __init__(self, out: IO[str] = sys.stderr) -> None:
        self._out, self._began, self._next_line = out, time.monotonic(), time.monotonic() + QUIET_SECONDS

    def __call__(self, done: int, total: int) -> None:
        """So many positions of so many are done."""
        now, over = time.monotonic(), done >= total
        text = bar(done, total, seconds=now - self._began)
        if self._out.isatty():
            print(f"\r{text}", end="\n" if over else "", file=self._out, flush=True)
        elif over or now >= self._next_line:
            self._next_line = now + QUIET_SECONDS
            print(text, file=self._out, flush=True)


def bar(done: int, total: int, *, seconds: float) -> str:
    """How far it is, how fast, and how long it will take."""
    part = done / total if total else 1.0
    speed = done / seconds if seconds > 0 else 0.0
    left = round((total - done) / speed) if speed else 0
    filled = int(part * _BAR)
    return (
        f"[{'#' * filled}{'.' * (_BAR - filled)}] {part:4.0%}  {done:,} of {total:,} positions, {speed:,.0f}/s,"
        f" {left // 60}:{left % 60:02d} left"
    )


def _add_whose(command: argparse.ArgumentParser) -> None:
    whose = command.add_mutually_exclusive_group(required=True)
    whose.add_argument("--campaign", type=UUID, help="the facts of this campaign")
    whose.add_argument("--workspace", type=UUID, help="all facts of this workspace")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number; allowed: 1 or more")
    return int(text)


def _facts(log: Iterable[tuple[int, Recorded]]) -> Iterable[tuple[int, Fact]]:
    return ((position, recorded.fact) for position, recorded in log)


def _is_before(position: int, fact: Fact, first: Moment) -> bool:
    return position < first if isinstance(first, int) else fact.at < first


def _row(position: int, fact: Fact) -> str:
    about = subject_of(fact)
    return f"{position:>10}  {fact.at:%Y-%m-%d %H:%M:%S}  {about or '-'!s:<36}  {words(fact)}"


def _line(position: int, fact: Fact) -> str:
    about = subject_of(fact)
    shown: dict[str, Any] = {"position": position, "at": fact.at.isoformat(), "type": type(fact).__name__}
    return json.dumps({**shown, "about": about and str(about), "text": words(fact)}, ensure_ascii=False)


def _shown(campaign_id: UUID, told: dict[str, Any]) -> str:
    contacts = ", ".join(f"{count:,} {status}" for status, count in told["contacts"].items() if count)
    because = f" ({told['paused_reason']})" if told["paused_reason"] else ""
    return "\n".join(
        [
            "",
            f"Campaign {campaign_id} at position {told['position']}: {told['name']!r}",
            f"  status    {told['status']}{because}, settings version {told['settings_version']}",
            f"  contacts  {told['contacts_total']:,}: {contacts or 'none'}; {told['reached']:,} reached",
            f"  calls     {told['placed']:,} placed, {told['answered']:,} answered by a person",
        ]
    )
