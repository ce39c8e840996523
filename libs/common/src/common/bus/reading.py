"""Reads a topic for a person: no group, nothing committed, from a point to the end there is now, or for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from common.bus.connection import KafkaAddress
from common.bus.record import RawRecord
from common.bus.topics_admin import partitions_of


class NoSuchTopic(Exception):
    """The broker has no topic, or the topic no partition, of that name."""


@dataclass(frozen=True, slots=True)
class ReadFrom:
    """Where to begin in each partition: at an offset (a negative one counts from the end), at a time, or at the end."""

    offset: int = 0
    time: datetime | None = None
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first offset a partition still has, and the one its next record will get."""

    partition: int
    begin: int
    end: int


async def bounds(address: KafkaAddress, topic: str) -> list[Bounds]:
    """What each partition holds."""
    partitions = await _partitions(address, topic, None)
    async with _reader(address) as reader:
        begins, ends = await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
        return [Bounds(p.partition, begins[p], ends[p]) for p in partitions]


@dataclass(frozen=True, slots=True)
class WantedRecords:
    """Which records, beside where to begin; `each` bounds them per partition."""

    partition: int | None = None
    until: datetime | None = None
    key_prefix: bytes = b""
    each: int = 0


async def read(
    address: KafkaAddress, topic: str, start: ReadFrom, wanted: WantedRecords | None = None, *, follow: bool = False
) -> AsyncIterator[RawRecord]:
    """Records in their order per partition; ends at what was the end when it began, unless it follows."""
    wanted = wanted or WantedRecords()
    partitions = await _partitions(address, topic, wanted.partition)
    async with _reader(address) as reader:
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        await _seek(reader, partitions, ends, start)
        taken = dict.fromkeys(partitions, 0)
        while open_ones := [p for p in taken if follow or await reader.position(p) < ends[p]]:
            for place, records in (await reader.getmany(*open_ones, timeout_ms=200)).items():
                for record in _until(records, None if follow else ends[place], wanted.until):
                    if record is None or (wanted.each and taken[place] == wanted.each):
                        del taken[place]
                        break
                    if (record.key or b"").startswith(wanted.key_prefix):
                        taken[place] += 1
                        yield _raw(record)


def _until(records: Sequence[Any], end: int | None, until: datetime | None) -> Iterator[Any]:
    """The records before the end, then None if it was reached."""
    for record in records:
        if (end is not None and record.offset >= end) or (until and record.timestamp >= until.timestamp() * 1000):
            yield None
            return
        yield record


@asynccontextmanager
async def _reader(address: KafkaAddress) -> AsyncIterator[Any]:
    reader = AIOKafkaConsumer(
        **address.client_options(),
        client_id="millrace-reader",
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=10_000,
    )
    try:
        await reader.start()
        yield reader
    finally:
        await reader.stop()


async def _partitions(address: KafkaAddress, topic: str, only: int | None) -> list[Any]:
    numbers = await partitions_of(address, topic)
    if not numbers:
        raise NoSuchTopic(f"There is no topic {topic}.")
    if only is not None and only not in numbers:
        raise NoSuchTopic(f"Topic {topic} has no partition {only}; it has {len(numbers)}, from 0.")
    return [TopicPartition(topic, number) for number in numbers if only in (None, number)]


async def _seek(reader: Any, partitions: Sequence[Any], ends: dict[Any, int], start: ReadFrom) -> None:
    begins = await reader.beginning_offsets(partitions)
    if start.time is not None:
        found = await reader.offsets_for_times(dict.fromkeys(partitions, int(start.time.timestamp() * 1000)))
        places = {p: found[p].offset if found.get(p) else ends[p] for p in partitions}
    elif start.at_end:
        places = ends
    else:
        places = {p: start.offset if start.offset >= 0 else ends[p] + start.offset for p in partitions}
    for partition in partitions:
        reader.seek(partition, min(max(places[partition], begins[partition]), ends[partition]))


def _raw(record: Any) -> RawRecord:
    return RawRecord(
        record.topic, record.partition, record.offset, record.key, record.value, record.headers, record.timestamp
    )
