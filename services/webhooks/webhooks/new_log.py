"""Goes on with campaign-command's new log after a restore: at its end, since what stands before was told already.

What must stay true: a partition's position is that of its last event, so the next fact follows without a gap. Run it
while this service is stopped and the new log is published and at rest (its campaigns are paused).
"""

from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from campaign_events.topics import CAMPAIGN_EVENTS, PARTITIONS, SUPPRESSION_EVENTS
from campaign_service.subscription import read

if TYPE_CHECKING:
    import asyncpg

FORGET = "DELETE FROM positions WHERE topic = $1"
SET = "INSERT INTO positions (topic, partition, log, position) VALUES ($1, $2, $3, $4)"


async def go_on_at_the_end(
    connection: "asyncpg.Connection[asyncpg.Record]", consumer: AIOKafkaConsumer, *, topic_prefix: str
) -> int:
    """How many partitions hold anything. `consumer` is started, and has no group."""
    found = []
    for topic in (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS):
        partitions = [TopicPartition(topic_prefix + topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            if ends[partition] > begins[partition]:
                consumer.seek(partition, ends[partition] - 1)
                event = read(await consumer.getone(partition), topic_prefix=topic_prefix).event
                found.append((topic, partition.partition, event.log, event.position))
    async with connection.transaction():
        for topic in (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS):
            await connection.execute(FORGET, topic)
        await connection.executemany(SET, found)
    return len(found)
