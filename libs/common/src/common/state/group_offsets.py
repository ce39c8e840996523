"""The table of consumer groups' places: written in the transaction of each batch, read when a partition is assigned (R27)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from common.state.pool import DbConnection


class StoredPlace(NamedTuple):
    """How far a group is in one partition; the era is raised whenever the place is set and not reached."""

    era: int
    next_offset: int


class BatchStep(NamedTuple):
    """A batch's way through one partition: from where this consumer knows the group to be, to behind its last record."""

    partition: int
    era: int
    since: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class GroupTopic:
    """One group on one topic."""

    group: str
    topic: str


class StoredPlaces(NamedTuple):
    """All stored places of one group on one topic, and the era that a partition without one is in."""

    era: int
    stored: Mapping[int, StoredPlace]


async def read(tx: DbConnection, whose: GroupTopic) -> StoredPlaces:
    """One statement, so that all of it is of one moment."""
    rows = await tx.fetch(
        """
        select e.era as floor, g.partition, g.era, g.next_offset
          from flow.offset_era e left join flow.group_offset g on g.consumer_group = $1 and g.topic = $2
        """,
        whose.group,
        whose.topic,
    )
    stored = {
        row["partition"]: StoredPlace(row["era"], row["next_offset"]) for row in rows if row["partition"] is not None
    }
    return StoredPlaces(rows[0]["floor"], stored)


async def begin(tx: DbConnection, whose: GroupTopic, places: Mapping[int, StoredPlace]) -> None:
    """Sets places; one that somebody else has set meanwhile, in this era or a later one, stays."""
    await tx.execute(
        """
        insert into flow.group_offset as g (consumer_group, topic, partition, era, next_offset)
        select $1, $2, n.* from unnest($3::int[], $4::bigint[], $5::bigint[]) as n
        on conflict (consumer_group, topic, partition) do update
           set era = excluded.era, next_offset = excluded.next_offset, changed_at = now() where g.era < excluded.era
        """,
        whose.group,
        whose.topic,
        sorted(places),
        [places[partition].era for partition in sorted(places)],
        [places[partition].next_offset for partition in sorted(places)],
    )


async def advance(tx: DbConnection, whose: GroupTopic, steps: Sequence[BatchStep]) -> set[int]:
    """Takes these steps and returns the partitions where that was right; the caller's transaction must not commit without all.

    A place never goes back: a batch that comes late has handled what it says, but somebody else may have handled more. It is not taken
    where the era is another, and not where the stored place is before what this consumer knows was stored: then rows are missing.
    """
    ordered = sorted(steps)
    rows = await tx.fetch(
        """
        with held as (
            select g.partition, n.next_offset from flow.group_offset g
              join unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[]) as n(partition, era, since, next_offset)
                on g.partition = n.partition and g.era = n.era and g.next_offset >= n.since
             where g.consumer_group = $1 and g.topic = $2 order by g.partition for update of g)
        update flow.group_offset g set next_offset = greatest(g.next_offset, held.next_offset), changed_at = now()
          from held where g.consumer_group = $1 and g.topic = $2 and g.partition = held.partition
        returning g.partition
        """,
        whose.group,
        whose.topic,
        *(list(column) for column in zip(*ordered, strict=True)),
    )
    return {row["partition"] for row in rows}


async def hold_era(tx: DbConnection) -> None:
    """Nobody lifts the gates before this transaction ends: what is read after this is what they are closed for."""
    await tx.execute("select from flow.offset_era for share")


async def close_gates(tx: DbConnection, at: datetime, code: str, message: str) -> bool:
    """Closes the gate `restored` of every connection; false when all of them were closed before."""
    fresh: bool = await tx.fetchval("select core.close_restored($1, $2, $3)", at, code, message)
    return fresh
