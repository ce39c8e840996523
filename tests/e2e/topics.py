"""The topics and consumer groups of the road on a broker that other tests use as well."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from common.bus.connection import KafkaAddress
from common.bus.topics_admin import create_topics
from common.contracts.topics import Topic
from tests.e2e.background import Background
from tests.support.bus import everything
from vendors.registry import TOPICS

# Who reads what.
READERS = {
    "receipts.zoho-books": "ingest-normaliser",
    "receipts.mailchimp": "ingest-normaliser",
    "changes.zoho-books": "mapper",
    "commands.mailchimp": "writer-mailchimp",
    "changes.mailchimp": "writer-mailchimp-events",
    "receipts.shopify": "ingest-normaliser",
    "changes.shopify": "mapper",
    "commands.zoho-books": "writer-zoho-books",
    "receipts.zoho-crm": "ingest-normaliser",
    "changes.zoho-crm": "mapper",
    "commands.zoho-crm": "writer-zoho-crm",
}
DELETED_WITHIN_S = KNOWN_WITHIN_S = 60.0


class Places(NamedTuple):
    """Of each partition: its end, and how far its reader has come."""

    partitions: tuple[tuple[TopicPartition, int, int], ...]

    @property
    def lag(self) -> int:
        """Records that somebody has still to read."""
        return sum(end - read for _, end, read in self.partitions)


class Topics:
    """What is on the broker: made anew for a road, counted, and read again from the start."""

    def __init__(self, background: Background, kafka: str) -> None:
        self._background = background
        self._kafka = kafka
        self._known: dict[str, list[TopicPartition]] = {}
        self._admin: Any = background.run(_started(AIOKafkaAdminClient, kafka))
        self._reader: Any = background.run(_started(AIOKafkaConsumer, kafka))

    def close(self) -> None:
        self._background.run(self._admin.close())
        self._background.run(self._reader.stop())

    def make_anew(self) -> None:
        """Nothing of an earlier road is left on the topics, and with them the broker forgets the offsets of their groups."""
        self._background.run(self._make_anew())

    def are_new(self) -> bool:
        """Whether all are there, nothing was ever on them, and no group has said how far it is: as they are made for a road."""
        return self._background.run(self._are_new())

    def places(self) -> Places:
        """Where every topic ends now, and where its reader has committed to be."""
        return Places(self._background.run(self._places()))

    def count(self, topic: str) -> int:
        """How many records the topic has."""
        return self._background.run(self._count(topic))

    def records(self, topic: Topic) -> list[Any]:
        """All that is on the topic."""
        return self._background.run(everything(self._kafka, topic))

    def to_earliest(self, topic: str) -> int:
        """Moves its reader's offsets to the start, as `millrace group seek --to earliest` does; says how many records that is."""
        return self._background.run(self._to_earliest(topic))

    async def _make_anew(self) -> None:
        names = {topic.name for topic in TOPICS}
        there = names & set(await self._admin.list_topics())
        if there:
            await self._admin.delete_topics(sorted(there))
        async with asyncio.timeout(DELETED_WITHIN_S):
            while names & set(await self._admin.list_topics()):  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.05)
        await create_topics(KafkaAddress(self._kafka), TOPICS)

    async def _are_new(self) -> bool:
        names = {topic.name for topic in TOPICS}
        if not names <= set(await self._admin.list_topics()):
            return False
        partitions = [one for name in names for one in await self._partitions(name)]
        if any((await self._reader.end_offsets(partitions)).values()):
            return False
        groups = {name for name, _ in await self._admin.list_consumer_groups()}
        told = await asyncio.gather(*map(self._committed, groups))
        return not any(one.topic in names for committed in told for one in committed)

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        """Asked once: nobody changes their number."""
        if topic not in self._known:
            [described] = await self._admin.describe_topics([topic])
            self._known[topic] = [TopicPartition(topic, one["partition"]) for one in described["partitions"]]
        return self._known[topic]

    async def _places(self) -> tuple[tuple[TopicPartition, int, int], ...]:
        """All readers are asked before the ends are: a record that comes between the two is one to be read."""
        groups = sorted(set(READERS.values()))
        answers = await asyncio.gather(*map(self._committed, groups))
        committed = dict(zip(groups, answers, strict=True))
        ends = await self._reader.end_offsets([one for topic in READERS for one in await self._partitions(topic)])
        return tuple((tp, end, _read(committed[READERS[tp.topic]], tp)) for tp, end in sorted(ends.items()))

    async def _committed(self, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """A broker that comes back reads its log before it says who keeps a group's offsets."""
        async with asyncio.timeout(KNOWN_WITHIN_S):
            while True:
                try:
                    found: Mapping[TopicPartition, OffsetAndMetadata] = await self._admin.list_consumer_group_offsets(
                        group
                    )
                    return found
                except KafkaError as away:
                    if not away.retriable:
                        raise
                    await asyncio.sleep(0.05)

    async def _count(self, topic: str) -> int:
        ends = await self._reader.end_offsets(await self._partitions(topic))
        return sum(ends.values())

    async def _to_earliest(self, topic: str) -> int:
        partitions = await self._partitions(topic)
        mover = AIOKafkaConsumer(bootstrap_servers=self._kafka, group_id=READERS[topic], enable_auto_commit=False)
        await mover.start()
        try:
            mover.assign(partitions)
            firsts = await mover.beginning_offsets(partitions)
            await mover.commit({tp: OffsetAndMetadata(first, "") for tp, first in firsts.items()})
        finally:
            await mover.stop()
        return await self._count(topic)


def _read(committed: Mapping[TopicPartition, OffsetAndMetadata], partition: TopicPartition) -> int:
    return max(0, committed[partition].offset) if partition in committed else 0


async def _started(kind: Any, kafka: str) -> Any:
    made = kind(bootstrap_servers=kafka)
    await made.start()
    return made
