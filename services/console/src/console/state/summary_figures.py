"""A day's figures, added up by the database: a number of statements that no number of records changes.

Counts and payments come from the journal, whose `applied` rows are one for each write that a vendor applied; the total of what was made comes from
what the vendor answered (`flow.target_record`). Sums are `numeric`: not one of them was ever a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, VendorName
from common.state import pool as state
from vendors.money_figures import MoneyFigures

Money = Mapping[VendorName, Mapping[Entity, MoneyFigures]]


class LegName(NamedTuple):
    """One kind of record of one sync."""

    sync: str
    leg: str


@dataclass(frozen=True, slots=True)
class LegRow:
    """What happened to its records."""

    key: LegName
    sync_name: str
    source_entity: str
    becomes: str
    arrived: int
    created: int
    updated: int
    failed: int


@dataclass(frozen=True, slots=True)
class AmountRow:
    """One sum of one currency."""

    key: LegName
    word: str
    currency: str
    amount: Decimal
    count: int
    unknown: int


@dataclass(frozen=True, slots=True)
class BlockedRow:
    """A closed gate."""

    connection: str
    reason: str
    since: datetime
    words: str


_LONGEST_S = 120
"""A day on which a whole account was read has millions of rows, and nobody waits for them."""


async def take_time(tx: state.DbConnection) -> None:
    """For the rest of the transaction: statements have as long as the largest day needs."""
    await tx.execute(f"set local statement_timeout = '{_LONGEST_S}s'")


async def legs(tx: state.DbConnection, begins_at: datetime, ends_at: datetime) -> Sequence[LegRow]:
    """Every leg of a sync that is not deleted, and each other one that something happened to."""
    rows = await tx.fetch(_LEGS, begins_at, ends_at, timeout=_LONGEST_S)
    return [LegRow(LegName(row["sync"], row["leg"]), *list(row.values())[2:]) for row in rows]


async def amounts(tx: state.DbConnection, money: Money, begins_at: datetime, ends_at: datetime) -> Sequence[AmountRow]:
    """The sums of the day, by leg, word and currency."""
    asked = list(_asked(money))
    if not asked:
        return []
    rows = await tx.fetch(_AMOUNTS, begins_at, ends_at, *map(list, zip(*asked, strict=True)), timeout=_LONGEST_S)
    return [AmountRow(LegName(row["sync"], row["leg"]), *list(row.values())[2:]) for row in rows]


async def waiting(tx: state.DbConnection) -> Sequence[tuple[str, int, int]]:
    """By the name of the sync: how many records wait for their turn, how many for a person."""
    return [(row["name"], row["waiting"], row["stuck"]) for row in await tx.fetch(_WAITING)]


async def blocked(tx: state.DbConnection) -> Sequence[BlockedRow]:
    """The gates that are closed."""
    return [BlockedRow(*row.values()) for row in await tx.fetch(_BLOCKED)]


async def connections(tx: state.DbConnection, ids: set[str]) -> Mapping[str, Connection]:
    """By their ids, with the vendor's own coordinates."""
    rows = await tx.fetch("select id, vendor, name, state, details from core.connection where id = any($1)", list(ids))
    return {
        row["id"]: Connection(
            ConnectionId(row["id"]), VendorName(row["vendor"]), row["name"], row["state"], row["details"]
        )
        for row in rows
    }


async def letters_open(tx: state.DbConnection) -> int:
    found: int = await tx.fetchval("select count(*) from flow.dead_letter where state = 'open'")
    return found


def _asked(money: Money) -> Iterable[tuple[str, ...]]:
    for vendor, kinds in money.items():
        for entity, of in kinds.items():
            first, second = (*of.currency, *of.currency)[:2]
            for one in of.figures:
                yield vendor, entity, one.action, one.word, one.found_in, one.path, one.part, first, second


_LEGS = """
with told as (
    select sync, entity, record,
           bool_or(step in ('mapped', 'filtered') and revision = 1) as arrived,
           bool_or(step = 'applied' and details ->> 'counts_as' = 'added') as created,
           bool_or(step = 'applied') as applied, bool_or(step in ('dead', 'parked')) as failed
      from flow.journal
     where at >= $1 and at < $2 and sync <> '' and step in ('mapped', 'filtered', 'applied', 'dead', 'parked')
     group by sync, entity, record
), counted as (
    select sync, entity, count(*) filter (where arrived) as arrived, count(*) filter (where created) as created,
           count(*) filter (where applied and not created) as updated, count(*) filter (where failed) as failed
      from told group by sync, entity
)
select l.sync, l.name as leg, s.name, l.source_entity, l.target_entity,
       coalesce(c.arrived, 0), coalesce(c.created, 0), coalesce(c.updated, 0), coalesce(c.failed, 0)
  from core.leg l join core.sync s on s.id = l.sync left join counted c on (c.sync, c.entity) = (l.sync, l.name)
 where s.state <> 'deleted' or c.sync is not null
 order by s.name, l.position, l.name
"""

_AMOUNTS = """
with asked as (
    select * from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
        as a(vendor, entity, action, word, found_in, path, part, first_currency, second_currency)
), acts as materialized (
    select j.sync, j.entity as leg, a.word,
           coalesce(nullif(i.document ->> a.first_currency, ''), nullif(i.document ->> a.second_currency, ''), '') as currency,
           case a.found_in when 'seen' then t.seen ->> a.path
                else (select v.value ->> a.part from jsonb_each(j.after) v where starts_with(v.key, a.path) limit 1) end as amount
      from flow.journal j
      join core.leg l on (l.sync, l.name) = (j.sync, j.entity)
      join core.connection c on c.id = l.target_connection
      join asked a on (a.vendor, a.entity, a.action) = (c.vendor, l.target_entity, j.details ->> 'action')
      left join flow.work_item i on (i.sync, i.entity, i.record) = (j.sync, j.entity, j.record)
      left join flow.target_record t on (t.account, t.place, t.target_entity, t.key) = (c.account, i.place, l.target_entity, j.target_key)
     where j.step = 'applied' and j.at >= $1 and j.at < $2
), judged as materialized (
    select sync, leg, word, currency, case when currency <> '' and amount ~ '^-?[0-9]+([.][0-9]+)?$' then amount::numeric end as amount from acts
)
select sync, leg, word, currency, coalesce(sum(amount), 0), count(amount), count(*) - count(amount)
  from judged group by sync, leg, word, currency order by sync, leg, currency, word
"""

_WAITING = """
select s.name, sum(w.waiting)::bigint as waiting, sum(w.stuck)::bigint as stuck
  from flow.work_count w join core.sync s on s.id = w.sync
 group by s.name having sum(w.waiting) <> 0 or sum(w.stuck) <> 0 order by s.name
"""

_BLOCKED = """
select c.name, g.reason, g.set_at, g.message from core.gate g join core.connection c on c.id = g.connection
 where c.state <> 'deleted' order by c.name, g.reason, g.place
"""
