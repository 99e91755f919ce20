"""`make import`: a contact file into a campaign of the running stack, with a progress bar, through the public API."""

import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, TextColumn

from local_stack.look import running
from local_stack.processes import token
from local_stack.state import StackError, read_secrets

LOOK_SECONDS = 0.2
QUIET_SECONDS = 2.0
"""Where nobody watches, so often a line."""
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Wanted:
    """What is to be imported, and how; `options` are the API's own."""

    file: Path
    campaign: str
    """its id, or its name"""
    workspace: str
    options: Mapping[str, str]


def import_file(folder: Path, wanted: Wanted) -> None:
    """Returns when the import is completed, having shown what became of it; StackError says why it did not."""
    record = running(folder)
    addresses = {row.name: row.address for row in record.rows}
    if not wanted.file.is_file():
        raise StackError(f"there is no file {wanted.file}: name it with file=…")
    bearer = token(read_secrets(folder)["JWT_SECRET"], workspace=wanted.workspace, role="operator")
    console = Console(width=None if sys.stdout.isatty() else 110)
    with httpx.Client(headers={"Authorization": f"Bearer {bearer}"}, timeout=60) as client:
        service = Service(client, addresses["campaign-command"], addresses["analytics-projector"])
        campaign_id = service.campaign_id(wanted.campaign)
        with _showing(console, wanted.file) as show:
            import_id = service.upload(campaign_id, wanted, show)["import_id"]
            try:
                found = service.follow(import_id, show)
            except KeyboardInterrupt:
                console.print(f"The import goes on without you. Cancel it: POST /v1/imports/{import_id}/cancel")
                raise
        errors = None
        if found["rejected"]:
            errors = Path.cwd() / f"{wanted.file.name.partition('.')[0]}-errors-{import_id[:8]}.csv"
            service.download(f"/v1/imports/{import_id}/errors.csv", errors)
    for line in summary(found, errors):
        console.print(line, highlight=False, soft_wrap=True)
    if found["state"] != "completed":
        why = f": {found['error_detail']}" if found["error_detail"] else ""
        raise StackError(f"the import ended as {found['state']}{why}; what was added stays")


def summary(found: Mapping[str, Any], errors: Path | None) -> list[str]:
    """What became of the rows, for a person."""
    added = "would be added" if found["dry_run"] else "added"
    rows = "1 row" if found["rows_done"] == 1 else f"{found['rows_done']:,} rows"
    lines = [f"{rows}: {found['accepted']:,} {added}, {found['duplicate']:,} duplicate"]
    lines[0] += f", {found['rejected']:,} rejected"
    if found["rows_per_second"]:
        lines[0] += f" ({found['rows_per_second']:,.0f} rows/s)"
    if found["do_not_call"]:
        lines.append(f"{found['do_not_call']:,} of them must not be called: they have the status do_not_call")
    lines += [f"  {count:>9,}  {reason}" for reason, count in sorted(found["rejected_by_reason"].items())]
    lines += [f"  {count:>9,}  {note}" for note, count in sorted(found["notes"].items())]
    lines += [f"warning: {warning}" for warning in found["warnings"]]
    if errors is not None:
        lines.append(f"The rejected rows, to be fixed and imported again: {errors}")
    return lines


def left(found: Mapping[str, Any], now: datetime) -> str:
    """The time left, as a person says it."""
    if not found.get("estimated_end_at"):
        return "–"
    seconds = max(0, round((datetime.fromisoformat(found["estimated_end_at"]) - now).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}"


class Shown:
    """The progress bar: bytes that have arrived, then bytes that are worked on."""

    def __init__(self, console: Console, progress: Progress, size: int, name: str) -> None:
        self._console, self._progress = console, progress
        self._task = progress.add_task(f"sending {name}", total=size, words="")
        self._next_line = time.monotonic() + QUIET_SECONDS

    def sent(self, size: int) -> None:
        """So many more bytes are on their way."""
        self._progress.advance(self._task, size)

    def imported(self, found: Mapping[str, Any]) -> None:
        """How far the import is."""
        words = (
            f"{found['rows_per_second'] or 0:,.0f} rows/s · {found['accepted']:,} accepted ·"
            f" {found['rejected']:,} rejected · left {left(found, datetime.now(UTC))}"
        )
        self._progress.update(
            self._task,
            description=found["state"],
            completed=found["bytes_done"],
            total=found["bytes_total"],
            words=words,
        )
        if not self._console.is_terminal and time.monotonic() > self._next_line:
            self._next_line = time.monotonic() + QUIET_SECONDS
            self._console.print(f"{found['state']} {found['bytes_done']:,} of {found['bytes_total']:,} bytes · {words}")


class Service:
    """The public APIs, as far as an import needs them."""

    def __init__(self, client: httpx.Client, command: str, reads: str) -> None:
        self._client, self._command, self._reads = client, command, reads

    def campaign_id(self, named: str) -> str:
        """The id that `named` is, or that the one campaign of this name has."""
        try:
            return str(uuid.UUID(named))
        except ValueError:
            items = self._json(self._client.get(f"{self._reads}/v1/campaigns", params={"q": named, "limit": 200}))
        found = [item for item in items["items"] if item["name"].casefold() == named.casefold()]
        if len(found) != 1:
            ids = ", ".join(str(item["id"]) for item in found) or "none"
            raise StackError(f"one campaign must have the name {named!r}, or give its id: campaign=… (found: {ids})")
        return str(found[0]["id"])

    def upload(self, campaign_id: str, wanted: Wanted, show: Shown) -> dict[str, Any]:
        """Send the file. StackError with the service's own words when it is refused."""

        def blocks() -> Iterator[bytes]:
            with wanted.file.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
                    show.sent(len(block))

        content_type = "application/gzip" if wanted.file.suffix == ".gz" else "text/csv"
        answer = self._client.post(
            f"{self._command}/v1/campaigns/{campaign_id}/imports",
            content=blocks(),
            params=dict(wanted.options),
            headers={"Content-Type": content_type, "Content-Length": str(wanted.file.stat().st_size)},
        )
        return self._json(answer)

    def follow(self, import_id: str, show: Shown) -> dict[str, Any]:
        """Wait until the import is over."""
        while True:
            found = self._json(self._client.get(f"{self._command}/v1/imports/{import_id}"))
            show.imported(found)
            if found["state"] not in ("queued", "running"):
                return found
            time.sleep(LOOK_SECONDS)

    def download(self, path: str, to: Path) -> None:
        """Store an answer in a file, for this user's eyes only."""
        with self._client.stream("GET", self._command + path) as answer, to.open("wb") as file:
            to.chmod(0o600)
            answer.raise_for_status()
            for block in answer.iter_bytes():
                file.write(block)

    def _json(self, answer: httpx.Response) -> dict[str, Any]:
        found: dict[str, Any] = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        if answer.is_error:
            allowed = f" (allowed: {', '.join(found['allowed'])})" if found.get("allowed") else ""
            raise StackError(f"{found.get('detail') or f'the service answered {answer.status_code}'}{allowed}")
        return found


@contextmanager
def _showing(console: Console, file: Path) -> Iterator[Shown]:
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TextColumn("{task.fields[words]}"),
    ]
    with Progress(*columns, console=console, transient=True) as progress:
        yield Shown(console, progress, file.stat().st_size, file.name)
