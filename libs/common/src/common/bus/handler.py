"""What a service writes to consume a topic: parse one record, store a batch in one transaction, then produce."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar, runtime_checkable

from common.bus.record import RawRecord
from common.contracts.topics import Topic
from common.failures import Failure
from common.state.pool import DbConnection

M = TypeVar("M")


class Delivered(Generic[M]):
    """One message with the record it was read from."""

    __slots__ = ("failure", "message", "record")

    def __init__(self, message: M, record: RawRecord) -> None:
        self.message = message
        self.record = record
        self.failure: Failure | None = None

    def reject(self, failure: Failure) -> None:
        """Makes this record a dead letter in the batch's transaction; the rest of the batch goes on."""
        self.failure = failure


class Handler(Protocol[M]):
    """A consumer's work. Every step may be repeated with the same records, and with some of them alone."""

    @property
    def topic(self) -> Topic: ...

    @property
    def group(self) -> str: ...

    def parse(self, record: RawRecord) -> M:
        """Reads one record; whatever it raises makes that record a dead letter."""
        ...

    async def store(self, batch: Sequence[Delivered[M]], tx: DbConnection) -> None:
        """Does the batch's work in the one transaction given; repeatable by the keys of its rows."""
        ...

    async def after(self, batch: Sequence[Delivered[M]]) -> None:
        """Produces what comes of the stored records; only then are their offsets committed."""
        ...


@runtime_checkable
class Accounting(Protocol):
    """A handler that accounts for what it was given, and so wants to know of what becomes a dead letter."""

    async def buried(self, letters: Sequence[tuple[RawRecord, Failure]], tx: DbConnection) -> None:
        """In the transaction that stores the dead letters; repeatable. The records may be anything."""
        ...


@runtime_checkable
class Sparing(Protocol):
    """A handler most of whose batches store nothing, and says so before a transaction is begun for them."""

    def stores(self, batch: Sequence[Delivered[M]]) -> bool:
        """Whether `store` has anything to do; what it would refuse is refused here."""
        ...
