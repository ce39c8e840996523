"""What a fact makes of what is known of a record of the ledger; the same for all of its entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vendors.absorbing import Absorbed, ActDone, Doubted, Fact, SameAsWished, Seen
from vendors.acts import Act, Attempt, Done
from vendors.target_record import TargetRecord

BECAME = "became"
"""In the memory: what the ledger made of each agreed field, in its own spelling (R18)."""
LEFT = "left"
"""In the memory: the record went by an act of ours, and may come back by one."""


def absorb(known: TargetRecord, fact: Fact) -> Absorbed:
    """R15: a look changes what is seen, the end of a write what is agreed too."""
    match fact:
        case ActDone():
            return Absorbed(_done(known, fact.act, fact.done))
        case Seen():
            shown = fact.record
            return Absorbed(
                replace(known, exists=shown.exists, met=known.met or bool(shown.exists), id=shown.id or known.id, seen=shown.seen, doubtful=False)
            )  # fmt: skip
        case SameAsWished():
            return Absorbed(_agreed(known, fact.document))
        case Doubted():
            return Absorbed(replace(known, doubtful=True))
        case _:
            return Absorbed(known)


def _done(known: TargetRecord, act: Act, done: Done) -> TargetRecord:
    """The ledger answers with the whole record."""
    if not done.exists:
        return TargetRecord(exists=False, met=True, memory={LEFT: True})
    seen = done.became or {**known.seen, **act.values}
    after = replace(known, exists=done.exists, met=True, id=done.id or known.id, seen=seen, doubtful=False)
    return _agreed(after, act.values)


def _agreed(known: TargetRecord, values: Mapping[str, Any]) -> TargetRecord:
    agreed = {path: value for path, value in {**known.agreed, **values}.items() if value is not None}
    became = {**known.memory.get(BECAME, {}), **{path: known.seen.get(path) for path in values}}
    return replace(known, agreed=agreed, memory={BECAME: {path: became.get(path) for path in agreed}})


def differences(document: Mapping[str, Any], known: TargetRecord) -> dict[str, Any]:
    """What was not agreed as it is wished now, or is not any more what it became then."""
    became = known.memory.get(BECAME, {})
    return {
        path: value
        for path, value in document.items()
        if value != known.seen.get(path)
        and (path not in known.agreed or value != known.agreed[path] or known.seen.get(path) != became.get(path))
    }


def edited(known: TargetRecord, paths: Mapping[str, Any]) -> list[str]:
    """The fields that somebody else has changed since we agreed on them."""
    became = known.memory.get(BECAME, {})
    return [path for path in paths if path in became and known.seen.get(path) != became[path]]


def landed(attempt: Attempt, seen: TargetRecord) -> Done | None:
    """Whether everything that the act would have made is there; what it took away is gone."""
    if attempt.act.action == "delete":
        return None if seen.exists else Done(exists=False)
    if not seen.exists:
        return None
    if attempt.act.action != "create" and any(
        seen.seen.get(path) != value for path, value in attempt.act.values.items()
    ):
        return None
    return Done(seen.seen, id=seen.id)


def late(attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
    return landed(attempt, seen) is not None and landed(attempt, known) is None


def drifted(known: TargetRecord, seen: TargetRecord) -> bool:
    return bool(known.exists) != bool(seen.exists) or known.seen != seen.seen
