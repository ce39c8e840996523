"""A consumer group member that loses nothing: FastStream reads batches, this decides when they are done.

Manual acknowledgement by explicit offsets, `earliest`, one worker, raw bytes. What is away is waited for, what is stuck ends
the process (its supervisor starts a new one), and SIGTERM ends it within seconds whether the broker is there or not.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage

from common.bus import error_codes
from common.bus.batch import Away, BatchRunner, ConsumerFailed, Origin, Rejection
from common.bus.connection import KafkaAddress
from common.bus.handler import Handler
from common.bus.offsets import Offsets, firsts_and_nexts
from common.bus.record import RawRecord
from common.bus.trace import MessagingTrace
from common.clock import monotonic
from common.failures import Transient
from common.metric_register import COMMIT_FAILURES, CONSUMER_LAG_RECORDS, DEAD_LETTERS, INFLIGHT, PROCESS
from common.metrics import Metrics
from common.state.pool import Pool

M = TypeVar("M")

_COLLECT_AFTER = 20_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsumerLimits:
    """The times and sizes of a consumer; the defaults are for production, tests shorten them."""

    max_records: int = 500
    poll_ms: int = 25
    """FastStream polls this long and, if nothing came, sleeps as long again: an idle topic's records wait at most so long."""
    session_timeout_s: float = 10.0
    wait_s: tuple[float, float] = (1.0, 30.0)
    """The shortest and the longest wait before a batch is read again because something is away."""
    stalled_after_s: float = 60.0
    look_every_s: float = 10.0
    revoke_s: float = 5.0
    commit_s: float = 5.0
    drain_s: float = 12.0
    close_s: float = 4.0


