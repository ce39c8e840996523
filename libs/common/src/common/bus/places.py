"""R27: a group's place is stored with each batch, a consumer begins there, and a database that went back is seen by comparing the two.

    the batch's transaction commits  ->  the place is stored  ->  Kafka is told, with the era as the commit's mark

So what Kafka was told is never ahead of what is stored, unless the database went back. A commit without a mark (a release before this one,
`millrace group seek`, Kafka's own tool) is an order: the group goes there, in a new era, and batches of the era before count no more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from common.bus import error_codes
from common.bus.batch import Away
from common.bus.commits import commits_of
from common.bus.connection import KafkaAddress
from common.bus.topics_admin import administration
from common.state import group_offsets
from common.state.group_offsets import BatchStep, GroupTopic, StoredPlace, StoredPlaces
from common.state.pool import DbConnection, Pool, transaction

_MARK = "era="

_log = structlog.get_logger(__name__)


class Committed(NamedTuple):
    """What Kafka was told of one partition; without an era it was told by somebody who stores no places."""

    offset: int
    era: int | None


class Start(NamedTuple):
    """Where a consumer begins; `committed` is where Kafka would let it begin, None where that is the earliest record."""

    era: int
    next_offset: int
    committed: int | None


class Displaced(Away):
    """The stored place is not where this batch begins: somebody has set it, so it is asked for again."""


class WentBack(Displaced):
    """The database says less than it has said before."""


def mark(era: int) -> str:
    """What a commit of this era carries."""
    return f"{_MARK}{era}"


def committed_of(offset: int, metadata: str) -> Committed:
    """A commit by its mark."""
    digits = metadata.removeprefix(_MARK)
    return Committed(offset, int(digits) if metadata.startswith(_MARK) and digits.isdecimal() else None)


def went_back(committed: Committed, stored: StoredPlace) -> bool:
    """Whether Kafka was told of more than is stored; a mark of a later era, or of a further place in this one, says so."""
    return committed.era is not None and (committed.era, committed.offset) > (stored.era, stored.next_offset)


def lacks(step: BatchStep, place: StoredPlace) -> bool:
    """Whether the table says less than what a consumer knows was stored."""
    return (place.era, place.next_offset) < (step.era, step.since)


def set_anew(committed: Committed | None, stored: StoredPlace | None, floor: int) -> StoredPlace | None:
    """The place that has to be stored before a consumer begins; None where the stored one holds.

    What Kafka does not know (a new group, a topic made anew, offsets that expired) begins at the earliest record: reading again is harmless.
    """
    era = (stored.era if stored else floor) + 1
    if committed is None or (committed.era is not None and stored is None):
        return StoredPlace(era, 0) if stored is None or stored.next_offset else None
    if committed.era is None and (stored is None or stored.next_offset != committed.offset):
        return StoredPlace(era, committed.offset)
    return None


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one group on one topic, as Kafka and the database know them."""

    whose: GroupTopic
    address: KafkaAddress
    pool: Pool
    now: Callable[[], datetime]

    async def look(self, assigned: Collection[int], known: Sequence[BatchStep] = ()) -> dict[int, Start]:
        """Where to begin in these partitions; raises `WentBack`, behind closed gates, if any place of the group went back.

        `known` is what this consumer knows to have been stored, whether Kafka was told of it or not.
        """
        # First Kafka, then the table: a place only grows, so what is read later cannot be behind by itself.
        at_kafka = await self._told()
        async with transaction(self.pool) as tx:
            rows = await group_offsets.read(tx, self.whose)
            if self._back(at_kafka, known, rows):
                await group_offsets.hold_era(tx)
                rows = await group_offsets.read(tx, self.whose)
            back = self._back(at_kafka, known, rows)
            if back is not None:
                await self._close(tx, back)
            else:
                rows = await self._begun(tx, at_kafka, rows, assigned)
        if back is not None:
            raise back
        return {p: Start(*rows.stored[p], at_kafka[p].offset if p in at_kafka else None) for p in assigned}

    async def take(self, tx: DbConnection, steps: Sequence[BatchStep]) -> None:
        """Stores a batch's steps in its transaction; raises where the batch must not be stored."""
        taken = await group_offsets.advance(tx, self.whose, steps)
        missing = [step for step in steps if step.partition not in taken]
        if missing:
            rows = await group_offsets.read(tx, self.whose)
            raise self._displaced(missing, rows)

    async def compare(self, steps: Sequence[BatchStep]) -> None:
        """Raises if the table says less than what this consumer knows was stored; for a consumer that has nothing to do."""
        async with transaction(self.pool) as tx:
            rows = await group_offsets.read(tx, self.whose)
        lacking = [step for step in steps if lacks(step, _place(rows, step.partition))]
        if lacking:
            raise self._displaced(lacking, rows)

    async def _told(self) -> dict[int, Committed]:
        async with administration(self.address) as admin:
            found = await commits_of(admin, self.whose.group)
        return {
            place.partition: committed_of(one.offset, one.metadata or "")
            for place, one in found.items()
            if place.topic == self.whose.topic and one.offset >= 0
        }

    async def _begun(
        self, tx: DbConnection, at_kafka: Mapping[int, Committed], rows: StoredPlaces, assigned: Collection[int]
    ) -> StoredPlaces:
        anew = {p: set_anew(at_kafka.get(p), rows.stored.get(p), rows.era) for p in assigned}
        wanted = {p: place for p, place in anew.items() if place is not None}
        if not wanted:
            return rows
        await group_offsets.begin(tx, self.whose, wanted)
        # Somebody else may have been quicker: what the table says now is so.
        return await group_offsets.read(tx, self.whose)

    def _back(
        self, at_kafka: Mapping[int, Committed], known: Sequence[BatchStep], rows: StoredPlaces
    ) -> WentBack | None:
        for partition, one in sorted(at_kafka.items()):
            if went_back(one, place := _place(rows, partition)):
                return self._went_back(partition, (one.era, one.offset), place)
        for step in known:
            if lacks(step, place := _place(rows, step.partition)):
                return self._went_back(step.partition, (step.era, step.since), place)
        return None

    async def _close(self, tx: DbConnection, back: WentBack) -> None:
        """Again and again as long as it is so, because somebody may have opened them unknowingly."""
        if await group_offsets.close_gates(tx, self.now(), error_codes.DATABASE_WENT_BACK, str(back)):
            _log.error("consumer.database_went_back", group=self.whose.group, topic=self.whose.topic, reason=str(back))

    def _displaced(self, steps: Sequence[BatchStep], rows: StoredPlaces) -> Displaced:
        where = f"{self.whose.topic}/{steps[0].partition}"
        return self._back({}, steps, rows) or Displaced(f"the place of {self.whose.group} in {where} was set anew")

    def _went_back(self, partition: int, known: tuple[int | None, int], place: StoredPlace) -> WentBack:
        where, (era, offset) = f"{self.whose.topic}/{partition}", known
        return WentBack(
            f"The database was put back to an older state: {self.whose.group} had stored {where} up to {offset} in era {era}, "
            f"and it says {place.next_offset} in era {place.era}. "
            "Nothing is written at any vendor, and webhooks are still taken; `millrace restore` comes with "
            'a later version, until then see "The database went back" in docs/operating.md.'
        )


def _place(rows: StoredPlaces, partition: int) -> StoredPlace:
    return rows.stored.get(partition, StoredPlace(rows.era, 0))
