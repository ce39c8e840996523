"""Judges pairs again of which something new is known: the end of a write, a person's answer, a wish for the side that told nothing.

Whoever finds that out stores it in the pair and marks it `owed`. Here both records are locked, then the pair, in the order of every batch,
and each leg's wish is raised (R9, R15). A crash before the commit leaves the pair owed; after it, wishes that the republisher publishes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from common.clock import Clock
from common.contracts.ids import Entity, RecordId, SyncId
from common.contracts.messages import Lane
from common.contracts.syncs import Leg
from common.journal import write
from common.pairs.merging import SIDES, SideName, other
from common.state import awaiting, match_values, pairs_by_hand, read_requests
from common.state.awaiting import LinkMade
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pair_births import FirstSeen
from common.state.pool import DbConnection, Pool, transaction
from common.state.read_requests import ReadRequest
from mapper import state_rows
from mapper.entering import enter_changes
from mapper.judging import judge
from mapper.mappings import Mappings
from mapper.match_births import legs_under
from mapper.pairing import Pairing
from mapper.publisher import Publisher
from mapper.state import AskedFor
from mapper.state_rows import Key
from mapper.two_ways import TwoWays, ways_of
from mapper.wanted_rows import Cause
from vendors.registry import vendor_named

MatchedRecord = tuple[SyncId, Entity, SideName, RecordId]
"""A record at one side of a forward leg."""

EVERY_S = 0.5
PAGE = 200


class PairSettling:
    """Goes through the pairs that are owed a judgement, and the records that may be matched otherwise now."""

    def __init__(
        self, pool: Pool, clock: Clock, configuration: ConfigurationReader, mappings: Mappings, publisher: Publisher
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._configuration = configuration
        self._mappings = mappings
        self._publisher = publisher

    async def step(self) -> bool:
        """Judges one page; False when there is nothing to do. Without a leg that has a way back it asks nobody."""
        if not any(self._ways(self._configuration.known)):
            return False
        async with transaction(self._pool) as tx:
            owed = await tx.fetch(_OWED, PAGE)
            again = await match_values.take_again(tx, PAGE)
            if not owed and not again:
                return False
            await _release(tx, owed, self._clock.now())
            raised, left = await self._judge(tx, owed, again)
            # Those of syncs that rest are judged with their next change.
            over = [row["id"] for row in owed if row["id"] not in left]
            await tx.execute("update flow.pair set owed = false where id = any($1::bigint[]) and owed", over)
        await self._publisher.publish(raised)
        return bool(raised)

    async def _judge(
        self, tx: DbConnection, owed: Sequence[Mapping[str, Any]], again: Sequence[MatchedRecord]
    ) -> tuple[list[Key], set[int]]:
        """Whose wishes it has raised, and the pairs that are owed still: links made by hand that have to wait for the end of a create, and those
        that were linked since they were found."""
        keys, by_hand = self._of_ways(self._configuration.known, owed)
        keys += self._matched(self._configuration.known, again)
        if not keys:
            return [], set()
        now = self._clock.now()
        await state_rows.judging(tx, keys)
        states = await state_rows.lock_known(tx, keys)
        configuration = await self._configuration.read(tx)  # R9: after the locks
        await self._children(tx, configuration, owed)
        waiting = await pairs_by_hand.adopt(tx, by_hand, now) if by_hand else set()
        told = frozenset(row["id"] for row in owed if row["state"] == "linked")
        pairing = await Pairing.of(tx, configuration, self._mappings, states, now, told=told)
        pairing.recall(states)
        causes = {key: Cause(now, Lane.LIVE) for key in states}
        judged = await judge(tx, configuration, self._mappings, states, causes, now, pairing=pairing)
        raised = [one for one in judged.all if one.revision]
        await enter_changes(tx, raised, {one.key: [None] for one in raised}, now)
        await write(tx, judged.entries)
        asks = [_request(configuration, key, stamp) for key, stamp in pairing.doubtful()]
        if asks:
            # R16: nothing of that side is judged before a settled read.
            await read_requests.ask(tx, asks, now)
        return [one.key for one in raised], waiting | set(pairing.untold())

    async def _children(
        self, tx: DbConnection, configuration: Configuration, owed: Sequence[Mapping[str, Any]]
    ) -> None:
        """R23: those who belong to a record that has a counterpart now are matched among that one's; where its create has come to nothing, nobody
        of theirs is it. Under the lock of the sync, so that whoever found the record without one is seen here."""
        ways = {(one.ends["left"][:3], one.ends["right"][:3]): one for one in self._ways(configuration)}
        parents = list[MatchedRecord]()
        for row in owed:
            its = ways.get((tuple(row["left"]), tuple(row["right"])))
            if its is not None and row["state"] in ("linked", "alone"):
                parents += [
                    (its.forward.sync, child, side, row[f"{side}_id"])
                    for child, side in legs_under(configuration, its.forward)
                ]
        if parents:
            await match_values.alone(tx, {one[0] for one in parents})
            await match_values.again(tx, set(await match_values.children(tx, parents)))

    def _matched(self, configuration: Configuration, again: Sequence[MatchedRecord]) -> list[Key]:
        ways = {(one.forward.sync, one.forward.name): one for one in self._ways(configuration)}
        return [Key(*ways[sync, leg].source(side), record) for sync, leg, side, record in again if (sync, leg) in ways]

    def _of_ways(
        self, configuration: Configuration, owed: Sequence[Mapping[str, Any]]
    ) -> tuple[list[Key], list[FirstSeen]]:
        """Both records of each pair, by the connections of the legs that lead between them; and the pairs that a person has made: from now on
        the two have each other alone."""
        ways = {(one.ends["left"][:3], one.ends["right"][:3]): one for one in self._ways(configuration)}
        keys, by_hand = list[Key](), list[FirstSeen]()
        for row in owed:
            its = ways.get((tuple(row["left"]), tuple(row["right"])))
            if its is None:
                continue
            keys += [Key(*its.source(side), RecordId(row[f"{side}_id"])) for side in SIDES if row[f"{side}_id"]]
            if not row["exclusive"] and row["left_id"] and row["right_id"]:
                by_hand.append(FirstSeen("left", its.end("left", row["left_id"]), its.ends["right"]))
        return keys, by_hand

    def _ways(self, configuration: Configuration) -> Iterator[TwoWays]:
        legs: Iterable[Leg] = (one for one in configuration.legs() if one.direction == "forward" and one.mapping)
        return (ways for leg in legs if (ways := ways_of(configuration, self._mappings, leg)) is not None)


async def _release(tx: DbConnection, owed: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """R23: a link that the mapper has made lets those go on who have waited for it, before any pair is locked, as writers do."""
    made = [
        LinkMade(row[side][0], row[side][2], row[f"{side}_id"], row[other(side)][0])
        for row in owed
        if row["state"] == "linked"
        for side in SIDES
    ]
    if made:
        await awaiting.together(tx, {one.account for one in made})
        await awaiting.release(tx, made, now)


def _request(configuration: Configuration, key: Key, stamp: datetime) -> ReadRequest:
    """R10: an answer settles only after the stamp's second and the vendor's read lag are over."""
    source = vendor_named(configuration.connections[key.connection].vendor).source
    assert source is not None, "it was read before"
    return ReadRequest(key.connection, key.entity, key.record, AskedFor.UNSETTLED.value, stamp + source.settles_after)


_OWED = """
select id, array[left_account, left_place, left_entity] as left, array[right_account, right_place, right_entity] as right, left_id, right_id,
       exclusive, state
  from flow.pair where owed order by id limit $1
"""
