"""A consumer group member that loses nothing: FastStream reads batches, this decides when they are done.

Manual acknowledgement by explicit offsets, `earliest`, one worker, raw bytes. What is away is waited for, what is stuck ends
the process (its supervisor starts a new one), and SIGTERM ends it within seconds whether the broker is there or not.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from aiokafka.errors import KafkaError

from common.bus.batch import Away, BatchRunner, ConsumerFailed, Origin, Rejection, nowhere
from common.bus.beginning import Beginning
from common.bus.collector import calm
from common.bus.connection import KafkaAddress
from common.bus.departed import client_name, leave_for_the_dead
from common.bus.handler import Handler
from common.bus.lag import Lag
from common.bus.limits import ConsumerLimits
from common.bus.membership import Membership
from common.bus.offsets import Offsets, firsts_and_nexts
from common.bus.places import Displaced, Places
from common.bus.record import RawRecord
from common.bus.subscription import Rebalances, subscription
from common.bus.telling import Telling
from common.bus.trace import MessagingTrace
from common.clock import monotonic
from common.metric_register import COMMIT_FAILURES, DEAD_LETTERS, INFLIGHT, PROCESS
from common.metrics import Metrics
from common.state.group_offsets import GroupTopic
from common.state.pool import Pool

M = TypeVar("M")

_log = structlog.get_logger(__name__)


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
        now: Callable[[], datetime],
        trace: MessagingTrace | None = None,
        limits: ConsumerLimits | None = None,
        stores_places: bool = False,
    ) -> None:
        """`stores_places` (R27) is for handlers whose batch is whole in its transaction, or is made good from what it stored: what
        `after` does is not repeated when the process dies before it."""
        self._handler = handler
        self._origin = origin
        self._metrics = metrics
        self._lag = Lag(metrics, handler.group, handler.topic.name)
        self._limits = limits or ConsumerLimits()
        self._runner = BatchRunner(
            handler, pool, origin, now=now, trace=trace or MessagingTrace(), on_letters=self._count_letters
        )
        self._offsets = Offsets(handler.group)
        whose = GroupTopic(handler.group, handler.topic.name)
        self._telling = Telling(
            self._offsets, self._limits, stores_places=stores_places, on_unheard=self._count_unheard
        )
        self._beginning = Beginning(Places(whose, address, pool, now), self._offsets) if stores_places else None
        self._idle = asyncio.Event()
        self._idle.set()
        self._ending = asyncio.Event()
        self._hurry = asyncio.Event()
        self._failure: BaseException | None = None
        self._away = ""
        self._waits = 0
        self._progress = monotonic()
        subscribe = partial(
            subscription,
            handler.topic.name,
            handler.group,
            address=address,
            client_id=client_name(origin.service),
            limits=self._limits,
            listener=Rebalances(self._on_revoked, self._on_assigned),
            on_batch=self._on_batch,
        )
        before = partial(leave_for_the_dead, address, handler.group)
        self._membership = Membership(subscribe, handler.group, self._limits, before)

    async def run(self, stopping: asyncio.Event) -> None:
        """Consumes until `stopping` is set; raises when it must not go on, and the service then ends with an error."""
        calm()
        if not await self._membership.join(stopping):
            return
        self._progress = monotonic()
        asked = asyncio.create_task(stopping.wait())
        failed = asyncio.create_task(self._ending.wait())
        watching = asyncio.create_task(self._watch())
        placing = asyncio.create_task(self._place())
        placing.add_done_callback(self._on_placed)
        try:
            await asyncio.wait({asked, failed, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (asked, failed, watching, placing):
                task.cancel()
            await self._stop()
        if self._failure is not None:
            raise self._failure
        if watching.done() and not watching.cancelled():
            watching.result()

    async def placed(self) -> None:
        """R27: returns once the stored places were compared with Kafka's, so that nobody acts on a database that went back."""
        if self._beginning is not None:
            await self._beginning.placed.wait()

    async def ready(self) -> str | None:
        """A readiness check: raises with the reason while this consumer can do no work."""
        displaced = self._beginning.trouble if self._beginning is not None else ""
        away = self._membership.away or self._away
        if self._failure is not None or away or displaced:
            raise ConsumerFailed(displaced or away or str(self._failure))
        if self._membership.consumer is None:
            raise ConsumerFailed(f"{self._handler.group} is not connected to Kafka.")
        return f"{len(self._membership.consumer.assignment())} partitions of {self._handler.topic.name}"

    async def _stop(self) -> None:
        """Lets the batch end, within limits; whatever was not committed is read again."""
        self._end()
        self._membership.fetch_no_more()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._limits.drain_s)
        if self._idle.is_set() and self._membership.consumer is not None:
            await self._offsets.commit(self._membership.consumer, within=min(2.0, self._limits.commit_s))
        await self._membership.leave()

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
        consumer, generation = self._membership.consumer, self._offsets.generation
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
        self._lag.takes(fetched)
        try:
            if self._beginning is not None and not await self._beginning.known(consumer, firsts):
                return
            await self._offsets.check(consumer, firsts)
            await self._run(fetched, nexts)
        except (Away, KafkaError, TimeoutError) as away:
            if self._beginning is not None and isinstance(away, Displaced):
                await self._beginning.forget(away)
            await self._wait(away)
            self._offsets.rewind(consumer, firsts, generation)
            return
        self._offsets.done(nexts, generation)
        self._waits, self._away, self._progress = 0, "", monotonic()
        await self._telling.batch_done(consumer)

    async def _run(self, fetched: Sequence[Any], nexts: Mapping[Any, int]) -> None:
        service = self._origin.service
        take = self._beginning.taking(nexts) if self._beginning is not None else nowhere
        self._metrics.set(INFLIGHT, 1, service=service)
        try:
            with self._metrics.timed(PROCESS, service=service):
                await self._runner.run(
                    [
                        RawRecord(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp)
                        for r in fetched
                    ],
                    take,
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
        # What is away now is asked again with the first batch, and by the watch.
        consumer = self._membership.consumer
        if self._beginning is not None and consumer is not None:
            with suppress(Away, TimeoutError):
                await asyncio.wait_for(self._beginning.known(consumer, consumer.assignment()), self._limits.revoke_s)

    async def _place(self) -> None:
        if self._beginning is not None:
            await self._beginning.place(self._limits.wait_s[0])

    def _on_placed(self, placing: asyncio.Task[None]) -> None:
        if not placing.cancelled() and (error := placing.exception()) is not None:
            self._fail(error)

    async def _watch(self) -> None:
        """Sees what the batches cannot: commits that were not heard, and a client that stopped delivering."""
        while True:
            await self._telling.catch_up(self._limits.look_every_s, lambda: self._membership.consumer, self._idle)
            consumer = self._membership.consumer
            if consumer is None:
                continue
            if self._idle.is_set() and self._beginning is not None:
                await self._beginning.compare(consumer)
            try:
                lag = sum((await self._offsets.lag(consumer)).values())
            except (KafkaError, TimeoutError, OSError):
                # A broker that is away is no reason to end: nothing could be read anywhere.
                lag = 0
            else:
                self._lag.tell(lag)
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

    def _count_unheard(self) -> None:
        self._metrics.count(COMMIT_FAILURES, group=self._handler.group, topic=self._handler.topic.name)

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


def _partition(record: Any) -> tuple[str, int]:
    return record.topic, record.partition
