"""The local stack with real servers: what was written survives, crashes are seen, and nothing is left running."""

import asyncio
import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from local_stack.gateway import everything
from local_stack.ports import free_port
from local_stack.postgres import dropdb
from local_stack.processes import Options, Stack
from local_stack.servers import Servers
from local_stack.servers import servers as running_servers
from local_stack.services import Service
from local_stack.state import Record, StackError, is_locked, read_record
from local_stack.waiting import wait_until

STUB = """\
import http.server, os, signal, sys

if sys.argv[1:] == ["migrate"]:
    print("tables made")
    sys.exit(int(os.environ.get("STUB_MIGRATE_EXIT", "0")))
if os.environ.get("STUB_FAIL"):
    print("no such setting: " + os.environ["STUB_FAIL"])
    sys.exit(3)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["INSTANCE_ID"].encode())

    def log_message(self, *arguments):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if os.environ.get("STUB_DEAF"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("serving", flush=True)
http.server.HTTPServer((os.environ["HTTP_HOST"], int(os.environ["HTTP_PORT"])), Handler).serve_forever()
"""

SERVICES = everything()
STUBBED = Service("stubbed", "stubbed_service", 0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder that PostgreSQL's system user can reach, unlike tmp_path."""
    made = Path(tempfile.mkdtemp(prefix="calling-campaigns-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages of the services' names that only answer: first on the children's path."""
    for service in [*SERVICES, STUBBED]:
        package = tmp_path / "stubs" / service.package
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(STUB)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stubs"))


# -- servers ----------------------------------------------------------------------------------------------------------


def write(servers: Servers, *, dsn: str, topic: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    async def produce() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
        await admin.close()
        producer = AIOKafkaProducer(bootstrap_servers=servers.kafka_bootstrap, acks="all")
        await producer.start()
        await producer.send_and_wait(topic, b"kept", partition=0)
        await producer.stop()

    asyncio.run(produce())


def read(servers: Servers, *, dsn: str, topic: str) -> tuple[object, object]:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()

    async def consume() -> object:
        consumer = AIOKafkaConsumer(bootstrap_servers=servers.kafka_bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, 0)])
            return (await asyncio.wait_for(consumer.getone(), 10)).value
        finally:
            await consumer.stop()

    return (row and row[0], asyncio.run(consume()))


def test_what_was_written_survives_a_kill_of_both_servers(
    servers: Servers, database: Callable[[], str], topic_prefix: str
) -> None:
    dsn, topic = database(), f"{topic_prefix}kept"
    write(servers, dsn=dsn, topic=topic)
    before = [server.pid for server in servers.own]
    if len(before) < 2:
        pytest.skip("a server that the environment names is not ours to kill")
    servers.restart_kafka()
    servers.restart_postgres()
    assert all(new != old for new, old in zip([server.pid for server in servers.own], before, strict=True))
    assert read(servers, dsn=dsn, topic=topic) == (42, b"kept")


def test_what_was_written_survives_down_and_up_on_other_ports(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTGRES_DSN", raising=False)
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    with running_servers(state_folder=folder) as first:
        write(first, dsn=first.postgres_dsn, topic="kept")
        with pytest.raises(StackError, match="already up"), running_servers(state_folder=folder):
            pass
    with running_servers(state_folder=folder) as second:
        assert second.kafka_bootstrap != first.kafka_bootstrap
        assert read(second, dsn=second.postgres_dsn, topic="kept") == (42, b"kept")
        pids = [server.pid for server in second.own]
    assert not any(is_alive(pid) for pid in pids)


def test_fsync_is_on_and_there_is_room_for_two_hundred_sessions(servers: Servers) -> None:
    if servers.postgres is None:
        pytest.skip("the environment names the server")
    with psycopg.connect(servers.postgres_dsn) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW max_connections").fetchone() == ("200",)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POSTGRES_DSN", "postgresql://postgres@127.0.0.1:{port}/postgres"),
        ("POSTGRES_DSN", "host=127.0.0.1 port={port}"),
        ("KAFKA_BOOTSTRAP", "127.0.0.1:{port}"),
        ("KAFKA_BOOTSTRAP", "nonsense"),
    ],
)
def test_a_named_server_that_is_not_there_is_one_line_with_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.delenv("POSTGRES_DSN", raising=False)
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.setenv(variable, value.format(port=free_port()))
    with pytest.raises(StackError, match=variable) as refused, running_servers(state_folder=folder):
        pass
    assert "\n" not in str(refused.value)
    assert not (folder / "postgres" / "data").exists()


