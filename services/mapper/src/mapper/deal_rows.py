"""Customers of whose invoices it is due to say for which deal they are, and what that is decided by, as rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from common.contracts.facts import INVOICE
from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.open_deals import DEAL
from common.state.pool import DbConnection
from mapper.facts import RULE
from mapper.state_rows import Key

CUSTOMER, PERSON = Entity("customer"), Entity("person")


class InvoiceRow(NamedTuple):
    """An invoice as it tells of its customer, with the deal that it counts for and by which rule."""

    customer: RecordId
    record: RecordId
    fields: Mapping[str, Any]
    deal: RecordId | None
    rule: str


async def mark(tx: DbConnection, due: Collection[Key]) -> None:
    """It is to be decided anew of these, after the caller's commit."""
    if due:
        columns = [[key[at] for key in sorted(due)] for at in range(3)]
        await tx.execute(_MARK, *columns)


async def mark_all(tx: DbConnection, connection: ConnectionId) -> None:
    """Of everybody who has a deal there."""
    await tx.execute(_MARK_ALL, connection)


async def take(tx: DbConnection, most: int) -> list[Key]:
    """Whoever is due, the first ones first; they are due no more once the caller has committed."""
    return [Key(*row) for row in await tx.fetch(_TAKE, most)]


async def customers_of(
    tx: DbConnection, left: str, right: str, there: Iterable[tuple[Entity, RecordId]]
) -> set[RecordId]:
    """The customers that these accounts and contacts are."""
    ends = sorted(set(there))
    rows = await tx.fetch(_CUSTOMERS, left, right, [one[0] for one in ends], [one[1] for one in ends])
    return {RecordId(row[0]) for row in rows}


async def accounts_of(
    tx: DbConnection, left: str, right: str, customers: Collection[RecordId]
) -> dict[RecordId, set[tuple[Entity, RecordId]]]:
    """By customer, what it is on the other side: an account, a contact, or nothing."""
    found: dict[RecordId, set[tuple[Entity, RecordId]]] = {}
    for row in await tx.fetch(_ACCOUNTS, left, right, sorted(customers)):
        found.setdefault(RecordId(row[0]), set()).add((Entity(row[1]), RecordId(row[2])))
    return found


async def invoices_of(tx: DbConnection, connection: ConnectionId, customers: Collection[RecordId]) -> list[InvoiceRow]:
    """All of theirs."""
    rows = await tx.fetch(_INVOICES, connection, sorted(customers), INVOICE, DEAL, CUSTOMER, RULE)
    return [InvoiceRow(*row) for row in rows]


async def deals_of(
    tx: DbConnection, connection: ConnectionId, ends: Iterable[tuple[Entity, RecordId]]
) -> dict[RecordId, Mapping[str, Any]]:
    """Those that belong to these accounts; of a contact, those that belong to no account."""
    ordered = sorted(set(ends))
    accounts = [record for entity, record in ordered if entity == CUSTOMER]
    contacts = [record for entity, record in ordered if entity == PERSON]
    return {RecordId(row[0]): row[1] for row in await tx.fetch(_DEALS, connection, accounts, contacts)}


async def holders_of(
    tx: DbConnection, connection: ConnectionId, deals: Collection[RecordId], not_counted: Collection[str]
) -> dict[RecordId, set[RecordId]]:
    """The invoices that count for each deal, whosever they are."""
    found: dict[RecordId, set[RecordId]] = {}
    for row in await tx.fetch(_HOLDERS, connection, DEAL, sorted(deals), INVOICE, sorted(not_counted)):
        found.setdefault(RecordId(row[0]), set()).add(RecordId(row[1]))
    return found


async def say(tx: DbConnection, connection: ConnectionId, said: Mapping[RecordId, str]) -> list[RecordId]:
    """Stores what was decided; the invoices of which it is something else than before."""
    ordered = sorted(said.items())
    rows = await tx.fetch(_SAY, connection, [one[0] for one in ordered], [one[1] for one in ordered])
    return [RecordId(row[0]) for row in rows]


_MARK = (
    "insert into flow.deal_due (connection, entity, record) select * from unnest($1::text[], $2::text[], $3::text[])"
)

_MARK_ALL = """
insert into flow.deal_due (connection, entity, record)
select distinct s.connection, k.entity, s.fields ->> k.name
  from flow.record_state s cross join (values ('customer', 'customer_id'), ('person', 'person_id')) as k(entity, name)
 where s.connection = $1 and s.entity = 'deal' and s.fields ->> k.name <> ''
"""

_TAKE = """
with taken as (
    delete from flow.deal_due where id in (select id from flow.deal_due order by id limit $1) returning connection, entity, record
)
select distinct connection, entity, record from taken
"""

_CUSTOMERS = """
select distinct p.left_id from unnest($3::text[], $4::text[]) as k(entity, id)
  join flow.pair p on p.right_account = $2 and p.right_entity = k.entity and p.right_id = k.id and p.right_id <> ''
 where p.left_account = $1 and p.left_entity = 'customer' and p.left_id <> '' and p.state = 'linked'
"""

_ACCOUNTS = """
select distinct p.left_id, p.right_entity, p.right_id from flow.pair p
 where p.left_account = $1 and p.left_entity = 'customer' and p.left_id = any($3::text[]) and p.right_account = $2
   and p.right_entity in ('customer', 'person') and p.right_id <> '' and p.state = 'linked'
"""

_INVOICES = """
select c.fed_record, c.record, c.fields, d.fed_record, coalesce(d.fields ->> $6, '')
  from flow.feed_row c
  left join flow.feed_row d on (d.connection, d.entity, d.record, d.fed_entity) = (c.connection, c.entity, c.record, $4)
 where c.connection = $1 and c.fed_entity = $5 and c.fed_record = any($2::text[]) and c.entity = $3
"""

_DEALS = """
select s.record, s.fields from flow.record_state s
 where s.connection = $1 and s.entity = 'deal' and not s.deleted and s.fields ->> 'customer_id' = any($2::text[])
union
select s.record, s.fields from flow.record_state s
 where s.connection = $1 and s.entity = 'deal' and not s.deleted and s.fields ->> 'person_id' = any($3::text[])
   and coalesce(s.fields ->> 'customer_id', '') = ''
"""

_HOLDERS = """
select f.fed_record, f.record from flow.feed_row f
 where f.connection = $1 and f.fed_entity = $2 and f.fed_record = any($3::text[]) and f.entity = $4
   and not coalesce(f.fields ->> 'status', '') = any($5::text[])
"""

_SAY = """
insert into flow.deal_choice as c (connection, record, said)
select $1, n.record, n.said from unnest($2::text[], $3::text[]) as n(record, said)
on conflict (connection, record) do update set said = excluded.said where c.said <> excluded.said
returning record
"""
