"""What lies in a broker's log files: how many batches were appended to a topic, and how many records they held.

A producer's request appends one batch a partition, and so does a commit of offsets: batches are what requests cost.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OFFSETS = "__consumer_offsets"
# The head of a batch (format 2): base offset, length of what follows, and at byte 57 how many records it has.
_HEAD = struct.Struct(">qi")
_COUNT = struct.Struct(">i")
_COUNT_AT = 57


class Appended(NamedTuple):
    """What was appended to one topic."""

    batches: int
    records: int


def appended(logs: Path) -> dict[str, Appended]:
    """Of every topic of a broker, since it was made."""
    batches, records = Counter[str](), Counter[str]()
    for segment in logs.glob("*/*.log"):
        topic = segment.parent.name.rpartition("-")[0]
        for count in _counts(segment.read_bytes()):
            batches[topic] += 1
            records[topic] += count
    return {topic: Appended(batches[topic], records[topic]) for topic in batches}


def _counts(log: bytes) -> Iterator[int]:
    at = 0
    while at + _COUNT_AT + _COUNT.size <= len(log):
        _, length = _HEAD.unpack_from(log, at)
        # A segment is made at its full size, and is empty behind its last batch.
        if length <= 0 or at + _HEAD.size + length > len(log):
            return
        yield _COUNT.unpack_from(log, at + _COUNT_AT)[0]
        at += _HEAD.size + length