# -- services ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def stack(servers: Servers, folder: Path, stubs: None) -> Iterator[Callable[..., Stack]]:
    """A factory of started stacks of one stubbed service; `reported` has the lines that the person would see."""
    with contextlib.ExitStack() as stacks:

        def start(reported: list[str], *, restart: bool = True, instances: int = 1, **env: str) -> Stack:
            options = Options(
                database_prefix=f"test_{secrets.token_hex(6)}_",
                env={"stubbed": env},
                instances={"stubbed": instances},
                restart=restart,
                services=(STUBBED,),
                migrations=(STUBBED,),
            )
            made = Stack(servers, state_folder=folder, options=options, report=reported.append)
            stacks.callback(made.drop_databases)
            return stacks.enter_context(made.running())

        yield start


def test_a_crashed_service_is_shown_and_starts_again(stack: Callable[..., Stack]) -> None:
    reported: list[str] = []
    running = stack(reported)
    first = running.kill("stubbed")
    assert wait_until(lambda: running.restarts("stubbed") == 1, seconds=5)
    running.wait_until_ready()
    assert running.pid("stubbed") not in (None, first)
    assert f"stubbed (pid {first}) ended with SIGKILL" in reported[0]
    assert "starts again in 0.5 s; its last line: serving" in reported[0]


def test_the_pause_before_a_restart_doubles(stack: Callable[..., Stack]) -> None:
    reported: list[str] = []
    running = stack(reported)
    for count in (1, 2):
        running.kill("stubbed")
        assert wait_until(lambda count=count: running.restarts("stubbed") == count, seconds=5)  # type: ignore[misc]
    assert ["in 0.5 s" in reported[0], "in 1 s" in reported[1]] == [True, True]


def test_a_crashed_service_stays_down_when_told_so(stack: Callable[..., Stack]) -> None:
    reported: list[str] = []
    running = stack(reported, restart=False)
    running.kill("stubbed")
    assert wait_until(lambda: bool(reported), seconds=5)
    assert running.pid("stubbed") is None
    assert "starts again" not in reported[0]
    running.start_service("stubbed")
    running.wait_until_ready()


def test_two_instances_have_numbers_ports_and_logs_of_their_own(stack: Callable[..., Stack]) -> None:
    running = stack([], instances=2)
    running.start_service("stubbed", instance=2)
    running.wait_until_ready()
    assert [instance_id(running.url("stubbed", instance=number)) for number in range(3)] == ["0", "1", "2"]
    assert len({running.logs("stubbed", instance=number) for number in range(3)}) == 3
    running.stop_service("stubbed", instance=1)
    assert running.pid("stubbed", instance=1) is None
    assert running.pid("stubbed", instance=0) is not None


def test_a_service_that_is_never_ready_is_named_with_its_last_line(
    stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_stack.processes.BACKOFF_SECONDS", (0.01, 0.1))
    with pytest.raises(StackError, match=r"not ready: stubbed: .*no such setting: HTTP_PROT"):
        stack([], STUB_FAIL="HTTP_PROT")


def test_a_failed_migration_is_named_with_its_last_line(stack: Callable[..., Stack]) -> None:
    with pytest.raises(StackError, match="stubbed: migrate ended with exit code 4: tables made"):
        stack([], STUB_MIGRATE_EXIT="4")


def test_a_service_that_does_not_end_when_asked_is_killed(
    stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_stack.processes.STOP_SECONDS", 0.5)
    running = stack([], STUB_DEAF="yes")
    pid = running.pid("stubbed")
    running.stop()
    assert not is_alive(pid)


# -- make up ----------------------------------------------------------------------------------------------------------


class Runner:
    """`python -m local_stack up` in a process group of its own, as a terminal would start it."""

    def __init__(self, folder: Path, **env: str) -> None:
        ports = {service.port_variable: str(free_port()) for service in SERVICES}
        self.folder = folder
        self.env = {**os.environ, **ports, "LOCAL_STATE": str(folder), **env}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local_stack", "up"],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def record(self) -> Record:
        assert wait_until(lambda: read_record(self.folder) is not None or self.process.poll() is not None, seconds=60)
        record = read_record(self.folder)
        assert record is not None, self.process.communicate()[0]
        return record

    def end(self) -> str:
        """What it printed; killed when it does not end by itself."""
        try:
            return self.process.communicate(timeout=30)[0]
        finally:
            self.process.kill()


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local_stack", *arguments], env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def named(servers: Servers) -> Iterator[dict[str, str]]:
    """The test run's servers, named to a runner by the environment, with databases of its own."""
    prefix = f"test_{secrets.token_hex(6)}_"
    yield {
        "POSTGRES_DSN": servers.postgres_dsn,
        "KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        "DATABASE_PREFIX": prefix,
    }
    for service in SERVICES:
        dropdb(servers.postgres_dsn, f"{prefix}{service.package}")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_service_outlives_the_runner(
    folder: Path, stubs: None, named: dict[str, str], ending: signal.Signals
) -> None:
    runner = Runner(folder, **named)
    try:
        pids = [row.pid for row in runner.record().rows]
        assert len(pids) == len(SERVICES)
        assert all(is_alive(pid) for pid in pids)
        os.killpg(runner.process.pid, ending)  # as Ctrl-C in a terminal: to the whole group
    finally:
        printed = runner.end()
    assert runner.process.returncode == (0 if ending != signal.SIGKILL else -signal.SIGKILL), printed
    assert "Traceback" not in printed
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids), seconds=10)


