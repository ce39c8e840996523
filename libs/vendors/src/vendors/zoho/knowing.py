"""What a fact makes of what is known of a record that we write at one of Zoho's products: pure, and the only way in which that changes (R15).

A look changes what is seen; the end of a write, or both sides saying the same, what is agreed as well. What the vendor made of each agreed
value is remembered beside it: some are spelt in its own way, and only what differs from that was changed by a person (R18).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from common.contracts.ids import content_hash
from vendors.absorbing import Absorbed, ActDone, Doubted, Fact, Refused, SameAsWished, Seen
from vendors.target_record import TargetRecord

_BECAME = "became"
_AT_REST = "at_rest"
_MADE_AT = "made_at"
Alike = Callable[[str, Any], Any]
"""A value of a path in the one form in which two of them compare."""


def _as_it_is(path: str, value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Habits:
    """What is one product's own."""

    flags: Mapping[str, str] = field(default_factory=dict)
    """Refusals that are no failures: by their code, what is known from then on."""
    makes: frozenset[str] = frozenset()
    """Acts by which a record comes to be that a look finds by a list."""
    look_lag: timedelta = timedelta(0)
    """How far such a list may be behind."""


def absorb(known: TargetRecord, fact: Fact, habits: Habits, *, waits_for_lists: bool = False) -> Absorbed:
    """`waits_for_lists`: what we have just made is there, though a look does not find it yet."""
    match fact:
        case ActDone():
            return Absorbed(_done(known, fact, habits))
        case Seen():
            if waits_for_lists and _is_not_listed_yet(known, fact, habits):
                return Absorbed(replace(known, doubtful=True))
            return Absorbed(_seen(known, fact.record))
        case SameAsWished():
            return Absorbed(_resting(known, fact.document))
        case Doubted():
            return Absorbed(replace(known, doubtful=True))
        case Refused() if (flag := habits.flags.get(fact.failure.code)) and not known.memory.get(flag):
            return Absorbed(replace(known, memory={**known.memory, flag: True}))
        case _:
            return Absorbed(known)


def at_rest(known: TargetRecord, document: Mapping[str, Any]) -> bool:
    """Everything that this very document asks for was there already, and nothing speaks against it since: it costs no call."""
    return bool(known.exists) and not known.doubtful and known.memory.get(_AT_REST) == content_hash(document)


def differences(wanted: Mapping[str, Any], known: TargetRecord, alike: Alike = _as_it_is) -> dict[str, Any]:
    """What was not agreed as it is wished now, or is not any more what it became then."""
    became = known.memory.get(_BECAME, {})

    def is_due(path: str, value: Any) -> bool:
        one, seen = alike(path, value), alike(path, known.seen.get(path))
        if one == seen:
            return False
        return (
            path not in known.agreed
            or one != alike(path, known.agreed[path])
            or seen != alike(path, became.get(path))
        )  # fmt: skip

    return {path: value for path, value in wanted.items() if is_due(path, value)}


def edited(known: TargetRecord, paths: Iterable[str]) -> list[str]:
    """What somebody else has changed since it was agreed."""
    became = known.memory.get(_BECAME, {})
    return [path for path in paths if path in became and known.seen.get(path) != became[path]]


def drifted(known: TargetRecord, seen: TargetRecord, paths: Iterable[str]) -> bool:
    """R4: whether what was seen is not what was agreed."""
    return bool(known.exists) != bool(seen.exists) or bool(edited(replace(known, seen=seen.seen), paths))


def _done(known: TargetRecord, fact: ActDone, habits: Habits) -> TargetRecord:
    act, done = fact.act, fact.done
    if not done.exists:
        # It went from there by an act of ours, so whoever comes there is new.
        return TargetRecord(exists=False)
    seen = {**known.seen, **act.values, **done.became}
    after = replace(known, exists=done.exists, met=True, id=done.id or known.id, seen=seen, doubtful=False)
    agreed = {**known.agreed, **act.values}
    became = {**known.memory.get(_BECAME, {}), **{path: seen.get(path) for path in act.values}}
    made = {_MADE_AT: fact.until.isoformat()} if act.action in habits.makes else {}
    return replace(after, agreed=agreed, memory={**known.memory, **made, _BECAME: became, _AT_REST: ""})


def _seen(known: TargetRecord, shown: TargetRecord) -> TargetRecord:
    """R2: a look replaces what was seen, and not what was agreed. What is there and is not as it was is no longer at rest."""
    memory = known.memory
    if shown.exists != known.exists or dict(shown.seen) != dict(known.seen):
        memory = {**known.memory, _AT_REST: ""}
    return replace(
        known, exists=shown.exists, met=known.met or bool(shown.exists), id=shown.id or known.id, seen=shown.seen, doubtful=False, memory=memory
    )  # fmt: skip


def _is_not_listed_yet(known: TargetRecord, fact: Seen, habits: Habits) -> bool:
    """A look goes by a list, and lists follow: that it does not find what was just made proves nothing."""
    made = known.memory.get(_MADE_AT)
    if not known.exists or fact.record.exists or not made:
        return False
    return datetime.fromisoformat(made) > fact.since - habits.look_lag


def _resting(known: TargetRecord, document: Mapping[str, Any]) -> TargetRecord:
    return replace(known, memory={**known.memory, _AT_REST: content_hash(document)}) if known.exists else known
