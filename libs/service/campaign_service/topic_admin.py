"""Makes sure that topics exist with the number of partitions the positions depend on."""

import asyncio
import time
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity

from campaign_events.topics import PARTITIONS, TOPIC_CONFIG

VISIBLE_WITHIN_SECONDS = 10.0


class WrongPartitions(Exception):
    """The topic has another number of partitions than the contract fixes."""


async def ensure_topics(
    bootstrap: str, topics: Iterable[str], *, create: bool = True, security: BaseSecurity | None = None
) -> None:
    """Create what is missing (if `create`) and check the rest. WrongPartitions says which topic differs."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **parse_security(security))
    await admin.start()
    try:
        names = list(topics)
        existing = set(await admin.list_topics())
        missing = [name for name in names if name not in existing] if create else []
        if missing:
            response = await admin.create_topics(
                [
                    # -1 is the broker's own default; aiokafka takes it only beside (empty) assignments.
                    NewTopic(
                        name=name,
                        num_partitions=PARTITIONS,
                        replication_factor=-1,
                        replica_assignments={},
                        topic_configs=TOPIC_CONFIG,
                    )
                    for name in missing
                ]
            )
            for name, code, *_ in response.topic_errors:  # type: ignore[attr-defined]
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise for_code(code)(f"creating topic {name}")
        described = await admin.describe_topics(names)
        deadline = time.monotonic() + VISIBLE_WITHIN_SECONDS
        while not all(topic["partitions"] for topic in described) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)  # a topic just made is not known to every broker at once
            described = await admin.describe_topics(names)
        for topic in described:
            found = len(topic["partitions"])
            if found != PARTITIONS:
                raise WrongPartitions(f"topic {topic['topic']} has {found} partitions, the contract says {PARTITIONS}")
    finally:
        await admin.close()


async def delete_topics(bootstrap: str, *, topic_prefix: str) -> None:
    """Delete every topic whose name starts with the prefix. ValueError for an empty one: that would be all."""
    if not topic_prefix:
        raise ValueError("a prefix is needed")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(topic_prefix)]
        if names:
            await admin.delete_topics(names)
    finally:
        await admin.close()


async def delete_topics_named(bootstrap: str, names: Iterable[str], *, security: BaseSecurity | None = None) -> None:
    """Delete these topics and wait until they are gone. TimeoutError when they are there after a while."""
    wanted = set(names)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **parse_security(security))
    await admin.start()
    try:
        if there := wanted & set(await admin.list_topics()):
            await admin.delete_topics(sorted(there))
        deadline = time.monotonic() + VISIBLE_WITHIN_SECONDS
        while there := wanted & set(await admin.list_topics()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{', '.join(sorted(there))}: still there after {VISIBLE_WITHIN_SECONDS:.0f} s")
            await asyncio.sleep(0.1)
    finally:
        await admin.close()
