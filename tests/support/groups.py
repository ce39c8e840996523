"""The groups of the real services, for tests that run one of them on a broker that others used before.

A group's places are kept twice, by Kafka and by the database (R27). Each test has a database of its own, and the broker is everybody's: to what is new
here it looks like a database that went back, and nothing is ever ready.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from common.bus.connection import KafkaAddress
from common.bus.topics_admin import create_topics
from common.contracts.topics import Topic, changes, commands

Reads = tuple[str, Topic]


def of_writer(vendor: str) -> list[Reads]:
    """What a writer reads for one vendor."""
    return [(f"writer-{vendor}", commands(vendor)), (f"writer-{vendor}-events", changes(vendor))]


def of_mapper(*sources: str) -> list[Reads]:
    """What the mapper reads."""
    return [("mapper", changes(source)) for source in sources]


async def from_now_on(kafka: str, groups: Iterable[Reads]) -> None:
    """The groups begin at the end of their topics: what other tests left there is none of ours."""
    groups = list(groups)
    await create_topics(KafkaAddress(kafka), {topic.name: topic for _, topic in groups}.values())
    for group, topic in groups:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
            consumer.assign(partitions)
            await _commit(consumer, await consumer.end_offsets(partitions))
        finally:
            await consumer.stop()


async def unread(kafka: str, groups: Iterable[Reads]) -> int:
    """How many records the groups have not committed yet."""
    admin, reader = AIOKafkaAdminClient(bootstrap_servers=kafka), AIOKafkaConsumer(bootstrap_servers=kafka)
    await admin.start()
    await reader.start()
    try:
        return sum([await _behind(admin, reader, group, topic) for group, topic in groups])
    finally:
        await reader.stop()
        await admin.close()


async def _behind(admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, group: str, topic: Topic) -> int:
    read = await admin.list_consumer_group_offsets(group)
    ends = await reader.end_offsets([TopicPartition(topic.name, number) for number in range(topic.partitions)])
    return sum(end - (max(0, read[one].offset) if one in read else 0) for one, end in ends.items())


async def _commit(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
    """A member that was killed a moment ago is in the group until its session ends, and one that was just joining until the join does."""
    deadline = time.monotonic() + 90
    while True:
        try:
            await consumer.commit(ends)
            return
        except KafkaError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.5)
