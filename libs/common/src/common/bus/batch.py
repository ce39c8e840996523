"""Carries one batch through its handler so that every record ends stored, or as a dead letter, or is read again.

    parse each ──unreadable──> dead letter ┐
      │                                    ├─ one transaction, then `after`, then the caller commits the offsets
    store all ──rejected────> dead letter ┘
      │ our code failed: the records one at a time, the culprit becomes a dead letter
      │ database or broker away: `Away`, and the caller reads the batch again
      └ a dead letter cannot be written, the schema does not fit: `ConsumerFailed`, and the service ends

A crash between any two steps repeats the batch; nothing is acknowledged before its transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog

from common import failpoints
from common.bus.handler import Accounting, Delivered, Handler, Sparing
from common.bus.judgement import BatchJudgement, blamed, judge, unreadable
from common.bus.record import RawRecord
from common.bus.trace import MessagingTrace, record_error, trace_id_of
from common.failures import Failure
from common.state.dead_letters import DeadLetter, DeadLetters, Stage
from common.state.pool import DbConnection, Pool, transaction
from common.state.trouble import DatabaseTrouble, trouble_of

M = TypeVar("M")
Take = Callable[[DbConnection, bool], Awaitable[None]]
"""Stores how far a batch goes (R27); with False it only says whether the batch may still be stored."""

_log = structlog.get_logger(__name__)


class Away(Exception):
    """Something the batch needs is not there at the moment; reading it again later is right."""


class ConsumerFailed(Exception):
    """This consumer must not go on: the service ends, and nothing of the batch was acknowledged."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What dead letters say of the process that wrote them."""

    service: str
    version: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record and why it becomes a dead letter."""

    record: RawRecord
    failure: Failure


async def nowhere(tx: DbConnection, last: bool) -> None:
    """For groups whose place only Kafka keeps."""


class BatchRunner(Generic[M]):
    """Runs batches of one handler; knows nothing of offsets."""

    def __init__(
        self,
        handler: Handler[M],
        pool: Pool,
        origin: Origin,
        *,
        now: Callable[[], datetime],
        trace: MessagingTrace,
        on_letters: Callable[[Sequence[Rejection]], None],
    ) -> None:
        self._handler = handler
        self._pool = pool
        self._origin = origin
        self._now = now
        self._trace = trace
        self._on_letters = on_letters

    async def run(self, records: Sequence[RawRecord], take: Take = nowhere) -> None:
        """Returns when every record is safe; raises `Away` or `ConsumerFailed` when its offset must not be committed."""
        with self._trace.processing(self._handler.group, records) as span:
            delivered, unread = self._parse(records)
            await failpoints.hit("bus.before_store")
            try:
                await self._store_all(delivered, unread, take, last=True)
            except Exception as error:  # noqa: BLE001 - the one place that decides what becomes of a batch
                if span is not None:
                    record_error(span, error)
                self._blame_or_raise(error)
                await self._store_singly(delivered, unread, take)
            await failpoints.hit("bus.after_store")
            await self._produce([one for one in delivered if one.failure is None])
            await failpoints.hit("bus.before_commit")

    def _parse(self, records: Sequence[RawRecord]) -> tuple[list[Delivered[M]], list[Rejection]]:
        delivered: list[Delivered[M]] = []
        unread: list[Rejection] = []
        parse = self._handler.parse
        for record in records:
            try:
                delivered.append(Delivered(parse(record), record))
            except Exception as error:  # noqa: BLE001 - whatever a parser raises is about this record alone
                unread.append(Rejection(record, unreadable(error)))
        return delivered, unread

    async def _store_all(
        self, delivered: Sequence[Delivered[M]], unread: Sequence[Rejection], take: Take, *, last: bool
    ) -> None:
        if not unread and self._stores_nothing(delivered, take):
            return
        async with transaction(self._pool) as tx:
            # R27: first, so that whoever comes too late waits for nobody and changes nothing.
            await take(tx, last)
            if delivered:
                await self._handler.store(delivered, tx)
            letters = [*unread, *_rejected(delivered)]
            await self._write(letters, tx)
        self._on_letters(letters)

    def _stores_nothing(self, delivered: Sequence[Delivered[M]], take: Take) -> bool:
        """Then there is no transaction: no place, no dead letter, and nothing of the handler's."""
        if take is not nowhere or not isinstance(self._handler, Sparing):
            return False
        return not self._handler.stores(delivered) and not _rejected(delivered)

    async def _store_singly(self, delivered: Sequence[Delivered[M]], unread: Sequence[Rejection], take: Take) -> None:
        await self._store_around(unread, take, last=False)
        for one in delivered:
            one.failure = None
            try:
                await self._store_all([one], (), take, last=False)
            except Exception as error:  # noqa: BLE001 - judged at once
                await self._bury(one, error)
        await self._store_around((), take, last=True)

    async def _store_around(self, unread: Sequence[Rejection], take: Take, *, last: bool) -> None:
        """What is about none of the handler's records: there is nobody to blame."""
        try:
            await self._store_all((), unread, take, last=last)
        except Exception as error:
            self._blame_or_raise(error)
            raise

    async def _produce(self, stored: Sequence[Delivered[M]]) -> None:
        if not stored:
            return
        try:
            await self._handler.after(stored)
        except Exception as error:  # noqa: BLE001 - judged at once
            self._blame_or_raise(error)
            if len(stored) == 1:
                await self._bury(stored[0], error)
                return
            for one in stored:
                await self._produce([one])

    async def _bury(self, one: Delivered[M], error: Exception) -> None:
        self._blame_or_raise(error)
        one.reject(blamed(error))
        letters = _rejected([one])
        try:
            async with transaction(self._pool) as tx:
                await self._write(letters, tx)
        except Exception as unwritten:
            self._blame_or_raise(unwritten)
            raise ConsumerFailed(f"A dead letter of {one.record.place} cannot be written.") from unwritten
        self._on_letters(letters)

    async def _write(self, letters: Sequence[Rejection], tx: DbConnection) -> None:
        try:
            await DeadLetters(tx).write([self._letter(letter) for letter in letters])
            if letters and isinstance(self._handler, Accounting):
                await self._handler.buried([(one.record, one.failure) for one in letters], tx)
        except Exception as error:
            if trouble_of(error) is DatabaseTrouble.AWAY:
                raise
            places = ", ".join(letter.record.place for letter in letters[:3])
            raise ConsumerFailed(f"Dead letters cannot be written ({places}): {type(error).__name__}.") from error

    def _blame_or_raise(self, error: Exception) -> None:
        """Returns when single records are to blame; otherwise says what must happen to the batch."""
        if isinstance(error, ConsumerFailed | Away):
            raise error
        match judge(error):
            case BatchJudgement.WAIT:
                raise Away(f"{type(error).__name__}: {error}") from error
            case BatchJudgement.STOP:
                raise ConsumerFailed(f"The database does not fit this version: {error}.") from error
            case BatchJudgement.BLAME:
                _log.warning("consumer.batch_failed", topic=self._handler.topic.name, error=type(error).__name__)

    def _letter(self, rejection: Rejection) -> DeadLetter:
        record, failure = rejection.record, rejection.failure
        return DeadLetter(
            group=self._handler.group,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            recorded_at=record.at,
            key=record.key,
            value=record.value,
            headers=record.headers,
            service=self._origin.service,
            version=self._origin.version,
            stage=self._origin.stage,
            code=failure.code,
            kind=failure.kind,
            message=failure.message,
            at=self._now(),
            vendor_status=failure.vendor_status,
            vendor_code=failure.vendor_code,
            vendor_words=failure.vendor_words,
            vendor_request_id=failure.vendor_request_id,
            trace_id=trace_id_of(record),
        )


def _rejected(delivered: Sequence[Delivered[M]]) -> list[Rejection]:
    return [Rejection(one.record, one.failure) for one in delivered if one.failure is not None]
