"""What a fact makes of what is known of a record of Books that we write: pure, and the only way in which that changes (R15).

A look changes what is seen; the end of a write, or both sides saying the same, what is agreed as well. What Books made of each agreed
value is remembered beside it: it spells some of them in its own way, and only what differs from that was changed by a person (R18).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.contracts.ids import content_hash
from vendors.absorbing import Absorbed, ActDone, Doubted, Fact, Refused, SameAsWished, Seen
from vendors.target_record import TargetRecord
from vendors.zoho_books import limits
from vendors.zoho_books.errors import ZB_NAME_TAKEN
from vendors.zoho_books.invoice_codes import ZB_CUSTOMER_KEY_TAKEN

_BECAME = "became"
_AT_REST = "at_rest"
_NAME_TAKEN = "name_taken"
_KEY_TAKEN = "key_taken"
_TAKEN = {ZB_NAME_TAKEN.name: _NAME_TAKEN, ZB_CUSTOMER_KEY_TAKEN.name: _KEY_TAKEN}
_MADE_AT = "made_at"
# Acts by which a record comes to be that a look finds by a list.
_MAKES = frozenset({"create", "credit"})


def absorb(known: TargetRecord, fact: Fact, *, waits_for_lists: bool = False) -> Absorbed:
    """`waits_for_lists`: what we have just made is there, though a look does not find it yet."""
    match fact:
        case ActDone():
            return Absorbed(_done(known, fact))
        case Seen():
            if waits_for_lists and _is_not_listed_yet(known, fact):
                return Absorbed(replace(known, doubtful=True))
            return Absorbed(_seen(known, fact.record))
        case SameAsWished():
            return Absorbed(_resting(known, fact.document))
        case Doubted():
            return Absorbed(replace(known, doubtful=True))
        case Refused() if (flag := _TAKEN.get(fact.failure.code)) and not known.memory.get(flag):
            return Absorbed(replace(known, memory={**known.memory, flag: True}))
        case _:
            return Absorbed(known)


def at_rest(known: TargetRecord, document: Mapping[str, Any]) -> bool:
    """Everything that this very document asks for was there already, and nothing speaks against it since: it costs no call."""
    return bool(known.exists) and not known.doubtful and known.memory.get(_AT_REST) == content_hash(document)


def name_is_taken(known: TargetRecord) -> bool:
    """Books has refused the record's name, because somebody else has it."""
    return bool(known.memory.get(_NAME_TAKEN))


def key_is_taken(known: TargetRecord) -> bool:
    """Books has refused the shop's id in the unique field, because another customer has it: that one is ours."""
    return bool(known.memory.get(_KEY_TAKEN))


def differences(wanted: Mapping[str, Any], known: TargetRecord) -> dict[str, Any]:
    """What was not agreed as it is wished now, or is not any more what it became then."""
    became = known.memory.get(_BECAME, {})
    return {
        path: value
        for path, value in wanted.items()
        if value != known.seen.get(path)
        and (path not in known.agreed or value != known.agreed[path] or known.seen.get(path) != became.get(path))
    }


def edited(known: TargetRecord, paths: Iterable[str]) -> list[str]:
    """What somebody else has changed since it was agreed."""
    became = known.memory.get(_BECAME, {})
    return [path for path in paths if path in became and known.seen.get(path) != became[path]]


def drifted(known: TargetRecord, seen: TargetRecord, paths: Iterable[str]) -> bool:
    """R4: whether what was seen is not what was agreed."""
    return bool(known.exists) != bool(seen.exists) or bool(edited(replace(known, seen=seen.seen), paths))


def _done(known: TargetRecord, fact: ActDone) -> TargetRecord:
    act, done = fact.act, fact.done
    if not done.exists:
        # It went from there by an act of ours, so whoever comes there is new.
        return TargetRecord(exists=False)
    seen = {**known.seen, **act.values, **done.became}
    after = replace(known, exists=done.exists, met=True, id=done.id or known.id, seen=seen, doubtful=False)
    agreed = {**known.agreed, **act.values}
    became = {**known.memory.get(_BECAME, {}), **{path: seen.get(path) for path in act.values}}
    made = {_MADE_AT: fact.until.isoformat()} if act.action in _MAKES else {}
    return replace(after, agreed=agreed, memory={**known.memory, **made, _BECAME: became, _AT_REST: ""})


def _seen(known: TargetRecord, shown: TargetRecord) -> TargetRecord:
    """R2: a look replaces what was seen, and not what was agreed. What is there and is not as it was is no longer at rest."""
    memory = known.memory
    if shown.exists != known.exists or dict(shown.seen) != dict(known.seen):
        memory = {**known.memory, _AT_REST: ""}
    return replace(
        known, exists=shown.exists, met=known.met or bool(shown.exists), id=shown.id or known.id, seen=shown.seen, doubtful=False, memory=memory
    )  # fmt: skip


def _is_not_listed_yet(known: TargetRecord, fact: Seen) -> bool:
    """A look goes by a list, and lists follow: that it does not find what was just made proves nothing."""
    made = known.memory.get(_MADE_AT)
    if not known.exists or fact.record.exists or not made:
        return False
    return datetime.fromisoformat(made) > fact.since - limits.LOOK_LAG


def _resting(known: TargetRecord, document: Mapping[str, Any]) -> TargetRecord:
    return replace(known, memory={**known.memory, _AT_REST: content_hash(document)}) if known.exists else known
