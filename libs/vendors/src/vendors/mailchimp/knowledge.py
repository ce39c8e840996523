"""What a fact makes of what is known of a member: pure, and the only way in which that changes.

what an act has made    is seen and agreed; the status that it copied is as old as what it was copied from
what a look shows       is seen; which tags are ours, and what we did to the member, no look can tell
what an event tells     hearing.py

Whoever has been at an address and lives elsewhere now follows its last no, however we learnt of it: they are planned once more at once,
and not whenever something else of theirs happens to be written or read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, assert_never

from common.contracts.outcomes import SkipReason
from common.failures import Failure
from vendors.absorbing import Absorbed, ActDone, Doubted, Fact, Heard, Refused, SameAsWished, Seen, ToBeSent
from vendors.acts import Act
from vendors.mailchimp import hearing, wire
from vendors.mailchimp.activity import happened
from vendors.mailchimp.consent import keep_lower, said_after, says_no_anew
from vendors.mailchimp.errors import MC_COMPLIANCE_STATE, MC_FORGOTTEN
from vendors.mailchimp.memory import Memory, memory_of, standing, written
from vendors.target_record import TargetRecord

# Refusals that are rules of consent: the record is left alone, and is no failure.
BARS: Mapping[str, SkipReason] = {
    MC_COMPLIANCE_STATE.name: SkipReason.COMPLIANCE,
    MC_FORGOTTEN.name: SkipReason.FORGOTTEN,
}


def absorb(known: TargetRecord, fact: Fact) -> Absorbed:
    """R15: looks, events and answers change what is seen; only the end of a write, or both sides saying the same, what is agreed."""
    absorbed = _absorbed(known, fact)
    if says_no_anew(known, absorbed.record):
        return replace(absorbed, concerns=absorbed.concerns | {"followers"})
    return absorbed


def _absorbed(known: TargetRecord, fact: Fact) -> Absorbed:
    match fact:
        case Heard():
            return replace(_with_rates(hearing.absorb(known, fact), fact), happened=happened(known, fact))
        case ActDone():
            return Absorbed(_done(known, fact))
        case Seen():
            return Absorbed(_seen(known, fact))
        case SameAsWished():
            return Absorbed(_same(known, fact.document))
        case ToBeSent():
            return Absorbed(_before(known, fact.act))
        case Refused():
            return Absorbed(_refused(known, fact.failure))
        case Doubted():
            return Absorbed(replace(known, doubtful=True))
        case _:
            assert_never(fact)


def _with_rates(absorbed: Absorbed, fact: Heard) -> Absorbed:
    """What a read tells besides; with an echo of ours alone nobody is told of anything (writing/own_echoes.py)."""
    rates = {path: value for path, value in fact.event.values.items() if path in (wire.OPENED, wire.CLICKED)}
    if not rates or not absorbed.record.exists or absorbed.change is None or absorbed.change.step == "echo":
        return absorbed
    return replace(absorbed, record=replace(absorbed.record, seen={**absorbed.record.seen, **rates}))


def _done(known: TargetRecord, fact: ActDone) -> TargetRecord:
    act, done, memory = fact.act, fact.done, memory_of(known)
    changed = {**act.values, **done.became}
    learnt = replace(
        known, exists=done.exists, met=True, id=done.id or known.id, doubtful=False,
        seen={**known.seen, **changed}, agreed={**known.agreed, **changed},
    )  # fmt: skip
    ours = {*memory.ours, *done.memory.get("gave", ())} - {*done.memory.get("took", ())}
    # Whoever archives a member that we have brought back is somebody else, until we do it again.
    former = "" if act.action == "return" else memory.former
    born_of = act.memory.get("born_of") or memory.born_of
    memory = replace(memory, former=former, ours=tuple(sorted(ours)), born_of=born_of)
    return _answered(known, learnt, memory, fact)


def _seen(known: TargetRecord, fact: Seen) -> TargetRecord:
    """A look replaces what was seen, and not what was agreed (R2)."""
    shown, memory = fact.record, memory_of(known)
    learnt = replace(
        known, exists=shown.exists, met=known.met or bool(shown.exists), id=shown.id, seen=shown.seen, doubtful=False
    )
    there = {str(tag).casefold() for tag in shown.seen.get("tags", ())}
    memory = replace(memory, ours=tuple(tag for tag in memory.ours if tag.casefold() in there))
    return _answered(known, learnt, memory, fact)


def _answered(known: TargetRecord, learnt: TargetRecord, memory: Memory, fact: ActDone | Seen) -> TargetRecord:
    if not (isinstance(fact, ActDone) and fact.act.action == "archive"):
        # Our own archive permits nothing, so no webhook of a moment before it may hide it: it would be done again.
        learnt = keep_lower(known, learnt, fact.since)
    now = standing(learnt)
    if now != standing(known):
        memory = replace(memory, standing_at=fact.until if now else None, heard=False, reason="")
    return replace(learnt, memory=written(replace(memory, said=said_after(known, learnt, fact))))


def _same(known: TargetRecord, document: Mapping[str, Any]) -> TargetRecord:
    """Only the fields that are ours to write: of the others nothing was agreed."""
    same = {path: known.seen[path] for path in document if path.startswith(wire.MERGE) and path in known.seen}
    return replace(known, agreed={**known.agreed, **same})


def _before(known: TargetRecord, act: Act) -> TargetRecord:
    """An archived member does not tell what it was: its status before is kept, and is the ceiling for restoring."""
    if act.action != "archive":
        return known
    return replace(known, memory=written(replace(memory_of(known), former=standing(known))))


def _refused(known: TargetRecord, failure: Failure) -> TargetRecord:
    barred = BARS.get(failure.code)
    return replace(known, memory=written(replace(memory_of(known), barred=barred))) if barred else known