class BatchConsumer(Generic[M]):
    """One handler's member of its consumer group; `run` is its life."""

    def __init__(
        self,
        handler: Handler[M],
        *,
        address: KafkaAddress,
        pool: Pool,
        origin: Origin,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        trace: MessagingTrace | None = None,
        limits: ConsumerLimits | None = None,
    ) -> None:
        self._handler = handler
        self._origin = origin
        self._metrics = metrics
        self._limits = limits or ConsumerLimits()
        self._runner = BatchRunner(
            handler, pool, origin, now=now, trace=trace or MessagingTrace(), on_letters=self._count_letters
        )
        self._offsets = Offsets(handler.group)
        self._idle = asyncio.Event()
        self._idle.set()
        self._ending = asyncio.Event()
        self._hurry = asyncio.Event()
        self._failure: BaseException | None = None
        self._away = ""
        self._waits = 0
        self._progress = monotonic()
        self._broker, self._subscriber = self._build(address)

    async def run(self, stopping: asyncio.Event) -> None:
        """Consumes until `stopping` is set; raises when it must not go on, and the service then ends with an error."""
        await self._start()
        asked = asyncio.create_task(stopping.wait())
        failed = asyncio.create_task(self._ending.wait())
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({asked, failed, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (asked, failed, watching):
                task.cancel()
            await self._stop()
        if self._failure is not None:
            raise self._failure

    async def ready(self) -> str | None:
        """A readiness check: raises with the reason while this consumer can do no work."""
        if self._failure is not None or self._away:
            raise ConsumerFailed(self._away or str(self._failure))
        if self._subscriber.consumer is None:
            raise ConsumerFailed(f"{self._handler.group} is not connected to Kafka.")
        return f"{len(self._subscriber.consumer.assignment())} partitions of {self._handler.topic.name}"

    def _build(self, address: KafkaAddress) -> tuple[KafkaBroker, Any]:
        limits = self._limits
        broker = KafkaBroker(
            address.bootstrap_servers,
            security=address.security(),
            client_id=f"millrace-{self._origin.service}",
            consumer_only=True,
            allow_auto_create_topics=False,
            ack_policy=AckPolicy.MANUAL,
            graceful_timeout=0.2,
            apply_types=False,
            logger=None,
        )
        subscriber = broker.subscriber(
            self._handler.topic.name,
            group_id=self._handler.group,
            batch=True,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            max_workers=1,
            max_records=limits.max_records,
            batch_timeout_ms=limits.poll_ms,
            session_timeout_ms=int(limits.session_timeout_s * 1000),
            heartbeat_interval_ms=int(limits.session_timeout_s * 1000 / 3),
            listener=_Rebalances(self._on_revoked, self._on_assigned),
            # FastStream's own parser breaks on null and binary headers before we see the record.
            parser=_untouched,
            decoder=_undecoded,
            no_reply=True,
        )
        subscriber(self._on_batch)
        assert_manual(broker)
        return broker, subscriber

    async def _start(self) -> None:
        _calm_the_collector()
        try:
            await asyncio.wait_for(self._broker.start(), 30.0)
        except (KafkaError, OSError, TimeoutError) as away:
            await self._close()
            raise Transient(error_codes.BROKER_UNAVAILABLE, "No Kafka broker answers.", detail=repr(away)) from away
        self._progress = monotonic()

    async def _stop(self) -> None:
        """Lets the batch end, within limits; whatever was not committed is read again."""
        self._end()
        self._subscriber.running = False
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._limits.drain_s)
        if self._idle.is_set() and self._subscriber.consumer is not None:
            await self._offsets.commit(self._subscriber.consumer, within=min(2.0, self._limits.commit_s))
        await self._close()

    async def _close(self) -> None:
        # Leaving the group politely takes tens of seconds when the broker is away; then it forgets us by itself.
        with suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(self._broker.stop(), self._limits.close_s)

    async def _on_batch(self, records: Any) -> None:
        """FastStream's callback; lets nothing out but cancellation, because what escaped would be passed over."""
        if self._ending.is_set():
            return
        self._idle.clear()
        try:
            await self._handle(records)
        except Exception as error:  # noqa: BLE001 - kept, and raised by `run`
            self._fail(error)
        finally:
            self._idle.set()

    async def _handle(self, fetched: Sequence[Any]) -> None:
        consumer, generation = self._subscriber.consumer, self._offsets.generation
        assigned = consumer.assignment()
        firsts, nexts = firsts_and_nexts(fetched)
        if not assigned.issuperset(firsts):
            # Partitions went to somebody else between the poll and now: they read these records.
            fetched = [
                record for record in fetched if _partition(record) in {(tp.topic, tp.partition) for tp in assigned}
            ]
            firsts, nexts = firsts_and_nexts(fetched)
        if not fetched:
            return
        try:
            await self._offsets.check(consumer, firsts)
            await self._run(fetched)
        except (Away, KafkaError, TimeoutError) as away:
            await self._wait(away)
            self._offsets.rewind(consumer, firsts, generation)
            return
        self._offsets.done(nexts, generation)
        self._waits, self._away, self._progress = 0, "", monotonic()
        if not await self._offsets.commit(consumer, within=self._limits.commit_s):
            self._metrics.count(COMMIT_FAILURES, group=self._handler.group, topic=self._handler.topic.name)

    async def _run(self, fetched: Sequence[Any]) -> None:
        service = self._origin.service
        self._metrics.set(INFLIGHT, 1, service=service)
        try:
            with self._metrics.timed(PROCESS, service=service):
                await self._runner.run(
                    [RawRecord(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp) for r in fetched]
                )
        finally:
            self._metrics.set(INFLIGHT, 0, service=service)

    async def _wait(self, away: BaseException) -> None:
        """A jittered wait that SIGTERM and a rebalance cut short."""
        shortest, longest = self._limits.wait_s
        seconds = random.uniform(shortest, max(shortest, min(longest, shortest * 2**self._waits)))  # noqa: S311
        self._waits = min(self._waits + 1, 10)
        self._away = f"{self._handler.group} waits: {away}"
        _log.warning("consumer.waiting", group=self._handler.group, reason=str(away), seconds=round(seconds, 1))
        self._hurry.clear()
        with suppress(TimeoutError):
            if not self._ending.is_set():
                await asyncio.wait_for(self._hurry.wait(), seconds)
        self._progress = monotonic()

    async def _on_revoked(self) -> None:
        # The client rejoins whether the batch is done or not; a late one is fenced by versions in the database.
        self._hurry.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._limits.revoke_s)

    async def _on_assigned(self) -> None:
        self._offsets.reassigned()
        self._progress = monotonic()

    async def _watch(self) -> None:
        """Sees what the batches cannot: commits that were not heard, and a client that stopped delivering."""
        while True:
            await asyncio.sleep(self._limits.look_every_s)
            consumer = self._subscriber.consumer
            if consumer is None:
                continue
            if self._idle.is_set():
                await self._offsets.commit(consumer, within=self._limits.commit_s)
            try:
                lag = sum((await self._offsets.lag(consumer)).values())
            except (KafkaError, TimeoutError, OSError):
                # A broker that is away is no reason to end: nothing could be read anywhere.
                lag = 0
            else:
                self._metrics.set(CONSUMER_LAG_RECORDS, lag, group=self._handler.group, topic=self._handler.topic.name)
            self._end_if_stalled(lag)

    def _end_if_stalled(self, lag: int) -> None:
        if lag == 0 and self._idle.is_set():
            self._progress = monotonic()
        stalled_s = monotonic() - self._progress
        if stalled_s >= self._limits.stalled_after_s:
            self._fail(
                ConsumerFailed(
                    f"{self._handler.group} has {lag} records waiting and made no progress for {stalled_s:.0f} s."
                )
            )

    def _fail(self, error: BaseException) -> None:
        _log.error("consumer.failed", group=self._handler.group, topic=self._handler.topic.name, reason=str(error))
        self._failure = self._failure or error
        self._end()

    def _end(self) -> None:
        self._ending.set()
        self._hurry.set()

    def _count_letters(self, letters: Sequence[Rejection]) -> None:
        for letter in letters:
            self._metrics.count(DEAD_LETTERS, service=self._origin.service, code=letter.failure.code)
            _log.warning(
                "consumer.dead_letter",
                group=self._handler.group,
                place=letter.record.place,
                code=letter.failure.code,
                failure=letter.failure.kind.value,
                reason=letter.failure.message,
            )


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hands the client's rebalance calls to the consumer."""

    def __init__(self, revoked: Callable[[], Any], assigned: Callable[[], Any]) -> None:
        self._revoked = revoked
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: Any) -> None:
        await self._revoked()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        await self._assigned()


