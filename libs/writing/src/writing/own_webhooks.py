"""Webhooks that tell of nothing but our own writes into a source's records: told apart before anybody is read because of them.

In: records of which a webhook has told that they were changed, and when. Out: those that no read is needed for, and those to which a write is on its
way, whose answer says more in a moment. What decides is the vendor's own (`Vendor.own_webhooks`): what is known of the record by our writes, and the
version by which the source knew it last. The next look at what has changed tells of our write with everything else. Only reads; a crash repeats them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from common.contracts.ids import RecordId
from common.contracts.messages import Version
from common.state.pool import DbConnection
from common.state.read_requests import ReadRequest
from vendors.acts import key_of_id
from vendors.own_webhooks import OwnWebhooks
from writing.target_records import record_of

# An answer that takes longer is one that nobody saw, and a person's edit must not wait for the look that settles it.
ANSWERED_WITHIN = timedelta(seconds=30)


class ToldByUs(NamedTuple):
    """Of which records a webhook has told nothing new, and of which that is not known yet."""

    ours: frozenset[RecordId]
    under_way: frozenset[RecordId]


async def told_by_us(
    tx: DbConnection, account: str, own: OwnWebhooks, requests: Sequence[ReadRequest], now: datetime
) -> ToldByUs:
    """Of requests for records of one connection and kind."""
    heard = {one.record: Version.of_sequence(one.version) for one in requests if one.heard is not None and one.version}
    if not heard:
        return ToldByUs(frozenset(), frozenset())
    keys = {key_of_id(record): record for record in heard}
    rows = await tx.fetch(_KNOWN, account, own.written_as, list(keys))
    told = await _versions(tx, requests[0], list(heard))
    ours = {
        record for row in rows
        if own.is_ours(record_of(row), heard[record := keys[row["key"]]].stamp, told.get(record))
    }  # fmt: skip
    open_ = await tx.fetch(_OPEN, account, own.written_as, list(keys), now - ANSWERED_WITHIN)
    return ToldByUs(frozenset(ours), frozenset(keys[row["target_key"]] for row in open_) - ours)


async def _versions(tx: DbConnection, of: ReadRequest, records: Sequence[RecordId]) -> Mapping[RecordId, int | None]:
    """The vendor's number of the newest version that the source has told."""
    rows = await tx.fetch(
        "select record, sequence from flow.record_state where (connection, entity) = ($1, $2) and record = any($3) and sequence <> ''",
        of.connection, of.entity, list(records),
    )  # fmt: skip
    return {RecordId(row["record"]): Version.of_sequence(row["sequence"]).count for row in rows}


_KNOWN = "select * from flow.target_record where account = $1 and target_entity = $2 and key = any($3)"
_OPEN = """
select distinct target_key from flow.write_intent
 where account = $1 and target_entity = $2 and target_key = any($3) and state = 'sent' and sent_at > $4
"""
