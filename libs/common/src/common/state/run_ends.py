"""When a job's run is over: each of its sources was read to its end, and the mapper has judged all that was sent of it.

That is known by how far the mapper is in the topic, so a run ends also where a record was lost on the way: its books then do not close,
because fewer entered than were read. A sync that is disabled ends its runs as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from common.contracts.ids import RunId, SyncId
from common.state.polls import Polled
from common.state.pool import DbConnection

JUDGES = "mapper"
"""The group that reads what was sent."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A source that was read to its end: where its changes are, and how many records each run has to account for.

    None: the run came in the midst of it, with a sync that was new or resumed, and met some of the records.
    """

    source: Polled
    topic: str
    sent: Mapping[int, int]
    read: Mapping[RunId, int | None]


class Left(NamedTuple):
    """What a run still has to end, as far as anybody knows."""

    records: int
    updated: int
    """How many of those that have ended were changes."""
    reading: bool
    """A source of it is being read, so nobody knows yet how many are left."""
    coming: bool
    """More of it is on its way to where records wait for one another: being read, judged, on a topic, or live and not planned yet."""


async def left(tx: DbConnection, runs: Iterable[RunId]) -> dict[RunId, Left]:
    """What is left of these runs."""
    rows = await tx.fetch(_LEFT, list(runs), [*KINDS, *JUDGED])
    return {RunId(r["id"]): Left(int(r["records"]), int(r["updated"]), r["reading"], r["coming"]) for r in rows}


async def will_read(tx: DbConnection, runs: Iterable[RunId], sources: Iterable[Polled]) -> None:
    """These runs, which have begun, read these sources."""
    rows = [(run, *source) for source in sources for run in runs]
    await tx.execute(
        """
        insert into flow.run_source (run, connection, entity, place)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) on conflict do nothing
        """,
        *([row[at] for row in rows] for at in range(4)),
    )


async def has_read(tx: DbConnection, listed: Listed, now: datetime) -> None:
    """A source was read to its end."""
    await tx.execute(
        """
        update flow.run_source s set records_read = n.read, topic = $6, sent = $7, ended_at = $8, calls = p.pages
          from unnest($4::text[], $5::bigint[]) as n(run, read), flow.poll p
         where (s.run, s.connection, s.entity, s.place) = (n.run, $1, $2, $3)
           and (p.connection, p.entity, p.place) = ($1, $2, $3)
        """,
        *listed.source,
        list(listed.read),
        list(listed.read.values()),
        listed.topic,
        {str(partition): offset for partition, offset in listed.sent.items()},
        now,
    )


async def begun_since(tx: DbConnection, runs: Iterable[RunId], since: datetime) -> set[RunId]:
    """Which of these runs are younger than that."""
    rows = await tx.fetch("select id from flow.run where id = any($1::text[]) and started_at > $2", list(runs), since)
    return {RunId(row["id"]) for row in rows}


async def close_those_read(tx: DbConnection, now: datetime) -> None:
    """Everything that was read has been judged: nothing more will enter."""
    await tx.execute(_CLOSE, now, JUDGES)


async def stop(tx: DbConnection, sync: SyncId, sync_name: str, now: datetime) -> None:
    """The sync is disabled: what is read for its runs enters them no more, and a run that was asked for and has not begun never does."""
    await tx.execute(
        "update flow.run set closed_at = $2, stopped = true where sync = $1 and closed_at is null and kind = any($3)",
        sync,
        now,
        list(KINDS),
    )
    await tx.execute(
        "update flow.poll set asked = '', asked_by = '' where asked <> '' and $2 || '.' || asked in (select id from flow.run where sync = $1)",
        sync,
        sync_name,
    )


KINDS = ("poll", "full", "backfill")
# Those that read nothing of a vendor's, and are over when what is stored was judged.
JUDGED = ("first", "remap")

# A record that was read is not judged, judged and not in the queue, or there and live: whoever looks at the queue first and asks this then
# has missed nobody. Of what is live and ready the newest are looked at, however many there are.
_LEFT = """
select r.id, greatest(c.entered, s.read) - c.ended as records, c.updated, r.closed_at is null and s.unread as reading,
       r.closed_at is null and r.kind = any($2::text[]) and not (s.known and s.read <= c.entered)
           or c.waiting > (select coalesce(sum(k.waiting), 0) from flow.work_count k where k.sync = r.sync)
           or exists (select from flow.work_item w where w.sync = r.sync and w.priority = 0 and w.state = 'leased' and w.run = r.id)
           or r.id in (select w.run from flow.work_item w
                        where w.sync = r.sync and w.priority = 0 and w.state = 'ready' order by w.due_at desc limit 500) as coming
  from flow.run r
 cross join lateral (
       select coalesce(sum(c.records) filter (where c.outcome = 'entered'), 0) as entered,
              coalesce(sum(c.records) filter (where c.outcome not in ('entered', 'waiting', 'called')), 0) as ended,
              coalesce(sum(c.records) filter (where c.outcome = 'updated'), 0) as updated,
              coalesce(sum(c.records) filter (where c.outcome = 'waiting'), 0) as waiting
         from flow.run_count c where c.run = r.id) as c
 cross join lateral (
       select coalesce(bool_and(s.ended_at is not null and s.records_read is not null), false) as known,
              coalesce(bool_or(s.ended_at is null), false) as unread, coalesce(sum(s.records_read), 0) as read
         from flow.run_source s where s.run = r.id) as s
 where r.id = any($1::text[])
"""

_CLOSE = """
update flow.run r set closed_at = $1
 where r.closed_at is null and r.kind in ('poll', 'full', 'backfill')
   and exists (select from flow.run_source s where s.run = r.id)
   and not exists (select from flow.run_source s where s.run = r.id and s.ended_at is null)
   and ((select sum(s.records_read) from flow.run_source s where s.run = r.id having bool_and(s.records_read is not null))
            <= (select coalesce(sum(c.records), 0) from flow.run_count c where c.run = r.id and c.outcome = 'entered')
        or not exists (
            select from flow.run_source s cross join lateral jsonb_each_text(s.sent) as p
              left join flow.group_offset g on (g.consumer_group, g.topic, g.partition) = ($2, s.topic, p.key::integer)
             where s.run = r.id and coalesce(g.next_offset, 0) < p.value::bigint))
"""
