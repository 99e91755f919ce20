"""Makes sure that topics exist with the number of partitions the positions depend on."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from campaign_events.topics import PARTITIONS, TOPIC_CONFIG


class WrongPartitions(Exception):
    """The topic has another number of partitions than the contract fixes."""


async def ensure_topics(bootstrap: str, topics: Iterable[str], *, create: bool = True) -> None:
    """Create what is missing (if `create`) and check the rest. WrongPartitions says which topic differs."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = list(topics)
        existing = set(await admin.list_topics())
        missing = [name for name in names if name not in existing] if create else []
        if missing:
            response = await admin.create_topics(
                [
                    NewTopic(name=name, num_partitions=PARTITIONS, replication_factor=-1, topic_configs=TOPIC_CONFIG)
                    for name in missing
                ]
            )
            for name, code, *_ in response.topic_errors:  # type: ignore[attr-defined]
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise for_code(code)(f"creating topic {name}")
        for topic in await admin.describe_topics(names):
            found = len(topic["partitions"])
            if found != PARTITIONS:
                raise WrongPartitions(f"topic {topic['topic']} has {found} partitions, the contract says {PARTITIONS}")
    finally:
        await admin.close()
