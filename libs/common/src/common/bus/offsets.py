"""Where a group stands: what comes next, what is done but not committed, what is stored, and whether the topic still has it.

Only explicit offsets are committed: the client's own position runs ahead of what we have stored. A gap that retention cut, or a
log that starts again, is never skipped in silence: the consumer refuses until a person decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from common.bus.batch import ConsumerFailed
from common.bus.places import Start, mark
from common.state.group_offsets import BatchStep

_log = structlog.get_logger(__name__)


class Offsets:
    """The offsets of one consumer over its present assignment."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._next: dict[Any, int] = {}
        self._uncommitted: dict[Any, int] = {}
        self._stored: dict[Any, BatchStep] = {}
        self._heard: set[Any] = set()
        self.untold = asyncio.Event()
        """Whether something is done that Kafka was not told."""
        self.generation = 0

    def reassigned(self) -> None:
        """A new assignment, or stored places that are others: what was known until now no longer holds."""
        self.generation += 1
        self._next.clear()
        self._uncommitted.clear()
        self._stored.clear()
        self._heard.clear()

    def begin(self, consumer: Any, starts: Mapping[Any, Start], generation: int) -> None:
        """R27: the consumer begins where its last batch was stored, and not where Kafka was told."""
        if generation != self.generation:
            return
        for partition, start in starts.items():
            self._stored[partition] = BatchStep(partition.partition, start.era, start.next_offset, start.next_offset)
            if start.committed is not None:
                self._heard.add(partition)
            # The earliest record there is, whatever number it has by now, is expected nowhere.
            self._next.pop(partition, None)
            if start.next_offset or start.committed == 0:
                self._next[partition] = start.next_offset
                # Kafka is told also where nothing more comes: people look there for what is left to read.
                self._uncommitted[partition] = start.next_offset
                self.untold.set()
            try:
                consumer.seek(partition, start.next_offset)
            except IllegalStateError:
                self._stored.pop(partition)

    def begun(self, partitions: Iterable[Any]) -> bool:
        """Whether it is known where the group is in all of these."""
        return all(partition in self._stored for partition in partitions)

    def steps(self, nexts: Mapping[Any, int] | None = None) -> list[BatchStep]:
        """The way of a batch through its partitions; without one, where this consumer knows the group to be."""
        known = {p: one._replace(next_offset=one.since) for p, one in self._stored.items()}
        return list(known.values()) if nexts is None else [known[p]._replace(next_offset=at) for p, at in nexts.items()]

    @property
    def unheard_of(self) -> bool:
        """Whether something is done in a partition of which Kafka knows nothing yet: whoever comes next would begin there anew."""
        return not self._heard.issuperset(self._uncommitted)

    async def check(self, consumer: Any, firsts: Mapping[Any, int]) -> None:
        """Refuses a batch that does not begin where the group stands, unless nothing was lost in between."""
        for partition, first in firsts.items():
            expected = await self.standing(consumer, partition)
            if expected is None or expected == first:
                continue
            if first < expected:
                raise ConsumerFailed(
                    f"{partition.topic}/{partition.partition} begins again at {first}, although group {self._group} had read "
                    f"it up to {expected}: the topic was made anew or lost its end. Decide with `millrace group seek`."
                )
            await self._refuse_if_cut(consumer, partition, expected)

    async def standing(self, consumer: Any, partition: Any) -> int | None:
        """The offset the group handles next; None when it has never committed one."""
        if partition not in self._next and partition not in self._stored:
            generation = self.generation
            committed = await asyncio.wait_for(consumer.committed(partition), 10.0)
            if committed is not None and generation == self.generation:
                self._next.setdefault(partition, committed)
        return self._next.get(partition)

    def done(self, nexts: Mapping[Any, int], generation: int) -> None:
        """These records are safe; said of an assignment that is gone it means nothing."""
        if generation == self.generation:
            self._next.update(nexts)
            self._uncommitted.update(nexts)
            self.untold.set()
            self._stored.update({p: self._stored[p]._replace(since=at) for p, at in nexts.items() if p in self._stored})

    def rewind(self, consumer: Any, firsts: Mapping[Any, int], generation: int) -> None:
        """Reads these records again."""
        if generation != self.generation:
            return
        for partition, first in firsts.items():
            # A partition may have gone to somebody else this very moment: then they read it.
            try:
                consumer.seek(partition, first)
                # Never further than what was handled: a gap before these records has to be seen again as well.
                if partition in self._next:
                    self._next[partition] = min(self._next[partition], first)
            except IllegalStateError:
                self._next.pop(partition, None)

    async def commit(self, consumer: Any, *, within: float) -> bool:
        """Commits, and returns whether that was confirmed; a loss means reading again, or a later commit."""
        assigned, generation = consumer.assignment(), self.generation
        waiting = {tp: at for tp, at in self._uncommitted.items() if tp in assigned}
        if not waiting:
            self.untold.clear()
            return True
        try:
            await asyncio.wait_for(consumer.commit({tp: self._told(tp, at) for tp, at in waiting.items()}), within)
        except (KafkaError, TimeoutError) as unheard:
            _log.warning("consumer.commit_failed", group=self._group, error=type(unheard).__name__)
            return False
        if generation == self.generation:
            self._heard.update(waiting)
            self._uncommitted = {tp: at for tp, at in self._uncommitted.items() if waiting.get(tp) != at}
            if not self._uncommitted:
                self.untold.clear()
        return True

    def _told(self, partition: Any, at: int) -> int | tuple[int, str]:
        stored = self._stored.get(partition)
        return at if stored is None else (at, mark(stored.era))

    async def lag(self, consumer: Any) -> dict[Any, int]:
        """How many records of each assigned partition have not been handled."""
        partitions = list(consumer.assignment())
        if not partitions:
            return {}
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), 10.0)
        begins = await asyncio.wait_for(consumer.beginning_offsets(partitions), 10.0)
        lags: dict[Any, int] = {}
        for partition in partitions:
            at = await self.standing(consumer, partition)
            lags[partition] = max(0, ends[partition] - max(at or 0, begins[partition]))
        return lags

    async def _refuse_if_cut(self, consumer: Any, partition: Any, expected: int) -> None:
        begins = await asyncio.wait_for(consumer.beginning_offsets([partition]), 10.0)
        if begins[partition] > expected:
            raise ConsumerFailed(
                f"{partition.topic}/{partition.partition} lost records {expected} to {begins[partition] - 1} to retention before "
                f"group {self._group} read them. Decide with `millrace group seek` where it goes on."
            )


def firsts_and_nexts(records: Iterable[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
    """The first offset of each partition in a batch, and the one after the last."""
    firsts: dict[Any, int] = {}
    nexts: dict[Any, int] = {}
    place = (None, None)
    partition: Any = None
    for record in records:
        if (record.topic, record.partition) != place:
            place = (record.topic, record.partition)
            partition = TopicPartition(*place)
            firsts.setdefault(partition, record.offset)
        nexts[partition] = record.offset + 1
    return firsts, nexts
