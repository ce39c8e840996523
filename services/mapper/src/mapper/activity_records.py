"""Each event of a customer as a record of our own, where a leg writes events one by one.

In: customers of whom there are new rows. Out: a record for each of their rows that has none, with what happened in words. Durable with the caller's
commit. A record is named by its customer, its second and its event: so those of a customer stand in order, nobody has to remember what was made
already, and they are forgotten with whom they are of (decision 68).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.contracts.facts import CUSTOMER_ACTIVITY
from common.contracts.ids import ConnectionId
from common.contracts.messages import Version
from common.contracts.syncs import NOBODY
from common.state.activity import activity_of
from common.state.configuration import Configuration
from common.state.pool import DbConnection
from mapper.activity_facts import words
from mapper.state_rows import Key


async def make(tx: DbConnection, configuration: Configuration, customers: Sequence[Key], now: datetime) -> list[Key]:
    """The records that were not there before."""
    wanted = _wanted(configuration)
    keys = sorted(key for key in customers if key.connection in wanted)
    if not keys:
        return []
    names = {id: one.name for id, one in configuration.connections.items()}
    found = await tx.fetch(_WITHOUT, *([key[at] for key in keys] for at in range(3)), CUSTOMER_ACTIVITY)
    made = [_made(row, names) for row in found]
    await tx.execute(_MAKE, *([one[at] for one in made] for at in range(5)), CUSTOMER_ACTIVITY, now)
    return [Key(one[0], CUSTOMER_ACTIVITY, one[1]) for one in made]


def _wanted(configuration: Configuration) -> frozenset[ConnectionId]:
    """Where some leg takes events one by one."""
    legs = (leg for leg in configuration.legs() if leg.source_entity == CUSTOMER_ACTIVITY)
    return frozenset(
        leg.source
        for leg in legs
        if leg.mapping and leg.mapping.filter != NOBODY and configuration.syncs[leg.sync].judges
    )


def _made(row: Any, names: dict[ConnectionId, str]) -> tuple[Any, ...]:
    told = activity_of(row)
    fields = {
        "id": row["name"], "customer_id": told.customer.record, "event": told.event_id, "at": told.at.isoformat(),
        "text": words(told, names.get(told.told_by, told.told_by)),
    }  # fmt: skip
    sequence = Version(stamp=told.at, settled=True).sequence
    return (told.customer.connection, row["name"], fields, dict.fromkeys(fields, sequence), sequence)


_WITHOUT = """
select a.*, n.name from unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record)
  join flow.activity a using (connection, entity, record)
 cross join lateral (select a.record || '-' || to_char(a.at at time zone 'UTC', 'YYYYMMDD"T"HH24MISS') || '-'
                            || left(encode(sha256(convert_to(a.event_id, 'UTF8')), 'hex'), 10) as name) as n
 where not exists (select from flow.record_state s where (s.connection, s.entity, s.record) = (a.connection, $4, n.name))
 order by a.connection, n.name
"""

_MAKE = """
insert into flow.record_state (connection, entity, record, fields, told, sequence, first_at, changed_at)
select n.connection, $6, n.record, n.fields, n.told, n.sequence, $7, $7
  from unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[], $5::text[]) as n(connection, record, fields, told, sequence)
on conflict do nothing
"""
