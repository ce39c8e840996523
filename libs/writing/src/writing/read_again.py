"""Commands that were read before: whose record has come to its end by them, and has nothing more to do for them.

In: commands, whose work items are locked. Out: those that would be planned to `Nothing`, without opening their rows for it (R8). They are
found by comparing, before anything is planned: the wish is the one that has ended, by the same release and in the same place; its target
record is there and nobody doubts it; nobody else lives under its key, and none of its former keys has still to be left. Whatever is learnt
of a target record asks for those whom it concerns by itself (`rechecks.py`), and such a request stands in the way here.

Everything else is opened and planned as ever: what was skipped, failed or is wished away, what needs others, and either side of a pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from common.bus.handler import Delivered
from common.contracts.messages import WriteCommand
from common.state.pool import DbConnection
from common.version import build
from writing.items import ItemKey, Locked, columns, key_of

Commands = Mapping[ItemKey, Delivered[WriteCommand]]


async def still_so(tx: DbConnection, newest: Commands, stored: Mapping[ItemKey, Locked]) -> dict[ItemKey, str]:
    """Of these, those that have ended as they wish, with the keys of their target records."""
    its = [(key, item.message) for key, item in newest.items() if _may_be(item.message, stored.get(key))]
    if not its:
        return {}
    rows = await tx.fetch(
        _STILL_SO,
        *columns([key for key, _ in its]),
        *columns(_places(command for _, command in its)),
        [command.revision for _, command in its],
        [dict(command.document) for _, command in its],
        build(),
    )
    return {key_of(row): row["target_key"] for row in rows}


def _may_be(command: WriteCommand, before: Locked | None) -> bool:
    """A replay is a person's wish that it be looked at once more."""
    if before is None or before.state != "done" or before.revision != command.revision:
        return False
    plain = (
        command.wish == "present" and command.mode == "state" and not (command.side or command.needs or command.skip)
    )
    return plain and not command.replay


def _places(commands: Iterable[WriteCommand]) -> list[tuple[str, str, str]]:
    return [(command.source, command.target, command.place) for command in commands]


# With `offset 0` each record and each of its rows is looked up: of young tables without statistics, all were compared with all.
_STILL_SO = """
select w.sync, w.entity, w.record, w.target_key
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::jsonb[])
       as k(sync, entity, record, source, connection, place, revision, document)
  cross join lateral (
       select i.sync, i.entity, i.record, i.target_key, c.account, i.place, i.target_entity
         from flow.work_item i join core.sync s on s.id = i.sync join core.connection c on c.id = i.connection
        where (i.sync, i.entity, i.record) = (k.sync, k.entity, k.record)
          and i.state = 'done' and i.outcome in ('added', 'updated', 'unchanged') and i.ended_by = $9 and s.state = 'active'
          and (i.source, i.connection, i.place, i.revision, i.wish, i.side) = (k.source, k.connection, k.place, k.revision, 'present', '')
          and i.document = k.document offset 0) as w
  cross join lateral (
       select true from flow.target_record t
        where (t.account, t.place, t.target_entity, t.key) = (w.account, w.place, w.target_entity, w.target_key)
          and t.present and not t.doubtful offset 0) as known
  cross join lateral (
       select bool_and((o.sync, o.entity, o.record) = (w.sync, w.entity, w.record) and o.standing = 'live') as alone
         from flow.target_owner o
        where (o.account, o.place, o.target_entity, o.key) = (w.account, w.place, w.target_entity, w.target_key)
          and o.standing in ('live', 'leaving') offset 0) as here
  cross join lateral (
       -- Filtered after it is found: an index of those that are here finds all of a sync.
       select count(*) filter (where o.standing = 'leaving') as more from flow.target_owner o
        where (o.sync, o.entity, o.record) = (w.sync, w.entity, w.record) offset 0) as left_behind
  left join lateral (
       select true as asked from flow.recheck r where (r.sync, r.entity, r.record) = (w.sync, w.entity, w.record) offset 0) as again on true
 where here.alone and left_behind.more = 0 and again.asked is null
"""
