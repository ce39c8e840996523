"""What the ends of records mean for others: who waits for their links, and who shares the keys that they leave (R13, R23).

In: the rows of one result, as its transaction has judged them. Out: the journal's rows about it. Durable with the caller's commit, so
nobody misses a link because of a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from common.contracts.outcomes import SkipReason
from common.journal import Entry, Step
from common.state import awaiting
from common.state.awaiting import LinkMade
from common.state.pool import DbConnection
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import journal_entries, leaving, links, needs, owners, work_items
from writing.claimed import Claimed
from writing.codes import WAITS_FOR_RECORD
from writing.items import Item, ItemKey, NextState


async def told_to_waiting(tx: DbConnection, fates: Mapping[ItemKey, NextState], now: datetime) -> list[Entry]:
    """Whoever waits for a record that has ended without a link reads so."""
    ended = {key: words for key, fate in fates.items() if (words := _how_it_ended(fate))}
    children = await needs.waiting_for(tx, ended) if ended else []
    said = {child.key: needs.words(parent.entity, parent.record, ended[parent]) for child, parent in children}
    await needs.say(tx, said, now)
    return [
        journal_entries.entry(child, Step.WAITING, now, reason=WAITS_FOR_RECORD.name, words=said[child.key])
        for child, _ in children
    ]


async def refused(tx: DbConnection, creates: Sequence[Item], now: datetime) -> None:
    """What the vendor has refused is not there, and what it carried is not sent again."""
    await work_items.forget_first_bodies(tx, [item.key for item in creates])
    await links.free(tx, _one_way(creates), "refused", now)


async def given_up(tx: DbConnection, ended: Sequence[Item], now: datetime) -> None:
    """Nobody tries them again by themselves, so nothing is about to be made for them."""
    await links.free(tx, _one_way(ended), "given_up", now)


def _one_way(items: Sequence[Item]) -> list[Item]:
    """Pairs that are edited on both sides are free with the end of each write (`pair_results.py`)."""
    return [item for item in items if not item.side and item.target_key]


async def left_and_linked(
    tx: DbConnection, target: Target, done: Sequence[Claimed], fates: Mapping[ItemKey, NextState], now: datetime
) -> list[Entry]:
    """Rows that have what they wished: their former keys are past, and their links are what the target has of them."""
    await leaving.leave(tx, [row.item for row in done])
    await owners.judged(tx, [row.item for row in done if row.ownership.is_ranked_anew])
    # Pairs that are edited on both sides have a transaction of their own for what they are (`pair_results.py`).
    done = [row for row in done if not row.item.side]
    wanted = [(row.item, row.known.get(row.item.target_key, TargetRecord())) for row in done if row.item.target_key]
    there = [(item, known.id) for item, known in wanted if known.exists]
    as_wished = [(item, links.rule_of(target, item)) for item, _ in there if fates[item.key].outcome != "skipped"]
    await links.adopt(tx, as_wished, now)
    new = set(await links.link(tx, there, now))
    # R13: whoever shares what somebody else has linked before is there with it.
    await _release(tx, [item for item, _ in there if item.key in new or _shares(fates[item.key])], now)
    gone = [item for item, known in wanted if known.exists is False and known.met]
    await links.lost(tx, gone, now)
    await links.end(tx, [row.item for row in done if row.item.wish == "absent"], now)
    await links.left(tx, [(row.item, key) for row in done for key in row.ownership.former], now)
    return [
        journal_entries.entry(row.item, Step.LINKED, now, reason=row.item.lane.value)
        for row in done
        if row.item.key in new
    ]


async def _release(tx: DbConnection, linked: Sequence[Item], now: datetime) -> None:
    """R23: whoever has waited for one of these links goes on, from this very transaction."""
    made = [LinkMade(item.source_account, item.source_entity, item.key.record, item.account) for item in linked]
    await awaiting.release(tx, made, now)


def _shares(fate: NextState) -> bool:
    return fate.reason == SkipReason.SHARES_TARGET.value


def _how_it_ended(fate: NextState) -> str:
    message = fate.failure.message if fate.failure else ""
    return needs.how_it_ended(fate.state, fate.outcome, fate.reason, message)
