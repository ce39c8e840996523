"""What whoever takes a record needs besides its row: the leases of all its keys, its ownership, and everything known about it (R13, R14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta

from common.contracts.connections import Connection
from common.contracts.ids import Entity, SyncId
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from common.failures import Failure
from common.state.pool import DbConnection
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import leases, needs, owners, past, target_records
from writing.claimed import Claimed
from writing.items import Item, ItemKey, TargetKey, columns
from writing.needs import Linked
from writing.owners import Ownership
from writing.vendor_code import judged

BLOCKED_FOR = timedelta(milliseconds=500)


async def own(
    tx: DbConnection, taken: Sequence[Item], targets: Mapping[Entity, Target], connection: Connection, now: datetime
) -> list[Claimed]:
    """Those of the records that get all of their keys, each with what it owns from now on; the others go back."""
    held = await owners.held(tx, taken)
    # R23: one lease covers the whole tree of a document, its children too.
    covered = {item.key: {*_keys(targets[item.target_entity], item), *held[item.key].keys} for item in taken}
    targets_of = {item.key: {item.target(key) for key in covered[item.key]} for item in taken}
    mine = await lease(tx, taken, targets_of, now)
    if not mine:
        return []
    stay = {item.key for item in mine if _stays(targets[item.target_entity], item)}
    owned = await owners.plan(tx, mine, held, stay, now)
    concerned = await past.past_of(tx, mine, connection.vendor)
    for item in mine:
        concerned[item.key] |= {item.target(key) for key in covered[item.key]}
    known = await target_records.read(tx, [one for keys in concerned.values() for one in keys])
    linked = await needs.linked(tx, [(item, one) for item in mine for one in item.needs])
    return [
        _claimed(item, owned[item.key], concerned[item.key], known, connection, linked.get(item.key, {}))
        for item in mine
    ]


async def lease(
    tx: DbConnection, taken: Sequence[Item], keys: Mapping[ItemKey, Set[TargetKey]], now: datetime
) -> list[Item]:
    """Those of the records that get all of their keys; the others go back."""
    free = await leases.take(tx, taken, keys)
    blocked = [item for item in taken if item.key not in free]
    if blocked:
        await give_back(tx, blocked, now + BLOCKED_FOR)
    return [item for item in taken if item.key in free]


def wished(item: Item, closing: frozenset[SyncId]) -> Item:
    """A sync that was switched off, and whose records shall go, wants nothing but that, whatever it wanted before."""
    if item.key.sync not in closing:
        return item
    return replace(item, wish="absent", skip=SkipReason.SYNC_DISABLED.value, document={}, target_key="")


def _keys(target: Target, item: Item) -> set[str]:
    """Where the vendor's code breaks on a document, its plan breaks too, and the record ends as it should."""
    if item.wish != "present":
        return set()
    keys = judged(lambda: target.keys(item.document))
    return {one for one in (item.target_key, *(() if isinstance(keys, Failure) else keys)) if one}


def _stays(target: Target, item: Item) -> bool:
    return item.wish == "absent" and judged(lambda: target.lets_go(item.document)) is not True


def _claimed(
    item: Item,
    owned: Ownership,
    targets: set[TargetKey],
    known: Mapping[TargetKey, TargetRecord],
    connection: Connection,
    linked: Mapping[RecordRef, Linked],
) -> Claimed:
    here = {target.key: known[target] for target in sorted(targets) if target == item.target(target.key)}
    claimed = Claimed(
        item, owned, here, tuple(key for key in here if key != item.target_key),
        tuple(known[target] for target in sorted(targets) if target != item.target(target.key)),
        connection.capabilities, result_so_far=item.result_so_far, call_group=item.call_group,
        first_body=item.first_body,
    )  # fmt: skip
    claimed.know(linked)
    return claimed


async def give_back(tx: DbConnection, items: Sequence[Item], due_at: datetime) -> None:
    await tx.execute(
        """
        update flow.work_item w set state = 'waiting', token = null, lease_until = null, due_at = $4
          from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
         where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record)
        """,
        *columns([item.key for item in items]),
        due_at,
    )
