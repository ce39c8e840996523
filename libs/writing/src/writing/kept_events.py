"""Events of target records to which a write of ours is in flight: kept until it is over, and judged then, the oldest first (R16).

What such an event shows may be our own write, of which nobody knows yet what it became, or an edit that our answer would bury.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.contracts.ids import Entity
from common.contracts.messages import ChangeEvent
from common.state.pool import DbConnection
from vendors.absorbing import TargetEvent
from vendors.target import Target
from writing.items import TargetKey, columns

MOST = 200


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """One event of a target record, with the place in the topic it was read from."""

    event: ChangeEvent
    parsed: TargetEvent
    where: TargetKey
    source: str
    trace_id: str

    @property
    def keys(self) -> tuple[TargetKey, ...]:
        """The record's key, and the one it had until then."""
        former = self.parsed.former_key
        return (self.where, self.where._replace(key=former)) if former else (self.where,)


async def keep(tx: DbConnection, events: Sequence[KeptEvent], now: datetime) -> None:
    """An event that is told again is one event; each target keeps those of its own records."""
    if events:
        await tx.executemany(
            """
            insert into flow.target_event (event_id, connection, place, target_entity, key, former_key, at, event, source, trace_id, kept_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (event_id, target_entity) do nothing
            """,
            [
                (
                    one.event.id, one.event.connection, *one.where[1:], one.parsed.former_key, one.parsed.at,
                    one.event.model_dump(mode="json"), one.source, one.trace_id, now,
                )
                for one in events
            ],
        )  # fmt: skip


async def take(
    tx: DbConnection, targets: Iterable[TargetKey], target: Target, *, moved: bool = False
) -> list[KeptEvent]:
    """Those of these records to which nothing is in flight any more, the oldest first; the caller has locked what is known of them.

    An event that tells of another key concerns two records, so only who has locked both takes it (`moved`).
    """
    listed = sorted(set(targets))
    if not listed:
        return []
    rows = await tx.fetch(_TAKE, *columns(listed, 4), moved)
    found = [_event(row, target) for row in sorted(rows, key=lambda row: (row["at"], row["id"]))]
    return [one for one in found if one is not None]


async def free(tx: DbConnection, vendor: str) -> list[TargetKey]:
    """The keys of events that wait for nothing any more."""
    rows = await tx.fetch(_FREE, vendor, MOST)
    keys = [(row, key) for row in rows for key in (row["key"], row["former_key"]) if key]
    return [TargetKey(row["account"], row["place"], Entity(row["target_entity"]), key) for row, key in keys]


def _event(row: Any, target: Target) -> KeptEvent | None:
    event = ChangeEvent.model_validate(row["event"])
    parsed = target.parsed(event)
    where = TargetKey(row["account"], row["place"], Entity(row["target_entity"]), row["key"])
    return KeptEvent(event, parsed, where, row["source"], row["trace_id"]) if parsed else None


_IN_FLIGHT = """
exists (select from flow.write_intent i
         where i.state = 'sent' and (i.account, i.place, i.target_entity) = (c.account, e.place, e.target_entity)
           and i.target_key in (e.key, e.former_key))
"""

_TAKE = f"""
with mine as (
    select distinct e.id, c.account
      from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, key)
      join core.connection c on c.account = k.account
      join flow.target_event e on e.connection = c.id and (e.place, e.target_entity, e.key) = (k.place, k.target_entity, k.key)
     where ($5 or e.former_key = '') and not {_IN_FLIGHT}
)
delete from flow.target_event e using mine where e.id = mine.id returning e.*, mine.account
"""  # noqa: S608 - a constant of ours

_FREE = f"""
select e.place, e.target_entity, e.key, e.former_key, c.account
  from flow.target_event e join core.connection c on c.id = e.connection
 where c.vendor = $1 and not {_IN_FLIGHT} order by e.id limit $2
"""  # noqa: S608 - a constant of ours
