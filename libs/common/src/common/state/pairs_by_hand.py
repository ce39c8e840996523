"""Links that a person has made, or that were imported, between records that are edited on both sides: pairs from then on (R21, R22).

Such a link says no more than which record is which. With it the two have each other alone, whatever was known of either before: a one-ended
pair goes into it, and one whose counterpart is gone gives way to it. A record that has got another counterpart since the link was made
keeps that one, and while a create of it is open nobody knows yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.state.pair_births import RECORDS, FirstSeen, columns
from common.state.pool import DbConnection

LINKED_MEANWHILE = "its record was linked to another one meanwhile"


async def adopt(tx: DbConnection, records: Sequence[FirstSeen], now: datetime) -> set[int]:
    """The links of these records become pairs; returns those that have to wait."""
    listed = [row["id"] for row in await tx.fetch(_BY_HAND, *columns(sorted(set(records))))]
    if not listed:
        return set()
    # Whoever hears of one of them just now waits, and finds the pair.
    await tx.execute(_KEEP_PLACES, listed, now)
    await tx.execute(_ALONE_NO_MORE, listed)
    await tx.execute(_GIVE_WAY, listed, now)
    await tx.execute(_ADOPT, listed, now)
    await tx.execute(_TAKEN, listed, now, LINKED_MEANWHILE)
    return {row["id"] for row in await tx.fetch(_WAITING, listed)}


_NAMED = f"""
select p.id from {RECORDS} join flow.pair p
    on (p.{{side}}_account, p.{{side}}_place, p.{{side}}_entity, p.{{side}}_id, p.{{other}}_account, p.{{other}}_place, p.{{other}}_entity)
     = (n.account, n.place, n.entity, n.id, n.other_account, n.other_place, n.other_entity)
 where n.side = '{{side}}' and not p.exclusive and p.state <> 'unlinked' and p.{{other}}_id <> ''"""  # noqa: S608 - a constant of ours

_BY_HAND = f"{_NAMED.format(side='left', other='right')} union {_NAMED.format(side='right', other='left')} order by id"

_KEEP_PLACES = """
insert into flow.pair (left_account, left_place, left_entity, left_id, right_account, right_place, right_entity, right_id, exclusive, state,
                       since, changed_at)
select p.left_account, p.left_place, p.left_entity, ends.left_id, p.right_account, p.right_place, p.right_entity, ends.right_id, true, 'alone',
       $2, $2
  from flow.pair p cross join lateral (values (p.left_id, ''), ('', p.right_id)) as ends(left_id, right_id)
 where p.id = any($1::bigint[]) order by 1, 2, 3, 4, 5, 6, 7, 8
on conflict do nothing
"""

# Another pair of one of its records.
_OF_ITS = """h.exclusive and (h.left_id = p.left_id or h.right_id = p.right_id)
   and (h.left_account, h.left_place, h.left_entity, h.right_account, h.right_place, h.right_entity)
     = (p.left_account, p.left_place, p.left_entity, p.right_account, p.right_place, p.right_entity)"""

# Both ends may have been seen before anybody knew that they are one; what was seen of them is in their records' states too.
_ALONE_NO_MORE = f"""
delete from flow.pair h using flow.pair p where p.id = any($1::bigint[]) and {_OF_ITS} and h.state = 'alone'
"""  # noqa: S608 - constants of this module

_TOLD = "jsonb_build_array(jsonb_build_object('at', $2::timestamptz, 'what', 'unlinked', 'who', '', 'why', {why}))"

# R22: nobody has to say any more what shall become of the survivor.
_GIVE_WAY = f"""
with ended as (
    update flow.pair h set state = 'unlinked', seen = '{{}}', agreed = '{{}}', judgement = '{{}}', owed = false, changed_at = $2,
           history = h.history || {_TOLD.format(why="''")}
      from flow.pair p where p.id = any($1::bigint[]) and {_OF_ITS} and h.state in ('ended_left', 'ended_right')
    returning h.id
)
delete from flow.pair_question q using ended where q.pair = ended.id
"""  # noqa: S608 - constants of this module

_ADOPT = f"""
update flow.pair p set exclusive = true, owed = true, changed_at = $2
 where p.id = any($1::bigint[]) and not exists (select from flow.pair h where {_OF_ITS} and h.state <> 'unlinked')
"""  # noqa: S608 - constants of this module

_TAKEN = f"""
update flow.pair p set state = 'unlinked', owed = false, changed_at = $2, history = p.history || {_TOLD.format(why="$3::text")}
 where p.id = any($1::bigint[]) and not p.exclusive and exists (select from flow.pair h where {_OF_ITS} and h.state = 'linked')
"""  # noqa: S608 - constants of this module

_WAITING = "select id from flow.pair where id = any($1::bigint[]) and not exclusive and state <> 'unlinked'"
