"""The runner: starts the services as processes, starts a crashed one again and says so, and ends them all.

No service outlives the runner, however it ends. Many stacks share one pair of servers when each has a database prefix,
a topic prefix and free ports of its own.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jwt

from local_stack import children
from local_stack.children import Process
from local_stack.ports import HOST, free_port
from local_stack.postgres import createdb, dropdb
from local_stack.servers import Servers
from local_stack.services import MIGRATIONS, SERVICES, Service, Shared, environment
from local_stack.state import Row, StackError, read_secrets
from local_stack.waiting import wait_until

MIGRATE_SECONDS = 60.0
READY_SECONDS = 60.0
STOP_SECONDS = 15.0
BACKOFF_SECONDS = (0.5, 10.0)
"""Pause before a crashed service starts again: the first, doubling up to the last."""
STEADY_SECONDS = 30.0
"""A life this long makes the next crash a first one again."""
HOPELESS_CRASHES = 5
"""So many crashes in a row before a service was ever ready, and the start is given up."""
LOCAL_WORKSPACE = "00000000-0000-4000-8000-000000000001"
PAGE_HOURS = 24 * 30
"""The token that the local dashboard hands out: the stack may stay up for long, and nobody else can ask for it."""
_WATCH_SECONDS = 0.05


@dataclass
class _Instance:
    service: Service
    number: int
    port: int
    log: Path
    process: Process | None = None
    wanted: bool = False
    started_at: float = 0.0
    crashes_in_a_row: int = 0
    restarts: int = 0
    start_again_at: float | None = None

    @property
    def name(self) -> str:
        return self.service.name if self.number == 0 else f"{self.service.name}.{self.number}"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True)
class Options:
    """How one stack differs from the default one."""

    database_prefix: str = ""
    topic_prefix: str = ""
    env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """service name -> variables that win over the stack's own"""
    ports: Mapping[str, int] = field(default_factory=dict)
    """service name -> port of its first instance; others are free ones"""
    instances: Mapping[str, int] = field(default_factory=dict)
    """service name -> how many (1)"""
    restart: bool = True
    """whether a crashed service is started again"""
    services: tuple[Service, ...] = SERVICES
    migrations: tuple[Service, ...] = MIGRATIONS


