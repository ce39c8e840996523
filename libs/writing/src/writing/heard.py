"""Whom our own tables know by the match of a record that has no counterpart yet (R21).

A vendor's look-up by a field lags behind its writes; what a hook or a poll has told of a new record is in our tables before. They say only
whose id to read: what is told late may be told of somebody who is another by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.failures import Failure
from common.state.pool import DbConnection
from vendors.target import Target
from writing.claimed import Claimed
from writing.items import ItemKey, columns
from writing.paired import side_of
from writing.vendor_code import judged


async def of(tx: DbConnection, target: Target, rows: Sequence[Claimed]) -> dict[ItemKey, str]:
    """By record: the id of one that is alone too, and was seen to have its match."""
    sought = [(row.item, one) for row in rows for one in _sought(target, row)]
    if not sought:
        return {}
    ends = [
        (item.account, item.place, item.target_entity, item.source_account, item.source_entity) for item, _ in sought
    ]
    found = await tx.fetch(_HEARD, list(range(len(sought))), *columns(ends, 5), [one for _, one in sought])
    return {sought[row["at"]][0].key: row["id"] for row in found}


def _sought(target: Target, row: Claimed) -> list[dict[str, Any]]:
    """What would have been seen of it, in the target's spelling of the match and in the document's own."""
    item, pair = row.item, row.pair
    identity = judged(lambda: target.identify(item.document)) if item.wish == "present" else None
    if identity is None or isinstance(identity, Failure) or pair is None:
        return []
    side = side_of(item)
    names = [at for at in pair.paths if pair.path(side, at) == identity.field]
    values = dict.fromkeys((item.target_key, str(item.document.get(identity.field))))
    return [{side: {at: value}} for at in names for value in values]


_HEARD = """
select distinct on (n.at) n.at, case when n.seen ? 'left' then p.left_id else p.right_id end as id
  from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
       as n(at, account, place, entity, other_account, other_entity, seen)
  join flow.pair p on p.exclusive and p.state = 'alone' and p.seen @> n.seen
   and (n.seen ? 'left' and p.left_id <> ''
        and (p.left_account, p.left_place, p.left_entity, p.right_account, p.right_entity)
          = (n.account, n.place, n.entity, n.other_account, n.other_entity)
        or n.seen ? 'right' and p.right_id <> ''
        and (p.right_account, p.right_place, p.right_entity, p.left_account, p.left_entity)
          = (n.account, n.place, n.entity, n.other_account, n.other_entity))
 order by n.at, p.id
"""
