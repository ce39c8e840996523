"""Writes that no look had seen by the vendor's horizon, and that the next look of their own row meets: they are told as applied.

Whoever else looks there, and whenever nobody does, the audit finds them (R4). In: what a look has shown of rows that are leased here. Durable
with the caller's commit. The rows are locked before what is known of their target records, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.failures import Failure
from common.state.pool import DbConnection
from vendors.absorbing import ToBeSent
from vendors.target_record import TargetRecord
from writing import intents, journal_entries, work_items
from writing.claimed import Claimed
from writing.intent import Intent
from writing.items import ItemKey, TargetKey
from writing.result_transaction import ResultTransaction
from writing.run_lines import counted
from writing.vendor_code import judged

SeenRow = tuple[Claimed, str, TargetRecord]
Unseen = Mapping[tuple[ItemKey, TargetKey], Sequence[Intent]]


async def unseen_of(tx: DbConnection, seen: Sequence[SeenRow]) -> Unseen:
    """What these rows have sent to what they look at, and nobody has seen arrive; the rows that have some are locked, and still leased here."""
    found = await intents.unseen_of(tx, [(row.item.key, row.target(key)) for row, key, _ in seen])
    if not found:
        return {}
    locked = await work_items.lock(tx, {key for key, _ in found})
    mine = {row.item.key for row, _, _ in seen if (now := locked.get(row.item.key)) and now.token == row.item.token}
    return {where: some for where, some in found.items() if where[0] in mine}


async def tell(tx: DbConnection, result: ResultTransaction, unseen: Unseen, seen: Sequence[SeenRow]) -> None:
    """The newest of them that would make what is seen there and is not known is the one; what it makes unknowable is kept."""
    landed = {row.item.key: (row, one) for row, key, shown in seen if (one := _landed(result, unseen, row, key, shown))}
    proved = await intents.prove(tx, [one for _, one in landed.values()], result.now) if landed else set[ItemKey]()
    for row, intent in (one for key, one in landed.items() if key in proved):
        result.learn(row, intent.target.key, ToBeSent(intent.act))
        result.entries.append(journal_entries.applied_intent(row.item, intent, result.now, "late"))
        row.result_so_far = counted(row.result_so_far, intent.act, changed=True)
        result.progressed.append(row)


def _landed(result: ResultTransaction, unseen: Unseen, row: Claimed, key: str, shown: TargetRecord) -> Intent | None:
    """Where our own code cannot tell, the audit will have the same trouble, and tell of it."""
    some, known = unseen.get((row.item.key, row.target(key)), ()), row.known[key]
    if not some or judged(lambda: result.target.drifted(known, shown)) is not True:
        return None
    return next((one for one in some if _is_late(result, one, known, shown)), None)


def _is_late(result: ResultTransaction, one: Intent, known: TargetRecord, shown: TargetRecord) -> bool:
    answer: bool | Failure = judged(lambda: result.target.late(one.unseen, known, shown))
    return answer is True
