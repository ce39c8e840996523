"""Records whose leg has a way back, as whoever takes them needs them: by the link where there is one, under the match's lease where not.

R15: what the fields of a pair shall be is in the pair's row and not in the command, which only says that there is something to do. A
record that is linked is found and leased by its counterpart's id, whatever its match is by now; nobody shares it, so it has no owners.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.pairs.merging import SIDES, SideName, other
from common.pairs.spelling import spelt
from common.state.pair_births import FirstSeen
from common.state.pairs import CONNECTIONS, PairRow, row_of
from common.state.pool import DbConnection
from vendors.acts import id_of_key, key_of_id
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import claims, target_records
from writing.claimed import Claimed
from writing.items import Item, ItemKey, TargetKey, columns
from writing.owners import Ownership
from writing.vendor_code import judged


async def own(
    tx: DbConnection, taken: Sequence[Item], targets: Mapping[Entity, Target], connection: Connection, now: datetime
) -> list[Claimed]:
    """Those of the records that get their lease, each with its pair and what is known of its counterpart."""
    pairs = await of(tx, taken)
    known_pairs = [item for item in taken if item.key in pairs]
    if len(known_pairs) < len(taken):
        # Taken apart by a person: its next change begins anew.
        lost = [item for item in taken if item.key not in pairs]
        await claims.give_back(tx, lost, now + claims.BLOCKED_FOR)
    items = [_by_link(item, pairs[item.key]) for item in known_pairs]
    mine = await claims.lease(tx, items, {item.key: _leased(item, pairs[item.key]) for item in items}, now)
    linked = [item for item in mine if id_of_key(item.target_key)]
    known = await target_records.read(tx, [item.target(item.target_key) for item in linked])
    return [
        _claimed(
            item, pairs[item.key], known.get(item.target(item.target_key)), targets[item.target_entity], connection
        )
        for item in mine
    ]


async def of(tx: DbConnection, items: Sequence[Item]) -> dict[ItemKey, PairRow]:
    """The pairs of these records, as they are at the moment."""
    rows = await tx.fetch(f"{_OF} order by p.id", *_ends(items))
    return match(items, [row_of(row) for row in rows])


async def lock(tx: DbConnection, items: Sequence[Item], found: Sequence[tuple[Item, str]] = ()) -> list[PairRow]:
    """R15: the pairs of these records, and those of their counterparts that were just found, locked in one order."""
    ids = [("left" if item.side == "right" else "right", item.account, item.target_entity, id, item.source_account,
            item.source_entity) for item, id in found]  # fmt: skip
    ends = [[*one, *(row[at] for row in ids)] for at, one in enumerate(_ends(items))]
    return [row_of(row) for row in await tx.fetch(f"{_OF} order by p.id for update of p", *ends)]


def strangers(items: Sequence[tuple[Item, str]], locked: Sequence[PairRow]) -> list[FirstSeen]:
    """Counterparts that were found for records without one, and of which nothing was heard yet, as the mapper would tell their first sight."""
    own = match([item for item, _ in items], locked)
    found = [(side_of(item), own[item.key], id) for item, id in items if item.key in own]
    known = {(side, row.end(side)) for row in locked for side in SIDES}
    return [
        FirstSeen(side, there, row.end(other(side))._replace(id=""))
        for side, row, id in found
        if not row.whole and (side, there := row.end(side)._replace(id=id)) not in known
    ]


def match(items: Sequence[Item], rows: Sequence[PairRow]) -> dict[ItemKey, PairRow]:
    """Whose pair each of these is."""
    found: dict[ItemKey, PairRow] = {}
    for item in items:
        side = side_of(item)
        for row in rows:
            own, there = row.end(other(side)), row.end(side)
            if (own.account, own.entity, own.id) == (item.source_account, item.source_entity, item.key.record) and (
                there[:3] == (item.account, item.place, item.target_entity)
            ):
                found[item.key] = row
    return found


def side_of(item: Item) -> SideName:
    assert item.side, "its leg has a way back"
    return item.side


def _by_link(item: Item, row: PairRow) -> Item:
    """R15: the document is what the pair says now, and never what it said when the command was made."""
    side = side_of(item)
    parts = row.plan(side).parts if item.wish == "present" else {}
    id = row.end(side).id
    merged = {row.path(side, at) for at in row.paths} if id else set()
    document = {path: value for path, value in item.document.items() if path not in merged}
    document |= {row.path(side, at): part.sent for at, part in parts.items()}
    return replace(item, document=document, target_key=key_of_id(id) if id else item.target_key)


def _leased(item: Item, row: PairRow) -> set[TargetKey]:
    keys = {item.target(item.target_key)} if item.target_key else set()
    if not row.whole and item.target_key:
        # R21: while it has no counterpart, one lease per match over both systems: two new records of one thing make one pair.
        keys.add(
            TargetKey(
                f"{row.left.account} {row.right.account}",
                "",
                Entity(f"{row.left.entity} {row.right.entity}"),
                item.target_key,
            )
        )
    return keys


def _claimed(item: Item, row: PairRow, known: TargetRecord | None, target: Target, connection: Connection) -> Claimed:
    here = {item.target_key: _seen(row, side_of(item), known)} if known is not None else {}
    leaves = item.wish == "absent" and bool(item.target_key) and judged(lambda: target.lets_go(item.document)) is True
    keys = frozenset({item.target_key} if item.target_key else ())
    ownership = Ownership(
        wanted="" if leaves else item.target_key, former=tuple(keys) if leaves else (), alone=keys, unwanted=keys
    )
    return Claimed(
        item, ownership, here, capabilities=connection.capabilities, result_so_far=item.result_so_far,
        call_group=item.call_group, pair=row,
    )  # fmt: skip


def _seen(row: PairRow, side: SideName, known: TargetRecord) -> TargetRecord:
    """What the pair has seen of the counterpart is newer than what we knew when we wrote there last."""
    its = row.pair.side(side)
    if not its.seen:
        return known
    newer = {row.path(side, at): value for at, value in its.seen.items()}
    # An address that differs in nothing but parts without a value is left in the vendor's own form.
    alike = spelt({path: known.seen.get(path) for path in newer})
    seen = {**known.seen, **{path: value for path, value in newer.items() if alike[path] != value}}
    due = {row.path(side, at) for at in row.plan(side).parts}
    agreed: dict[str, Any] = {path: value for path, value in known.agreed.items() if path not in due}
    version = its.version
    # R19: who compares and sets is given the stamp of a settled version only.
    stamp = version.stamp if version is not None and version.settled else None
    return replace(known, exists=True, met=True, id=row.end(side).id, seen=seen, agreed=agreed, stamp=stamp)


def _ends(items: Sequence[Item]) -> list[list[str]]:
    return columns(
        [
            (item.side, item.source_account, item.source_entity, item.key.record, item.account, item.target_entity)
            for item in items
        ],
        6,
    )


# A record's own place is not asked for: ids are an account's.
_OF = f"""
select p.*, {CONNECTIONS}
  from flow.pair p
 where p.exclusive and p.state <> 'unlinked' and p.id in (
    select q.id from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as n(side, account, entity, id, there, other)
      join flow.pair q on (q.left_account, q.left_entity, q.left_id, q.right_account, q.right_entity)
                        = (n.account, n.entity, n.id, n.there, n.other) where n.side = 'right'
    union
    select q.id from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as n(side, account, entity, id, there, other)
      join flow.pair q on (q.right_account, q.right_entity, q.right_id, q.left_account, q.left_entity)
                        = (n.account, n.entity, n.id, n.there, n.other) where n.side = 'left')
"""  # noqa: S608 - a constant of ours
