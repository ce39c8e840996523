"""Changes of a target's records that are nothing but our own writes coming back: told apart before anybody is told of them.

In: changes that a read-back has found, before they are produced. Out: those of them that say something. The very rules decide that would judge
the event (R17): one that comes to an echo, changes nothing that is known and concerns nobody is none. While a write to its record is in flight
(R16), or where our own code cannot tell, it is told. Only reads, a constant number of statements for any number of changes; a crash repeats them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.contracts.ids import Entity
from common.contracts.messages import ChangeEvent
from common.failures import Failure
from common.state.pool import DbConnection
from vendors.absorbing import Heard, TargetEvent
from vendors.acts import Written
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import intents, target_records
from writing.items import TargetKey
from writing.vendor_code import judged


async def own_echoes(
    tx: DbConnection, account: str, targets: Mapping[Entity, Target], events: Sequence[ChangeEvent]
) -> set[int]:
    """The numbers of those among these events that tell of nothing but what we have written."""
    found = set[int]()
    for entity, target in targets.items():
        its = {n: parsed for n, event in enumerate(events) if (parsed := _parsed(target, event)) is not None}
        where = {n: TargetKey(account, parsed.place, entity, parsed.key) for n, parsed in its.items()}
        if its:
            in_flight = await intents.open_at(tx, where.values())
            known = await target_records.read(tx, where.values())
            written = await intents.written(tx, where.values(), min(parsed.at for parsed in its.values()))
            found |= {
                n
                for n, parsed in its.items()
                if where[n] not in in_flight and _is_echo(target, known[where[n]], parsed, written[where[n]])
            }
    return found


def _parsed(target: Target, event: ChangeEvent) -> TargetEvent | None:
    """A moved record concerns two of them."""
    parsed = judged(lambda: target.parsed(event))
    return None if parsed is None or isinstance(parsed, Failure) or parsed.former_key else parsed


def _is_echo(target: Target, known: TargetRecord, event: TargetEvent, written: Sequence[Written]) -> bool:
    absorbed = judged(lambda: target.absorb(known, Heard(event, written)))
    if isinstance(absorbed, Failure) or absorbed.change is None:
        return False
    return absorbed.change.step == "echo" and absorbed.record == known and not absorbed.concerns