class Stack:
    """The services over one pair of servers. Instance n of a service has INSTANCE_ID n; 0 is the first.

    `state_folder` keeps the secrets, the logs (`logs/<service>.log`), the uploads and the carrier's ledger. `report` is
    given one line for each crash. Safe to use from several threads.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        state_folder: Path,
        options: Options | None = None,
        report: Callable[[str], None] = print,
    ) -> None:
        self.options = options or Options()
        self.servers = servers
        self.ledger = state_folder / "carrier-ledger.jsonl"
        self._state_folder = state_folder
        self._report = report
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._instances: list[_Instance] = []
        self._secrets: dict[str, str] = {}
        self.databases: dict[str, str] = {}
        """service name -> DSN, from the start on"""

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Creates databases, migrates, starts every service, and returns when all are ready; StackError otherwise."""
        self._state_folder.mkdir(parents=True, exist_ok=True)
        self._secrets = read_secrets(self._state_folder)
        self._stopping.clear()
        for service in self.options.services:
            if service.has_database:
                name = f"{self.options.database_prefix}{service.package}"
                self.databases[service.name] = createdb(self.servers.postgres_dsn, name)
        with self._lock:
            self._instances = [
                self._new_instance(service, number)
                for service in self.options.services
                for number in range(self.options.instances.get(service.name, 1))
            ]
        try:
            for service in self.options.migrations:
                self._migrate(service)
            with self._lock:
                for instance in self._instances:
                    if not instance.service.is_last:
                        self._start(instance)
            self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
            self._watcher.start()
            self.wait_until_ready()
            with self._lock:
                for instance in self._instances:
                    if instance.service.is_last:
                        self._start(instance)
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Asks all to end, waits a bounded time, and kills what is left."""
        self._stopping.set()
        if self._watcher:
            self._watcher.join()
            self._watcher = None
        with self._lock:
            self._end(self._instances)

    def drop_databases(self) -> None:
        """Removes what `start` created; for stacks that share servers and do not come back."""
        for dsn in self.databases.values():
            dropdb(self.servers.postgres_dsn, unquote(urlsplit(dsn).path.removeprefix("/")))

    @contextlib.contextmanager
    def running(self) -> Iterator["Stack"]:
        """Started for the time of a `with` block."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def wait_until_ready(self, *, seconds: float = READY_SECONDS) -> None:
        """Returns when every wanted instance answers /readyz with 200; StackError says which does not, and its last
        lines."""

        def unready() -> list[_Instance]:
            with self._lock:
                wanted = [instance for instance in self._instances if instance.wanted]
            return [one for one in wanted if not is_ready(one.url, path=one.service.ready_path)]

        def settled() -> bool:
            return not (waiting := unready()) or any(i.crashes_in_a_row >= HOPELESS_CRASHES for i in waiting)

        wait_until(settled, seconds=seconds, every_seconds=0.1)
        if waiting := unready():
            details = "; ".join(
                f"{instance.name}: {' | '.join(children.last_lines(instance.log, count=3)) or 'it wrote nothing'}"
                f" (log: {instance.log})"
                for instance in waiting
            )
            raise StackError(f"not ready: {details}")

    # -- one instance -------------------------------------------------------------------------------------------------

    def url(self, service: str, *, instance: int = 0) -> str:
        return self._find(service, instance).url

    def pid(self, service: str, *, instance: int = 0) -> int | None:
        """None while it is not running."""
        process = self._find(service, instance).process
        return process.pid if process and process.poll() is None else None

    def kill(self, service: str, with_signal: signal.Signals = signal.SIGKILL, *, instance: int = 0) -> int:
        """Sends a signal to a running instance and returns its pid. As for any crash, it is started again unless the
        stack was told not to."""
        process = self._find(service, instance).process
        if process is None or process.poll() is not None:
            raise StackError(f"{service} is not running")
        process.send_signal(with_signal)
        return process.pid

    def stop_service(self, service: str, *, instance: int = 0) -> None:
        """Ends one instance in order; it stays down until `start_service`."""
        with self._lock:
            self._end([self._find(service, instance)])

    def start_service(self, service: str, *, instance: int = 0) -> None:
        """Starts an instance that is down, or a further one when `instance` is the next number; does not wait."""
        with self._lock:
            known = [i for i in self._instances if i.service.name == service]
            if known and instance == len(known):
                self._instances.append(self._new_instance(known[0].service, instance))
            found = self._find(service, instance)
            if not found.wanted:
                self._start(found)

    def restarts(self, service: str, *, instance: int = 0) -> int:
        """How often it was started again after a crash."""
        return self._find(service, instance).restarts

    def logs(self, service: str, *, instance: int = 0) -> Path:
        return self._find(service, instance).log

    def rows(self) -> list[Row]:
        with self._lock:
            return [
                Row(
                    name=instance.name,
                    kind="service",
                    address=instance.url,
                    pid=instance.process.pid if instance.process and instance.process.poll() is None else None,
                    restarts=instance.restarts,
                    log=str(instance.log),
                )
                for instance in self._instances
            ]

    def secret(self, name: str) -> str:
        return self._secrets[name]

    def token(self, *, workspace: str = LOCAL_WORKSPACE, role: str = "admin", user: str = "local") -> str:
        """A bearer token for the public APIs, good for 12 hours."""
        return token(self._secrets["JWT_SECRET"], workspace=workspace, role=role, user=user)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _new_instance(self, service: Service, number: int) -> _Instance:
        fixed = self.options.ports.get(service.name) if number == 0 else None
        instance = _Instance(service, number, fixed or free_port(), log=Path())
        instance.log = self._state_folder / "logs" / f"{instance.name}.log"
        return instance

    def _find(self, service: str, number: int) -> _Instance:
        with self._lock:
            for instance in self._instances:
                if instance.service.name == service and instance.number == number:
                    return instance
            known = ", ".join(instance.name for instance in self._instances)
        raise StackError(
            f"there is no {service} number {number}: there are {known or 'none, the stack is not started'}"
        )

    def _environment(self, instance: _Instance) -> dict[str, str]:
        service = instance.service
        shared = Shared(
            kafka_bootstrap=self.servers.kafka_bootstrap,
            topic_prefix=self.options.topic_prefix,
            secrets=self._secrets,
            urls={other.service.name: other.url for other in self._instances if other.number == 0},
            ledger=str(self.ledger),
            spool=str(self._state_folder / "spool"),
            local_token=token(self._secrets["JWT_SECRET"], workspace=LOCAL_WORKSPACE, role="admin", hours=PAGE_HOURS),
        )
        dsn = self.databases.get(service.name)
        own = environment(service, shared, dsn=dsn, port=instance.port, instance=instance.number)
        return {**os.environ, **own, **self.options.env.get(service.name, {})}

    def _migrate(self, service: Service) -> None:
        instance = self._find(service.name, 0)
        process = children.spawn(
            [sys.executable, "-m", service.package, "migrate"], log=instance.log, env=self._environment(instance)
        )
        try:
            code = process.wait(MIGRATE_SECONDS)
        except subprocess.TimeoutExpired:
            raise StackError(
                f"{service.name}: migrate took over {MIGRATE_SECONDS:.0f} s (log: {instance.log})"
            ) from None
        finally:
            children.kill(process)
        if code != 0:
            last = " | ".join(children.last_lines(instance.log, count=3))
            how = children.how_it_ended(code)
            raise StackError(f"{service.name}: migrate ended with {how}: {last} (log: {instance.log})")

    def _start(self, instance: _Instance) -> None:
        instance.wanted = True
        instance.start_again_at = None
        instance.started_at = time.monotonic()
        command = list(instance.service.program) or [sys.executable, "-m", instance.service.package]
        instance.process = children.spawn(command, log=instance.log, env=self._environment(instance))

    def _end(self, instances: list[_Instance]) -> None:
        running = [instance.process for instance in instances if instance.process]
        for instance in instances:
            instance.wanted = False
            instance.start_again_at = None
            instance.process = None
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            children.end(process, within_seconds=max(0.0, deadline - time.monotonic()))

    def _watch(self) -> None:
        while not self._stopping.wait(_WATCH_SECONDS):
            lines = []
            with self._lock:
                now = time.monotonic()
                for instance in self._instances:
                    if not instance.wanted:
                        continue
                    if instance.start_again_at is not None:
                        if now >= instance.start_again_at:
                            instance.restarts += 1
                            self._start(instance)
                    elif instance.process and (code := instance.process.poll()) is not None:
                        lines.append(self._crashed(instance, code, now))
            for line in lines:
                self._report(line)

    def _crashed(self, instance: _Instance, code: int, now: float) -> str:
        assert instance.process is not None
        lived = now - instance.started_at
        instance.crashes_in_a_row = 1 if lived >= STEADY_SECONDS else instance.crashes_in_a_row + 1
        last = " ".join(children.last_lines(instance.log)) or "it wrote nothing"
        line = (
            f"{instance.name} (pid {instance.process.pid}) ended with {children.how_it_ended(code)} after {lived:.1f} s"
        )
        if self.options.restart:
            first, most = BACKOFF_SECONDS
            pause = min(most, first * 2 ** (instance.crashes_in_a_row - 1))
            instance.start_again_at = now + pause
            line += f", starts again in {pause:g} s"
        else:
            instance.wanted = False
        return f"{line}; its last line: {last}"


def is_ready(url: str, *, path: str = "/readyz", seconds: float = 2.0) -> bool:
    """Whether the path answers 200."""
    try:
        with urllib.request.urlopen(url + path, timeout=seconds) as answer:  # noqa: S310 - http on this machine
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def token(secret: str, *, workspace: str, role: str, user: str = "local", hours: int = 12) -> str:
    now = datetime.now(UTC)
    claims = {"sub": user, "workspace": workspace, "role": role, "iat": now, "exp": now + timedelta(hours=hours)}
    return jwt.encode(claims, secret, algorithm="HS256")
