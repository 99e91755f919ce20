"""The local stack's pure parts: what each service is told, where the state lives, what is pinned."""

import os
import re
import signal
import socket
from pathlib import Path

import jwt
import pytest

from local_stack import children, kafka_jars, state
from local_stack.postgres import _socket_folder, dsn_of
from local_stack.processes import LOCAL_WORKSPACE, token
from local_stack.services import MIGRATIONS, SERVICES, Service, Shared, environment
from local_stack.state import SECRET_NAMES, StackError

SHARED = Shared(
    kafka_bootstrap="127.0.0.1:9192",
    topic_prefix="a-",
    secrets={name: f"the {name}" for name in SECRET_NAMES},
    urls={service.name: f"http://127.0.0.1:{service.port}" for service in SERVICES},
    ledger="ledger.jsonl",
    spool="spool",
)


def told(service: Service) -> dict[str, str]:
    dsn = f"postgresql://h/{service.package}" if service.has_database else None
    return environment(service, SHARED, dsn=dsn, port=service.port, instance=0)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_is_given_no_secret_it_does_not_need(service: Service) -> None:
    given = {name for name in told(service) if name in SECRET_NAMES}
    assert (
        given
        == {
            "campaign-command": {"JWT_SECRET", "PERMIT_SECRET", "HASH_KEY"},
            "analytics-projector": {"JWT_SECRET"},
            "dialer": {"JWT_SECRET", "PERMIT_SECRET", "CARRIER_API_KEY", "CARRIER_WEBHOOK_SECRET", "CALL_TOKEN_SECRET"},
            "simulated-carrier": {"CARRIER_API_KEY", "CARRIER_WEBHOOK_SECRET"},
            "webhooks": {"JWT_SECRET", "WEBHOOK_SIGNING_KEY"},
        }[service.name]
    )


def test_the_dialer_is_told_where_the_others_are_and_where_it_is_itself() -> None:
    dialer = next(service for service in SERVICES if service.name == "dialer")
    variables = environment(dialer, SHARED, dsn="postgresql://h/dialer", port=20_003, instance=1)
    assert variables["COMMAND_URL"] == "http://127.0.0.1:8101"
    assert variables["CARRIER_URL"] == "http://127.0.0.1:8104"
    assert variables["PUBLIC_URL"] == "http://127.0.0.1:20003"
    assert (variables["INSTANCE_ID"], variables["TOPIC_PREFIX"]) == ("1", "a-")


def test_uploads_wait_in_the_state_folder_and_nowhere_else() -> None:
    spools = {service.name: told(service).get("SPOOL_DIR") for service in SERVICES}
    assert {name: spool for name, spool in spools.items() if spool} == {"campaign-command": "spool"}


def test_only_a_service_with_a_database_is_told_of_one_and_migrated() -> None:
    with_database = {service.name for service in SERVICES if "DATABASE_DSN" in told(service)}
    assert with_database == {service.name for service in MIGRATIONS}
    assert "simulated-carrier" not in with_database


def test_services_have_ports_of_their_own() -> None:
    assert len({service.port for service in SERVICES}) == len(SERVICES)


def test_a_token_names_the_workspace_and_the_role_and_ends_after_twelve_hours() -> None:
    claims = jwt.decode(token("s" * 32, workspace=LOCAL_WORKSPACE, role="viewer"), "s" * 32, algorithms=["HS256"])
    assert (claims["workspace"], claims["role"]) == (LOCAL_WORKSPACE, "viewer")
    assert claims["exp"] - claims["iat"] == 12 * 3600


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    made = state.read_secrets(tmp_path)
    assert state.read_secrets(tmp_path) == made
    assert all(len(made[name]) >= 32 for name in SECRET_NAMES)
    assert len(set(made.values())) == len(SECRET_NAMES)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_the_state_of_a_checkout_closed_to_the_system_user_lives_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_STATE", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(state, "is_open_to_others", lambda path: False)
    assert state.state_folder().parent == Path("/var/tmp")
    monkeypatch.setattr(state, "is_open_to_others", lambda path: True)
    assert state.state_folder() == state.CHECKOUT / ".local"


def test_one_runner_at_a_time_holds_the_state(tmp_path: Path) -> None:
    assert not state.is_locked(tmp_path)
    with state.locked(tmp_path):
        assert state.is_locked(tmp_path)
        with pytest.raises(StackError, match="already up"), state.locked(tmp_path):
            pass
    assert not state.is_locked(tmp_path)


def test_a_socket_path_stays_below_the_systems_limit(tmp_path: Path) -> None:
    short, long = Path("/s"), tmp_path / ("x" * 90) / "postgres"
    assert _socket_folder(short) == short / "socket"
    assert len(str(_socket_folder(long) / ".s.PGSQL.5432")) <= 107
    assert _socket_folder(long) != _socket_folder(long.with_name("other"))


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("postgresql://postgres:@/postgres?host=/s/socket", "postgresql://postgres:@/dialer?host=/s/socket"),
        ("postgresql://u:p@db:5432/postgres?sslmode=require", "postgresql://u:p@db:5432/dialer?sslmode=require"),
    ],
)
def test_the_dsn_of_a_database_keeps_everything_else_of_the_servers(server: str, expected: str) -> None:
    assert dsn_of(server, "dialer") == expected


def test_every_jar_of_kafka_is_pinned_by_its_sum_and_no_address() -> None:
    lines = [line for line in kafka_jars.SUMS.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[0-9a-f]{64}  [A-Za-z0-9._-]+\.jar", line) for line in lines)
    names = [line.split()[1] for line in lines]
    assert f"kafka_2.13-{kafka_jars.KAFKA_VERSION}.jar" in names
    assert f"kafka-clients-{kafka_jars.KAFKA_VERSION}.jar" in names
    # The logging binding works with one version of log4j.
    binding = kafka_jars.LOG4J_BINDING.rpartition(":")[2]
    assert {f"log4j-{part}-{binding}.jar" for part in ("api", "core", "slf4j-impl")} <= set(names)


def test_a_jar_that_is_not_the_pinned_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kafka_jars, "SUMS", tmp_path / "kafka.sha256")
    kafka_jars.SUMS.write_text("0" * 64 + "  a.jar\n")
    fetched = tmp_path / "a.jar"
    fetched.write_bytes(b"something else")
    monkeypatch.setattr(kafka_jars, "_resolve", lambda scratch: {"a.jar": fetched})
    with pytest.raises(StackError, match="is not the file that"):
        kafka_jars.class_path()


def test_how_a_process_ended_is_said_by_code_or_signal() -> None:
    assert children.how_it_ended(70) == "exit code 70"
    assert children.how_it_ended(-signal.SIGKILL) == "SIGKILL"


def test_a_log_beyond_its_limit_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "dialer.log"
    with log.open("wb") as file:
        file.truncate(children.LOG_BYTES + 1)
    process = children.spawn(["/bin/true"], log=log)
    assert process.wait(10) == 0
    assert log.stat().st_size == 0
    assert (tmp_path / "dialer.log.1").stat().st_size == children.LOG_BYTES + 1


def test_a_unit_test_is_refused_the_network() -> None:
    with socket.socket() as network, pytest.raises(AssertionError, match="a unit test connects"):
        network.connect(("127.0.0.1", 9))
