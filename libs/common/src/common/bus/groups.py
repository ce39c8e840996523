"""Consumer groups: who reads what, how far each is behind, and moving a stopped group's offsets.

Moving offsets is safe here: everything is read and judged again, and nothing older than what is known is written (R7). The broker
itself refuses it while a member is active, because the offsets of a running consumer are its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownMemberIdError
from aiokafka.structs import OffsetAndMetadata

from common.bus.commits import commits_of, refuse
from common.bus.connection import KafkaAddress
from common.bus.error_codes import BROKER_UNAVAILABLE
from common.bus.topics_admin import administration, partitions_of
from common.failures import Transient

_GONE = "Dead"
_NO_OFFSET = -1


class GroupActive(Exception):
    """The group has members: its offsets are theirs until they stop."""


@dataclass(frozen=True, slots=True)
class GroupPosition:
    """How far a group is in one partition; `committed` is None where it never was."""

    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int

    @property
    def lag(self) -> int:
        """How many records it has still to read."""
        return max(0, self.end - max(self.begin, self.committed if self.committed is not None else self.begin))


@dataclass(frozen=True, slots=True)
class Group:
    """A group, its members, and its places."""

    name: str
    state: str
    members: tuple[str, ...]
    places: tuple[GroupPosition, ...] = ()

    @property
    def lag(self) -> int:
        return sum(place.lag for place in self.places)


@dataclass(frozen=True, slots=True)
class Move:
    """One partition's offset, before and after."""

    topic: str
    partition: int
    before: int | None
    after: int
    begin: int
    end: int


async def names(address: KafkaAddress) -> list[str]:
    """Every group that the broker knows."""
    with _translated():
        async with administration(address) as admin:
            return sorted(str(found[0]) for found in await admin.list_consumer_groups())


async def group(address: KafkaAddress, name: str) -> Group | None:
    """One group with its lag; None when the broker does not know it."""
    with _translated():
        return await _group(address, name)


async def _group(address: KafkaAddress, name: str) -> Group | None:
    async with administration(address) as admin:
        (answer,) = await admin.describe_consumer_groups([name])
        described = answer.to_object()["groups"][0]
        refuse(described["error_code"], name)
        offsets = await commits_of(admin, name)
    committed = {place: found.offset for place, found in offsets.items() if found.offset != _NO_OFFSET}
    if described["state"] == _GONE and not committed:
        return None
    members = tuple(sorted(f"{one['client_id']} {one['client_host']}" for one in described["members"]))
    return Group(name, described["state"], members, await _places(address, committed))


async def moves(address: KafkaAddress, name: str, topic: str, to: str | datetime) -> list[Move]:
    """What a seek would do; nothing for a topic that is not there. `to` is earliest, latest, a number (negative: from the end), or a moment."""
    with _translated():
        return await _moves(address, name, topic, to)


async def _moves(address: KafkaAddress, name: str, topic: str, to: str | datetime) -> list[Move]:
    partitions = [TopicPartition(topic, number) for number in await partitions_of(address, topic)]
    if not partitions:
        return []
    async with administration(address) as admin:
        offsets = await commits_of(admin, name, topic, [one.partition for one in partitions])
    reader = _reader(address, None)
    try:
        await reader.start()
        begins, ends = await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
        wanted = await _wanted(reader, partitions, begins, ends, to)
    finally:
        await reader.stop()
    return [
        Move(topic, p.partition, _before(offsets, p), min(max(wanted[p], begins[p]), ends[p]), begins[p], ends[p])
        for p in partitions
    ]


async def commit(address: KafkaAddress, name: str, offsets: Mapping[tuple[str, int], int]) -> None:
    """Stores offsets for a group without members; raises `GroupActive`, and then nothing was changed."""
    found = await group(address, name)
    if found is not None and found.members:
        raise GroupActive(", ".join(found.members))
    with _translated():
        await _commit(address, name, offsets)


async def _commit(address: KafkaAddress, name: str, offsets: Mapping[tuple[str, int], int]) -> None:
    client = _reader(address, name)
    try:
        await client.start()
        places = {TopicPartition(*place): OffsetAndMetadata(offset, "") for place, offset in offsets.items()}
        client.assign(list(places))
        await client.commit(places)
    except UnknownMemberIdError as joined:
        raise GroupActive("a member joined in this moment") from joined
    finally:
        await client.stop()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as away:
        raise Transient(BROKER_UNAVAILABLE, f"Kafka does not answer: {type(away).__name__}.") from away


def _reader(address: KafkaAddress, name: str | None) -> Any:
    return AIOKafkaConsumer(
        **address.client_options(), client_id="millrace-groups", group_id=name, enable_auto_commit=False, request_timeout_ms=10_000
    )  # fmt: skip


async def _places(address: KafkaAddress, committed: Mapping[TopicPartition, int]) -> tuple[GroupPosition, ...]:
    if not committed:
        return ()
    reader = _reader(address, None)
    try:
        await reader.start()
        listed = sorted(committed)
        begins, ends = await reader.beginning_offsets(listed), await reader.end_offsets(listed)
    finally:
        await reader.stop()
    return tuple(GroupPosition(p.topic, p.partition, committed[p], begins[p], ends[p]) for p in listed)


async def _wanted(
    reader: Any,
    partitions: Sequence[TopicPartition],
    begins: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    to: str | datetime,
) -> Mapping[TopicPartition, int]:
    if isinstance(to, datetime):
        found = await reader.offsets_for_times(dict.fromkeys(partitions, int(to.timestamp() * 1000)))
        return {p: found[p].offset if found.get(p) else ends[p] for p in partitions}
    if to in ("earliest", "latest"):
        return begins if to == "earliest" else ends
    number = int(to)
    return {p: number if number >= 0 else ends[p] + number for p in partitions}


def _before(offsets: Mapping[TopicPartition, Any], place: TopicPartition) -> int | None:
    found = offsets.get(place)
    return None if found is None or found.offset == _NO_OFFSET else int(found.offset)
