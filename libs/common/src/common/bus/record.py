"""A record as Kafka gave it: bytes, and where they stood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RawRecord(NamedTuple):
    """One record, not yet understood; a null key or value stays `None`, apart from empty."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    """Milliseconds since 1970, as its producer gave it."""

    @property
    def at(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=self.timestamp)

    @property
    def place(self) -> str:
        """How people and logs name it."""
        return f"{self.topic}/{self.partition}@{self.offset}"

    def header(self, name: str) -> bytes | None:
        """The first header of that name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None
