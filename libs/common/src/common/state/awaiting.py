"""Work items that wait for other records to be linked, as whoever makes a link has to know of them: a writer, or a person by hand (R23).

Whoever finds that a link is missing does so alone, per account of the target; whoever makes links does so together with others of its
kind. Both take that lock before any row, so that neither misses the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from common.state.pool import DbConnection


class LinkMade(NamedTuple):
    """A record of the source that is linked now, and the account that it is linked to."""

    source_account: str
    entity: str
    record: str
    account: str


async def alone(tx: DbConnection, accounts: Iterable[str]) -> None:
    """While somebody finds out that links are missing, nobody makes one."""
    for account in sorted(set(accounts)):
        await tx.execute("select pg_advisory_xact_lock(hashtext('flow.work_need'), hashtext($1))", account)


async def together(tx: DbConnection, accounts: Iterable[str]) -> None:
    """Links may be made, as long as nobody finds out just now that one is missing."""
    for account in sorted(set(accounts)):
        await tx.execute("select pg_advisory_xact_lock_shared(hashtext('flow.work_need'), hashtext($1))", account)


async def release(tx: DbConnection, made: Sequence[LinkMade], now: datetime) -> None:
    """R23: whoever has waited for one of these goes on; in the transaction that makes their links."""
    if made:
        await tx.execute(_RELEASE, *([one[at] for one in made] for at in range(4)), now)


_RELEASE = """
with made as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as m(source_account, entity, record, account)
), there as (
    select * from made
    union
    -- R13: whoever shares the target of one of these is there with it.
    select o.source_account, l.source_entity, o.record, o.account
      from made m
      -- One after the other by their indexes: of young tables without statistics, all of these were joined with all owners of the account.
      cross join lateral (
            select p.right_account, p.right_place, p.right_entity, p.right_key from flow.pair p
             where (p.left_account, p.left_entity, p.left_id, p.right_account, p.state)
                 = (m.source_account, m.entity, m.record, m.account, 'linked') offset 0) as p
      cross join lateral (
            select o.source_account, o.sync, o.entity, o.record, o.account from flow.target_owner o
             where (o.account, o.place, o.target_entity, o.key, o.standing)
                 = (p.right_account, p.right_place, p.right_entity, p.right_key, 'live') offset 0) as o
      join core.leg l on (l.sync, l.name) = (o.sync, o.entity)
), free as materialized (
    select w.sync, w.entity, w.record, n.need_entity, n.need_record
      from there p
      join flow.work_need n on (n.need_entity, n.need_record) = (p.entity, p.record)
       and (n.source = p.source_account or n.source in (select c.id from core.connection c where c.account = p.source_account))
      join flow.work_item w on (w.sync, w.entity, w.record) = (n.sync, n.entity, n.record)
      join core.connection t on t.id = w.connection and coalesce(t.account, t.id) = p.account
     order by w.sync, w.entity, w.record for update of w
), gone as (
    delete from flow.work_need n using free f
     where (n.sync, n.entity, n.record, n.need_entity, n.need_record) = (f.sync, f.entity, f.record, f.need_entity, f.need_record)
)
update flow.work_item w
   set state = 'ready', due_at = $5, reason = '', code = '', kind = '', message = '', changed_at = $5
  from (select distinct sync, entity, record from free) as k
 where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record) and w.state = 'awaiting'
"""
