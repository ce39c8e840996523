"""What records tell of others, kept up with their states: of whom they tell, and the few fields that facts are made of.

In: records of a batch that tell of others, locked and merged. Out: the records of whom something else is told than before, those that a
record told of until now included. Durable with the caller's commit. A row is made of the merged state and of nothing else, so it follows
R10 and R12 as the state does: late, repeated and outdated changes change nothing, and what is deleted tells of nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import ChangeEvent
from common.state import feeding
from common.state.feeding import Met
from common.state.pool import DbConnection
from mapper import feed_rows
from mapper.feed_rows import Told, still_chosen, told_by
from mapper.merged_batch import MergedBatch
from mapper.state import RecordState
from mapper.state_rows import Key
from mapper.wanted_rows import Cause
from vendors.feeds import Feed


async def tell(
    tx: DbConnection, feeds: Mapping[Entity, Feed], merged: MergedBatch, changes: Sequence[ChangeEvent]
) -> dict[Key, Cause]:
    """Stores what they tell now, and says for whom that is news, and by which change."""
    met = [Met(one.connection, one.entity, one.run, one.record) for one in changes if one.run is not None]
    if met:
        await feeding.meet(tx, met)
    changed = merged.changed
    if not changed:
        return {}
    before = await feed_rows.stored(tx, changed)
    after = {key: _told(key, state, feeds[key.entity], before.get(key, {})) for key, state in changed.items()}
    news = {key: told for key, told in after.items() if told != before.get(key, {})}
    if news:
        await feed_rows.replace(tx, news)
    return {
        Key(key.connection, *one): replace(merged.causes[key], run=None)
        for key, told in news.items()
        for one in whom(before.get(key, {}), told)
    }


def _told(key: Key, state: RecordState, feed: Feed, before: Told) -> Told:
    return told_by(state, key, feed, still_chosen(state, feed, before))


def whom(before: Told, after: Told) -> list[tuple[Entity, RecordId]]:
    """Those of whom something else is told, or nothing any more."""
    return [one for one in {**before, **after} if before.get(one) != after.get(one)]
