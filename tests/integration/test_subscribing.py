"""The examples of docs/subscribing.md do what the page says: run as they stand, on a real Kafka."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from campaign_events.envelope import Event, wrap
from campaign_events.facts import CampaignStarted
from campaign_events.topics import CAMPAIGN_EVENTS, PARTITIONS
from campaign_service.publisher import Publisher
from campaign_service.topic_admin import ensure_topics
from local_stack.servers import Servers

Eventually = Callable[..., Awaitable[Any]]
PAGE = Path(__file__).parents[2] / "docs" / "subscribing.md"
EXAMPLES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL))
SUBSCRIBERS = ["with_faststream.py", "with_aiokafka.py"]


@dataclass
class Team:
    """Another team: the page's files in a folder, and the process that runs one of them."""

    folder: Path
    publisher: Publisher
    env: dict[str, str]
    log: UUID = field(default_factory=uuid4)
    campaign: UUID = field(default_factory=uuid4)
    process: asyncio.subprocess.Process | None = None

    async def start(self, example: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, example, cwd=self.folder, env={**os.environ, **self.env}, stderr=asyncio.subprocess.PIPE
        )

    async def end(self, with_signal: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(with_signal)
        await self.process.communicate()

    def event(self, position: int, *, prior: int | None = None, log: UUID | None = None) -> Event[Any]:
        return wrap(
            CampaignStarted(at=datetime.now(UTC), campaign_id=self.campaign, settings_version=1),
            log=log or self.log,
            position=position,
            prior=position - 1 if prior is None else prior,
            stream_version=1,
            workspace=uuid4(),
            correlation_id=None,
            causation_id=None,
        )

    async def publish(self, *events: Event[Any]) -> None:
        await self.publisher.publish([(CAMPAIGN_EVENTS, event) for event in events])

    def stored(self) -> tuple[int, int]:
        """How many facts had their effect, and the last position."""
        with closing(sqlite3.connect(self.folder / "facts.sqlite", timeout=5)) as db:
            names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
            if not {"facts_by_type", "positions"} <= names:
                return (0, 0)  # it is just about to make them
            [(count,)] = db.execute("SELECT coalesce(sum(count), 0) FROM facts_by_type").fetchall()
            [(position,)] = db.execute("SELECT coalesce(max(position), 0) FROM positions").fetchall()
            return (count, position)


@pytest.fixture
def team(servers: Servers, topic_prefix: str, tmp_path: Path) -> Callable[[], Any]:
    @asynccontextmanager
    async def made() -> AsyncIterator[Team]:
        for name, text in EXAMPLES.items():
            (tmp_path / name).write_text(text)
        await ensure_topics(servers.kafka_bootstrap, [topic_prefix + CAMPAIGN_EVENTS])
        env = {"KAFKA_BOOTSTRAP": servers.kafka_bootstrap, "TOPIC_PREFIX": topic_prefix}
        async with Publisher(servers.kafka_bootstrap, topic_prefix=topic_prefix, client_id="tests") as publisher:
            one = Team(tmp_path, publisher, env)
            try:
                yield one
            finally:
                if one.process is not None and one.process.returncode is None:
                    await one.end(signal.SIGKILL)

    return made


@pytest.mark.parametrize("example", SUBSCRIBERS)
async def test_a_subscriber_takes_each_fact_once_from_the_beginning_also_after_a_kill(
    example: str, team: Callable[[], Any], eventually: Eventually
) -> None:
    async with team() as it:
        await it.publish(*(it.event(n) for n in range(1, 6)))
        await it.start(example)
        await eventually(lambda: it.stored() == (5, 5), within_seconds=30)
        await it.end(signal.SIGKILL)
        # The writer publishes again what it did not see acknowledged, and goes on.
        await it.publish(*(it.event(n) for n in range(3, 9)))
        await it.start(example)
        await eventually(lambda: it.stored() == (8, 8), within_seconds=30)


@pytest.mark.parametrize("example", SUBSCRIBERS)
async def test_a_subscriber_stops_at_a_gap_and_stores_nothing_of_it(example: str, team: Callable[[], Any]) -> None:
    async with team() as it:
        await it.publish(it.event(1), it.event(4, prior=3))
        await it.start(example)
        _, said = await asyncio.wait_for(it.process.communicate(), 30)
        assert it.process.returncode == 70
        assert b"a gap, position 4 follows 3, so far 1" in said
        assert it.stored() == (1, 1)


async def test_a_subscriber_stops_when_the_facts_are_of_another_log(team: Callable[[], Any]) -> None:
    async with team() as it:
        topic, other = it.env["TOPIC_PREFIX"] + CAMPAIGN_EVENTS, uuid4()
        with closing(sqlite3.connect(it.folder / "facts.sqlite")) as db, db:
            db.execute("CREATE TABLE positions (topic, partition, log, position, PRIMARY KEY (topic, partition))")
            applied = [(topic, partition, str(other), 1) for partition in range(PARTITIONS)]
            db.executemany("INSERT INTO positions VALUES (?, ?, ?, ?)", applied)
        await it.publish(it.event(2))
        await it.start("with_aiokafka.py")
        _, said = await asyncio.wait_for(it.process.communicate(), 30)
        assert it.process.returncode == 70
        assert f"log {it.log}, so far {other}".encode() in said


def test_the_receiver_of_webhooks_takes_what_is_signed_and_refuses_the_rest() -> None:
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["receiving.py"], namespace)
    secret = "whsec_" + "c2VjcmV0" * 4
    body = json.dumps({"type": "CallEnded"})
    at = datetime.now(UTC)
    headers = {"webhook-id": "log:1", "webhook-timestamp": str(int(at.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign("log:1", at, body)
    assert namespace["receive"](secret, headers, body.encode()) == {"type": "CallEnded"}
    with pytest.raises(WebhookVerificationError):
        namespace["receive"](secret, headers, body.replace("Ended", "Placed").encode())


def test_the_examples_are_all_there_and_the_first_has_ten_lines() -> None:
    assert set(EXAMPLES) == {"guard.py", "receiving.py", *SUBSCRIBERS}
    lines = [line for line in EXAMPLES["with_faststream.py"].splitlines() if line.strip()]
    assert len(lines) == 10
