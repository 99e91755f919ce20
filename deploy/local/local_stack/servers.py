"""The two servers that everything runs on: PostgreSQL and Kafka, from wheels or named by the environment.

POSTGRES_DSN and KAFKA_BOOTSTRAP win: such a server is used, never started, stopped or killed.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from local_stack.kafka import Kafka, answers
from local_stack.ports import free_port
from local_stack.postgres import Postgres
from local_stack.state import StackError, locked, prepare

REACH_SECONDS = 5


class Servers:
    """Both servers, started. `postgres` and `kafka` are None where the environment named one."""

    def __init__(self, *, state_folder: Path, kafka_ports: tuple[int, int] | None = None) -> None:
        external_postgres = os.environ.get("POSTGRES_DSN")
        external_kafka = os.environ.get("KAFKA_BOOTSTRAP")
        self.postgres: Postgres | None = None
        self.kafka: Kafka | None = None
        logs = state_folder / "logs"
        if external_postgres:
            self.postgres_dsn = external_postgres
        else:
            self.postgres = Postgres(state_folder / "postgres", log=logs / "postgres.log")
            self.postgres_dsn = self.postgres.dsn
        if external_kafka:
            self.kafka_bootstrap = external_kafka
        else:
            port, controller_port = kafka_ports or (free_port(), free_port())
            self.kafka = Kafka(
                state_folder / "kafka", port=port, controller_port=controller_port, log=logs / "kafka.log"
            )
            self.kafka_bootstrap = self.kafka.bootstrap

    @property
    def own(self) -> list[Postgres | Kafka]:
        """Those that are ours to start and stop."""
        return [server for server in (self.postgres, self.kafka) if server]

    def start(self) -> None:
        if not self.postgres:
            _reach_postgres(self.postgres_dsn)
        if not self.kafka:
            _reach_kafka(self.kafka_bootstrap)
        try:
            for server in reversed(self.own):  # Kafka takes longest: they start side by side
                server.begin()
            for server in self.own:
                server.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        for server in self.own:
            server.stop()

    def kill(self) -> None:
        """As a power cut of the programs would; the data stays."""
        for server in self.own:
            server.kill()

    def restart_postgres(self) -> None:
        """Kills PostgreSQL and starts it again: same data, same DSN."""
        _restart(self.postgres, name="PostgreSQL")

    def restart_kafka(self) -> None:
        """Kills Kafka and starts it again: same data, same port."""
        _restart(self.kafka, name="Kafka")


@contextlib.contextmanager
def servers(*, state_folder: Path, kafka_ports: tuple[int, int] | None = None) -> Iterator[Servers]:
    """Both servers over the state in the folder, which is locked meanwhile; stopped at the end, the data stays.

    `kafka_ports` are the broker's and the controller's (default: free ones).
    """
    with locked(prepare(state_folder.resolve())):
        both = Servers(state_folder=state_folder.resolve(), kafka_ports=kafka_ports)
        try:
            both.start()
            yield both
        finally:
            both.stop()


def _restart(server: Postgres | Kafka | None, *, name: str) -> None:
    if server is None:
        raise StackError(f"{name} is a server that the environment named: it is not ours to restart")
    server.kill()
    server.start()


def _reach_postgres(dsn: str) -> None:
    if urlsplit(dsn).scheme not in ("postgresql", "postgres"):
        raise StackError("POSTGRES_DSN is not a URL: write it as postgresql://user:password@host:5432/postgres")
    try:
        psycopg.connect(dsn, connect_timeout=REACH_SECONDS).close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1]
        raise StackError(
            f"POSTGRES_DSN names a server that does not let us in ({reason}): start it, or unset POSTGRES_DSN"
        ) from None


def _reach_kafka(bootstrap: str) -> None:
    if not answers(bootstrap, seconds=REACH_SECONDS):
        raise StackError(f"no Kafka broker answers at KAFKA_BOOTSTRAP={bootstrap}: start it, or unset KAFKA_BOOTSTRAP")
