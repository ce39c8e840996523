"""How pairs of two-way legs come to be: one-ended with the first sight of a record, whole once its counterpart is known (R21, R22)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from common.pairs.merging import SideName, other
from common.pairs.pair import Pair, seen
from common.pairs.sides import Observation, Side
from common.state.pairs import PairEnd, PairRow
from common.state.pool import DbConnection


class FirstSeen(NamedTuple):
    """A record of which there is no pair, and where its counterpart would be."""

    side: SideName
    own: PairEnd
    there: PairEnd
    """Without an id."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of two ends that met."""

    row: PairRow | None
    """None: the other record has a living counterpart, so it is none for this one."""
    merged: int | None = None
    """The row that went into the other."""


async def ensure(tx: DbConnection, records: Iterable[FirstSeen], now: datetime) -> None:
    """A pair for each of these records that has none: a new one that has no other end yet."""
    await tx.execute(_INSERT, *columns(sorted(set(records))), now)


async def keep_places(tx: DbConnection, records: Iterable[FirstSeen], now: datetime) -> set[int]:
    """A one-ended pair for each of these that has none: until this transaction ends nobody else makes one, and whoever wants to waits.
    Returns those that were made."""
    return {row["id"] for row in await tx.fetch(f"{_INSERT} returning id", *columns(sorted(set(records))), now)}


async def behind_creates(tx: DbConnection, alone: Iterable[int]) -> set[int]:
    """R21: those of these one-ended pairs whose record may be what an open create has made, because that was begun before the record was seen."""
    rows = await tx.fetch(_BEHIND_CREATES, sorted(alone), _CLOCKS_DIFFER, _LONGEST_OPEN)
    return {row["id"] for row in rows}


async def forget(tx: DbConnection, merged: Sequence[int]) -> None:
    """One-ended rows that went into others; nobody has ever been asked about them."""
    if merged:
        await tx.execute("delete from flow.pair where id = any($1::bigint[])", list(merged))


def columns(listed: Sequence[FirstSeen]) -> list[list[str]]:
    """As `RECORDS` takes them."""
    return [
        [one.side for one in listed],
        *([one.own[at] for one in listed] for at in range(4)),
        *([one.there[at] for one in listed] for at in range(3)),
    ]


def join(own: PairRow, side: SideName, id: str, rows: Mapping[int, PairRow]) -> Joined:
    """The record of a one-ended pair and the record `id` of `side` are one, if that one has no living counterpart.

    R21: a record has one counterpart. R22: a new record takes the place of one that is gone.
    """
    there = own.end(side)._replace(id=id)
    # The same record may have pairs with records of other kinds: those are no concern of this one.
    kind = own.end(other(side))[:3]
    its = (row for row in rows.values() if row.end(side) == there and row.end(other(side))[:3] == kind)
    found = next((row for row in its if row.id != own.id), None)
    if found is None:
        return Joined(_linked(own.with_end(side, id)))
    if not found.whole:
        both = _with_seen(own.pair, side, found.pair.side(side))
        return Joined(_linked(replace(own.with_end(side, id), pair=both)), found.id)
    if found.gone == other(side):
        return Joined(_in_its_place(found, own, other(side)), own.id)
    return Joined(None)


def alone_again(row: PairRow, side: SideName) -> PairRow:
    """R22: a person has said that the one that is gone shall be made anew; nothing is known of it and nothing agreed."""
    fresh = Pair().with_side(other(side), _unagreed(row.pair.side(other(side))))
    return replace(row.with_end(side, ""), pair=fresh, state="alone", planned={}, attempts={}, happened=("anew",))


def _in_its_place(dead: PairRow, own: PairRow, side: SideName) -> PairRow:
    """R22: the pair stays, with the new record at this side."""
    both = Pair().with_side(side, own.pair.side(side))
    both = both.with_side(other(side), _unagreed(dead.pair.side(other(side))))
    row = replace(dead.with_end(side, own.end(side).id), pair=both, planned={}, attempts={}, paths=own.paths)
    return _linked(row)


def _unagreed(side: Side) -> Side:
    return replace(side, agreed={}, overwritten={}, outdated=(), write=None)


def _with_seen(pair: Pair, name: SideName, known: Side) -> Pair:
    """What was seen of the other end before it was known whose it is. R16: while the write that made it is open, it waits."""
    if pair.side(name).write is None:
        return pair.with_side(name, known)
    if known.version is not None:
        pair = seen(pair, name, Observation(*known.version, known.seen))
    for one in known.waiting:
        pair = seen(pair, name, one)
    return pair


def _linked(row: PairRow) -> PairRow:
    return replace(row, state="linked", owed=True, happened=("linked",))


_CLOCKS_DIFFER = timedelta(seconds=2)
_LONGEST_OPEN = timedelta(days=1)
"""Nobody waits longer for an outcome that nobody can find out."""

_BEHIND_CREATES = """
select p.id from flow.pair p
 where p.id = any($1::bigint[]) and exists (
    select from flow.pair q
     where q.state = 'reserved' and q.exclusive and case p.left_id when '' then q.right_id else q.left_id end = ''
       and (q.left_account, q.left_place, q.left_entity) = (p.left_account, p.left_place, p.left_entity)
       and (q.right_account, q.right_place, q.right_entity) = (p.right_account, p.right_place, p.right_entity)
       and (q.history -> -1 ->> 'at')::timestamptz between p.since - $3::interval and p.since + $2::interval)
"""

RECORDS = """unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
             as n(side, account, place, entity, id, other_account, other_place, other_entity)"""

_INSERT = f"""
insert into flow.pair (left_account, left_place, left_entity, left_id, right_account, right_place, right_entity, right_id, exclusive, state,
                       since, changed_at)
select case side when 'left' then account else other_account end, case side when 'left' then place else other_place end,
       case side when 'left' then entity else other_entity end, case side when 'left' then id else '' end,
       case side when 'left' then other_account else account end, case side when 'left' then other_place else place end,
       case side when 'left' then other_entity else entity end, case side when 'left' then '' else id end, true, 'alone', $9, $9
  from {RECORDS}
on conflict do nothing
"""  # noqa: S608 - constants of this module
