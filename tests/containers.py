"""PostgreSQL and Kafka in containers, of the images that docker compose runs: `TEST_SERVERS=containers make test`.

Needs a Docker engine. testcontainers removes them, also after a crash (by its own container, unless that is turned off
with TESTCONTAINERS_RYUK_DISABLED=true).
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer

from local_stack.kafka import answers
from local_stack.ports import HOST, free_port
from local_stack.postgres import MAX_CONNECTIONS
from local_stack.waiting import wait_until

START_SECONDS = 120.0
COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "docker-compose.yml").read_text())["services"]


@contextmanager
def containers() -> Iterator[None]:
    """Both servers, named to everybody by POSTGRES_DSN and KAFKA_BOOTSTRAP; gone afterwards."""
    with _postgres() as dsn, _kafka() as bootstrap, pytest.MonkeyPatch.context() as environment:
        environment.setenv("POSTGRES_DSN", dsn)
        environment.setenv("KAFKA_BOOTSTRAP", bootstrap)
        yield


@contextmanager
def _postgres() -> Iterator[str]:
    password, port = secrets.token_hex(16), free_port()
    container = DockerContainer(_image("postgres")).with_env("POSTGRES_PASSWORD", password)
    container = container.with_bind_ports(5432, port).with_command(f"postgres -c max_connections={MAX_CONNECTIONS}")
    dsn = f"postgresql://postgres:{password}@{HOST}:{port}/postgres"

    def ready() -> bool:
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    with container:
        assert wait_until(ready, seconds=START_SECONDS), container.get_logs()
        yield dsn


@contextmanager
def _kafka() -> Iterator[str]:
    port = free_port()
    settings = COMPOSE["kafka"]["environment"] | {
        "CLUSTER_ID": "c" + secrets.token_urlsafe(16)[1:],
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{HOST}:{port}",
        "KAFKA_HEAP_OPTS": "-Xms512m -Xmx512m",
        # As the local stack has it: tests make many short-lived consumers.
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
    }
    container = DockerContainer(_image("kafka")).with_bind_ports(9092, port)
    for name, value in settings.items():
        container = container.with_env(name, str(value))
    bootstrap = f"{HOST}:{port}"
    with container:
        assert wait_until(lambda: answers(bootstrap), seconds=START_SECONDS), container.get_logs()
        yield bootstrap


def _image(service: str) -> str:
    """The one that docker compose runs when nobody names another."""
    return re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", COMPOSE[service]["image"])