def assert_manual(broker: KafkaBroker) -> None:
    """Refuses a subscriber that would acknowledge before or instead of us, or skip what came before it joined."""
    for subscriber in broker.subscribers:
        options = getattr(subscriber, "_connection_args", {})
        policy = subscriber.ack_policy
        if policy is not AckPolicy.MANUAL or options.get("enable_auto_commit") is not False:
            raise RuntimeError(f"{subscriber} acknowledges by itself ({policy}): records would be lost.")
        if options.get("auto_offset_reset") != "earliest":
            raise RuntimeError(f"{subscriber} does not start at the earliest offset: records would be skipped.")
        if not getattr(subscriber, "batch_timeout_ms", 0):
            raise RuntimeError(f"{subscriber} is not a batch subscriber with one worker.")


def _calm_the_collector() -> None:
    # A batch keeps thousands of objects alive for some milliseconds. With its defaults the garbage collector walks all of them
    # again and again, which costs as much as parsing them; what was imported by now never becomes garbage.
    if gc.get_threshold()[0] < _COLLECT_AFTER:
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, 10, 10)


async def _untouched(records: Any) -> KafkaAckableMessage:
    return KafkaAckableMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)


async def _undecoded(message: Any) -> Any:
    return message.raw_message


def _partition(record: Any) -> tuple[str, int]:
    return record.topic, record.partition
