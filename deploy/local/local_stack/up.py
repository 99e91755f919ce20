"""`make up`: servers and services in the foreground, until Ctrl-C, SIGTERM, a closed terminal or `make down`."""

import os
import signal
import time
from pathlib import Path
from types import FrameType

from local_stack import ports
from local_stack.gateway import MISSING, everything
from local_stack.processes import Options, Stack
from local_stack.servers import Servers, servers
from local_stack.services import DASHBOARD, GATEWAY_NAME
from local_stack.state import Record, Row, StackError, is_locked, read_record, remove_record, write_record
from local_stack.waiting import wait_until

KAFKA_PORT = 9192
"""The controller has the next one."""
DOWN_SECONDS = 60.0
_LOOK_SECONDS = 0.5


def up(folder: Path) -> None:
    """Returns when asked to end, with everything ended and the state kept."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    services = everything()
    service_ports = {service.name: _port(service.port_variable, service.port) for service in services}
    kafka_port = _port("KAFKA_PORT", KAFKA_PORT)
    if not is_locked(folder):  # else `servers` says that it is up already
        remove_record(folder)  # of a runner that was killed
        for service in services:
            _require_free(service_ports[service.name], service.name, service.port_variable)
    began = time.monotonic()
    with servers(state_folder=folder, kafka_ports=(kafka_port, kafka_port + 1)) as both:
        _say(f"PostgreSQL and Kafka are up ({time.monotonic() - began:.1f} s), starting the services…")
        options = Options(
            database_prefix=os.environ.get("DATABASE_PREFIX", ""),
            topic_prefix=os.environ.get("TOPIC_PREFIX", ""),
            ports=service_ports,
            services=services,
        )
        stack = Stack(both, state_folder=folder, options=options, report=_say)
        try:
            with stack.running():
                _say(_welcome(stack, folder, time.monotonic() - began))
                _look_after(both, stack, folder)
        finally:
            remove_record(folder)


def down(folder: Path) -> None:
    """Ends the runner of this folder, from another shell."""
    record = read_record(folder)
    if not is_locked(folder):
        _say("Nothing is up.")
        return
    if record is None:
        raise StackError(f"a runner is just starting or ending in {folder}: try again in a moment")
    os.kill(record.runner_pid, signal.SIGTERM)
    if not wait_until(lambda: not is_locked(folder), seconds=DOWN_SECONDS):
        raise StackError(
            f"pid {record.runner_pid} did not end within {DOWN_SECONDS:.0f} s: kill -9 it, nothing outlives it"
        )
    _say("Everything has ended; the state is kept.")


def _look_after(both: Servers, stack: Stack, folder: Path) -> None:
    """Starts a crashed server again, as the stack does with services, and keeps the record for other shells."""
    restarts = dict.fromkeys((server.name for server in both.own), 0)
    written: Record | None = None
    while True:
        for server in both.own:
            if server.pid is None:
                _say(f"{server.name} has ended by itself, starting it again (log: {server.log})")
                server.start()
                restarts[server.name] += 1
        record = Record(
            runner_pid=os.getpid(),
            postgres_dsn=both.postgres_dsn,
            kafka_bootstrap=both.kafka_bootstrap,
            databases=stack.databases,
            topic_prefix=stack.options.topic_prefix,
            rows=[
                *(
                    Row(server.name, "server", server.address, server.pid, restarts[server.name], str(server.log))
                    for server in both.own
                ),
                *stack.rows(),
            ],
        )
        if record != written:
            write_record(folder, record)
            written = record
        time.sleep(_LOOK_SECONDS)


def _welcome(stack: Stack, folder: Path, seconds: float) -> str:
    has_gateway = any(service.name == GATEWAY_NAME for service in stack.options.services)
    one = (
        f"Everything at one address, as elsewhere (the page at /, the APIs at /v1):  {stack.url(GATEWAY_NAME)}"
        if has_gateway
        else f"({MISSING}.)"
    )
    addresses = [f"  {row.name:<20} {row.address}" for row in stack.rows()]
    return "\n".join(
        [
            f"Ready after {seconds:.1f} s. Open the dashboard:  {stack.url(DASHBOARD.name)}",
            one,
            *addresses,
            f"  {'kafka':<20} {stack.servers.kafka_bootstrap}",
            f"  {'postgres':<20} {stack.servers.postgres_dsn}",
            f"  {'state and logs':<20} {folder}",
            'A token for the APIs (12 h):  TOKEN=$(make token)   then   curl -H "Authorization: Bearer $TOKEN" …',
            "From another shell: make status, make logs, make psql, make tail topic=campaign-events, make down.",
            "Ctrl-C ends everything; the state is kept.",
        ]
    )


def _end(number: int, frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not interrupt the orderly end.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    _say("Ending; the state is kept…")
    raise SystemExit(0)


def _port(variable: str, default: int) -> int:
    value = os.environ.get(variable, str(default))
    if not value.isdecimal() or not 1 <= int(value) <= 65_534:
        raise StackError(f"{variable}={value} is no port: give a number from 1 to 65534")
    return int(value)


def _require_free(port: int, name: str, variable: str) -> None:
    # What a killed runner left is ending right now.
    if not wait_until(lambda: ports.is_free(port), seconds=2):
        raise StackError(f"port {port} is in use ({name}): end what uses it, or choose another with {variable}=…")


def _say(text: str) -> None:
    print(text, flush=True)
