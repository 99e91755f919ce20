"""The stack's state: one folder with the servers' data, logs, secrets, and the record of who runs.

One runner at a time holds the folder's lock, so nobody starts a second server on the same data.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
CLOSED_CHECKOUT_STATE = Path("/var/tmp")  # noqa: S108 - it survives a reboot, and the folder's owner is checked

SECRET_NAMES = (
    "JWT_SECRET",
    "PERMIT_SECRET",
    "HASH_KEY",
    "CARRIER_API_KEY",
    "CARRIER_WEBHOOK_SECRET",
    "CALL_TOKEN_SECRET",
    "WEBHOOK_SIGNING_KEY",
)


class StackError(Exception):
    """One line for the person at the terminal: what is wrong, and what to do."""


@dataclass(frozen=True)
class Row:
    """A server or an instance of a service, as `make status` shows it."""

    name: str
    kind: str
    """server or service"""
    address: str
    pid: int | None
    """None: not ours (an external server), or not running"""
    restarts: int
    log: str


@dataclass(frozen=True)
class Record:
    """What the runner tells other shells."""

    runner_pid: int
    postgres_dsn: str
    kafka_bootstrap: str
    databases: dict[str, str]
    """service name -> DSN"""
    topic_prefix: str
    rows: list[Row]


def state_folder() -> Path:
    """Where the state lives: LOCAL_STATE, else `.local` in the checkout, else, when root's checkout is closed to the
    system user that PostgreSQL runs as, a folder of this checkout's own below /var/tmp."""
    if chosen := os.environ.get("LOCAL_STATE"):
        return Path(chosen).expanduser().resolve()
    if os.geteuid() == 0 and not is_open_to_others(CHECKOUT):
        return CLOSED_CHECKOUT_STATE / f"calling-campaigns-{short_hash(str(CHECKOUT))}"
    return CHECKOUT / ".local"


def prepare(folder: Path) -> Path:
    """Makes the folder, refusing one that belongs to somebody else."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to another user: choose another folder with LOCAL_STATE=…")
    if os.geteuid() == 0:
        folder.chmod(folder.stat().st_mode | 0o011)  # PostgreSQL's system user must reach its part
    return folder


def is_open_to_others(path: Path) -> bool:
    """Whether any user can traverse the path and the folders above it."""
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents])


def short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; StackError when another one holds it."""
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            record = read_record(folder)
            who = f" (pid {record.runner_pid})" if record else ""
            raise StackError(
                f"already up{who} with the state in {folder}: see `make status`, or end it with `make down`"
            ) from None
        yield


def is_locked(folder: Path) -> bool:
    """Whether a runner holds the folder."""
    path = folder / "lock"
    if not path.exists():
        return False
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def read_secrets(folder: Path) -> dict[str, str]:
    """The local secrets, made once and kept: the data in the databases depends on them (HASH_KEY)."""
    path = folder / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in SECRET_NAMES if name not in kept]
    if missing:
        kept |= {name: secrets.token_hex(32) for name in missing}
        _write(path, json.dumps(kept, indent=1), mode=0o600)
    return kept


def write_record(folder: Path, record: Record) -> None:
    _write(folder / "runner.json", json.dumps(asdict(record), indent=1), mode=0o600)


def read_record(folder: Path) -> Record | None:
    """What the last runner wrote; whether it still runs, `is_locked` tells."""
    path = folder / "runner.json"
    if not path.exists():
        return None
    fields = json.loads(path.read_text())
    return Record(**{**fields, "rows": [Row(**row) for row in fields["rows"]]})


def remove_record(folder: Path) -> None:
    (folder / "runner.json").unlink(missing_ok=True)


def _write(path: Path, text: str, *, mode: int) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    new.replace(path)  # readers see the old or the new file, whole
