"""What waits for a sync: its open work, what needs a person, the gates of its two connections, questions about missing and drifted records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.state import pool as state
from vendors.registry import VENDORS


@dataclass(frozen=True, slots=True)
class Queued:
    """Counts of work items, and the reasons of closed gates."""

    waiting: int = 0
    stuck: int = 0
    oldest: datetime | None = None
    gates: tuple[str, ...] = ()
    missing: int = 0
    """Records that the last complete listings of its sources lacked, if a person has to say what becomes of them."""
    drifted: int = 0
    """Records that are not at its target as they shall be, if a person has to say whether they are repaired."""
    asked: int = 0
    """Questions about single records: who they are, and which of two values holds."""
    unread_sides: tuple[str, ...] = ()
    """Legs whose both sides have to be read whole before anybody of them is written."""


async def of_syncs(tx: state.DbConnection, syncs: Sequence[str]) -> Mapping[str, Queued]:
    """By sync."""
    work = await tx.fetch(_WORK, list(syncs))
    gates = await tx.fetch(_GATES, list(syncs))
    missing = {row["sync"]: row["missing"] for row in await tx.fetch(_MISSING, list(syncs), *_inside())}
    drifted = {row["sync"]: row["drifted"] for row in await tx.fetch(_DRIFTED, list(syncs))}
    asked = {row["sync"]: row["asked"] for row in await tx.fetch(_ASKED, list(syncs))}
    sides = await tx.fetch(_UNREAD_SIDES, list(syncs))
    counted = {row["sync"]: row for row in work}
    found = {}
    for sync in syncs:
        row = counted.get(sync)
        closed = tuple(sorted({gate["reason"] for gate in gates if gate["sync"] == sync}))
        counted_here = {name: row[name] for name in ("waiting", "stuck", "oldest")} if row else {}
        found[sync] = Queued(
            **counted_here, gates=closed, missing=missing.get(sync, 0), drifted=drifted.get(sync, 0), asked=asked.get(sync, 0),
            unread_sides=tuple(one["leg"] for one in sides if one["sync"] == sync),
        )  # fmt: skip
    return found


def _inside() -> list[list[str]]:
    """Records that no list has are missed with those that they are kept in: by vendor, the ones and the others."""
    kinds = [(vendor.name, part, parts.of) for vendor in VENDORS.values() for part, parts in vendor.inner.items()]
    return [[one[at] for one in kinds] for at in range(3)]


_GATES = """
select distinct l.sync, g.reason from core.leg l join core.gate g
    on (g.connection, g.place) = (l.source_connection, '')
    or g.connection = l.target_connection and g.place in ('', l.target_place, '#' || l.sync || '/' || l.name)
 where l.sync = any($1)
"""

_MISSING = """
select l.sync, sum(p.missing)::bigint as missing
  from (select distinct l.sync, l.source_connection, coalesce(i.whole, l.source_entity) as source_entity, l.source_place
          from core.leg l join core.connection c on c.id = l.source_connection
          left join unnest($2::text[], $3::text[], $4::text[]) as i(vendor, part, whole)
            on (i.vendor, i.part) = (c.vendor, l.source_entity)
         where l.sync = any($1)) as l
  join flow.poll p on (p.connection, p.entity, p.place) = (l.source_connection, l.source_entity, l.source_place)
 where p.missing > 0 group by l.sync
"""

# Of the oldest: whoever has more than these to decide does not count them.
_ASKED = """
with open as materialized (select pair from flow.pair_question where winner = '' order by asked_at, pair, field limit 2000)
select l.sync, count(*) as asked
  from open q join flow.pair p on p.id = q.pair
  join core.leg l on (l.source_entity, l.target_entity) = (p.left_entity, p.right_entity) and l.direction = 'forward'
  join core.connection s on s.id = l.source_connection and coalesce(nullif(s.account, ''), s.id) = p.left_account
  join core.connection t on t.id = l.target_connection and coalesce(nullif(t.account, ''), t.id) = p.right_account
 where l.sync = any($1) group by l.sync
"""

_UNREAD_SIDES = """
select l.sync, l.name as leg from core.leg l
  join core.mapping_version m on (m.sync, m.version, m.leg) = (l.sync, l.mapping_version, l.name)
  left join flow.match_ready r on (r.sync, r.leg) = (l.sync, l.name)
 where l.sync = any($1) and l.direction = 'forward' and m.definition -> 'options' -> 'match' <> '[]'
   and split_part(coalesce(r.versions, ''), '/', 1) <> l.mapping_version::text
 order by l.sync, l.position
"""

_DRIFTED = """
select sync, sum((result ->> 'drifted')::bigint + (result ->> 'missing')::bigint)::bigint as drifted
  from flow.reconciliation where sync = any($1) and state = 'asked' group by sync
"""

# The counts are kept by the table's own triggers: to count a million rows takes longer than anybody looks at a list. The oldest is found
# by an index that is written in the same words.
_WORK = """
select n.sync, n.waiting, n.stuck,
       (select w.received_at from flow.work_item w
         where w.sync = n.sync and coalesce(w.state, '') in ('ready', 'leased', 'hold', 'waiting', 'awaiting')
         order by w.received_at limit 1) as oldest
  from (select sync, sum(waiting)::bigint as waiting, sum(stuck)::bigint as stuck from flow.work_count where sync = any($1) group by sync) as n
"""