def test_no_server_outlives_a_killed_runner_and_the_next_one_starts(
    folder: Path, stubs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTGRES_DSN", raising=False)
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    port = str(free_port())
    killed = Runner(folder, KAFKA_PORT=port)
    pids = [row.pid for row in killed.record().rows]
    killed.process.kill()
    killed.end()
    (folder / "runner.json").unlink()  # so that `record` below waits for the next runner's
    runner = Runner(folder, KAFKA_PORT=port)  # at once, while what was left is still ending
    try:
        rows = runner.record().rows
        assert [row.name for row in rows][:2] == ["postgres", "kafka"]
        assert not any(is_alive(pid) for pid in pids)
        assert run("down", env=runner.env).stdout == "Everything has ended; the state is kept.\n"
    finally:
        runner.end()
    assert not is_locked(folder)
    assert not any(is_alive(row.pid) for row in rows)


def test_a_second_up_is_one_line_and_exit_code_2(folder: Path, stubs: None, named: dict[str, str]) -> None:
    runner = Runner(folder, **named)
    try:
        runner.record()
        second = run("up", env=runner.env)
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr.startswith(f"error: already up (pid {runner.process.pid})")
        assert second.stderr.count("\n") == 1
        status = run("status", env=runner.env)
        assert [line.split()[0] for line in status.stdout.splitlines()[1:]] == [*(s.name for s in SERVICES), "runner"]
        assert run("down", env=runner.env).returncode == 0
    finally:
        printed = runner.end()
    assert "Ready after" in printed


def test_a_port_in_use_is_one_line_and_exit_code_2(folder: Path, stubs: None, named: dict[str, str]) -> None:
    ports = {service.port_variable: str(free_port()) for service in SERVICES}  # the usual ones may be taken, too
    with socket.create_server(("127.0.0.1", int(ports["DIALER_PORT"]))):
        refused = run("up", env={**os.environ, **named, **ports, "LOCAL_STATE": str(folder)})
    port = ports["DIALER_PORT"]
    assert refused.returncode == 2
    expected = f"error: port {port} is in use (dialer): end what uses it, or choose another with DIALER_PORT=…\n"
    assert refused.stderr == expected


@pytest.mark.parametrize("command", [["status"], ["psql"], ["tail", "campaign-events"]])
def test_looking_where_nothing_is_up_is_one_line_and_exit_code_2(folder: Path, command: list[str]) -> None:
    env = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP"}
    looked = run(*command, env={**env, "LOCAL_STATE": str(folder)})
    assert (looked.returncode, looked.stderr) == (2, "error: nothing is up: start it with `make up`\n")


def test_tail_prints_an_event_as_one_json_line(
    servers: Servers, database: Callable[[], str], folder: Path, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}kept"
    write(servers, dsn=database(), topic=topic)
    env = {**os.environ, "KAFKA_BOOTSTRAP": servers.kafka_bootstrap, "LOCAL_STATE": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-m", "local_stack", "tail", topic, "--beginning"],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        # Tests that run in a shell's background are deaf to Ctrl-C, and so would be their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as tail:
        assert tail.stdout is not None
        try:
            shown = json.loads(tail.stdout.readline())
            tail.send_signal(signal.SIGINT)
            assert tail.wait(10) == 130
        finally:
            tail.kill()
    assert (shown["partition"], shown["offset"], shown["key"], shown["value"]) == (0, 0, None, "kept")


def is_alive(pid: int | None) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def instance_id(url: str) -> str:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
