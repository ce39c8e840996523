"""The rows of a deferred call whose results are there: taken from their hold, all of them at once, and given their verdicts (R3, R5).

In: a call, its open intents, a verdict on each. Durable: what `results.py` stores after any call, in one transaction. A crash before it
leaves the rows on hold under a lease that runs out, and the results are fetched again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from common.clock import Clock, monotonic, moved_by
from common.contracts.ids import Entity
from common.state.pool import DbConnection, Pool, transaction
from vendors.acts import Act, Verdict
from vendors.target_record import TargetRecord
from writing import target_records
from writing.caller import Answers
from writing.calls import Intended, Sent
from writing.claimed import Claimed
from writing.deferred_calls import DeferredCall
from writing.intent import Intent
from writing.items import ACCOUNTS, Item, columns, item_of
from writing.journal_entries import CallReply
from writing.lease_renewer import LeaseRenewer
from writing.owners import Ownership
from writing.results import Results


class DeferredRows:
    """Settles them."""

    def __init__(
        self, pool: Pool, clock: Clock, results: Mapping[Entity, Results], lease_renewer: LeaseRenewer, lease: timedelta
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._results = results
        self._lease_renewer = lease_renewer
        self._lease = lease

    async def settle(
        self, call: DeferredCall, its: Sequence[Intent], verdicts: Sequence[Verdict], reply: CallReply
    ) -> bool:
        """Whether they could be had: all of them, or, where nobody waits any longer, as many as there are."""
        since = monotonic()
        async with transaction(self._pool) as tx:
            at: datetime = await tx.fetchval("select now()") + moved_by(self._clock)
            items = await self._take(tx, its, everybody=not call.over)
            batch = await _batch(tx, items, its)
        if not items:
            return call.over
        told = {one.key: verdict for one, verdict in zip(its, verdicts, strict=True)}
        intended = Intended(call.attempt, batch, call.sent_at, at, monotonic())
        answers = Answers([told[row.item.key] for row, _ in batch], reply)
        with self._lease_renewer.keeping(items[0].token, since):
            await self._results[call.entity].store(Sent(intended, answers, at, later=True), None)
        return True

    async def _take(self, tx: DbConnection, its: Sequence[Intent], *, everybody: bool) -> list[Item]:
        """Those on hold that nobody looks at; none of them where one of all is somebody's."""
        keys = columns(sorted({one.key for one in its}))
        free = await tx.fetch(_FREE, *keys)
        if everybody and len(free) < len(its):
            return []
        rows = await tx.fetch(_TAKE, *columns([tuple(row) for row in free]), uuid4(), self._lease)
        return [item_of(row) for row in rows]


async def _batch(tx: DbConnection, items: Sequence[Item], its: Sequence[Intent]) -> list[tuple[Claimed, Act]]:
    mine = {item.key: item for item in items}
    sent = [(mine[one.key], one) for one in its if one.key in mine]
    known = await target_records.read(tx, {one.target for _, one in sent})
    return [(_claimed(item, one, known[one.target]), one.act) for item, one in sent]


def _claimed(item: Item, one: Intent, known: TargetRecord) -> Claimed:
    """As it was sent: the row may wish something newer by now, and elsewhere."""
    as_sent = replace(
        item, revision=one.revision, mapping_version=one.mapping_version, run=one.run, event_id=one.event_id,
        connection=one.connection, account=one.target.account, place=one.target.place, target_entity=one.target.entity,
        target_key=one.target.key, traceparent=item.traceparent if item.trace_id == one.trace_id else _trace(one.trace_id),
    )  # fmt: skip
    return Claimed(as_sent, Ownership(), {one.target.key: known}, result_so_far=item.result_so_far)


def _trace(id: str) -> str:
    return f"00-{id}-{'0' * 15}1-00" if id else ""


_FREE = """
select w.sync, w.entity, w.record from flow.work_item w
  join unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record) using (sync, entity, record)
 where w.state = 'hold' and (w.token is null or w.lease_until < now()) order by w.sync, w.entity, w.record for update of w
"""

_TAKE = f"""
update flow.work_item w set token = $4, lease_until = now() + $5
  from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
 where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record)
returning w.*, {ACCOUNTS}
"""  # noqa: S608 - a constant of ours
