"""What is known of the notes of a customer: text and version of one answer of the vendor's, whichever that was. Pure (R15, R26).

Lists, changes and reads tell whole customers with their notes and the number of their version, and so does the answer to a write of ours.
Whatever has the higher number is the later state. So a customer whose notes nobody has typed into since costs no read; where somebody has, and we
have not heard of it, the vendor refuses the write, and the customer is read by id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.contracts.messages import ChangeEvent
from vendors.absorbing import (
    Absorbed,
    ActDone,
    Change,
    Concerned,
    Doubted,
    Fact,
    Heard,
    SameAsWished,
    Seen,
    TargetEvent,
)
from vendors.acts import key_of_id
from vendors.quickbooks import wire
from vendors.quickbooks.listing import CUSTOMER
from vendors.quickbooks.note_text import LONGEST, MOST, is_free, shown_by
from vendors.target_record import TargetRecord

NOTES, TOKEN, ACTIVE, GONE = "notes", "token", "active", "gone"
SHOWN, OURS = "shown", "ours"


def absorb(known: TargetRecord, fact: Fact) -> Absorbed:
    match fact:
        case ActDone():
            return Absorbed(_done(known, fact))
        case Seen():
            return Absorbed(_seen(known, fact.record))
        case Heard():
            return _heard(known, fact.event)
        case SameAsWished() if known.exists:
            return Absorbed(replace(known, memory={**known.memory, SHOWN: shown_by(fact.document)}))
        case Doubted():
            return Absorbed(replace(known, doubtful=True))
        case _:
            return Absorbed(known)


def token_of(values: Mapping[str, Any]) -> int:
    """Less than any where none is known."""
    return int(values.get(TOKEN, -1))


def parsed(event: ChangeEvent) -> TargetEvent | None:
    """What a source tells of a customer: its notes and their version, or that it is gone. What says neither says nothing here."""
    if event.entity != CUSTOMER or wire.record_id(event.record) is None:
        return None
    key, at = key_of_id(event.record), event.version.stamp
    if event.kind == "deleted":
        return TargetEvent("", key, at, {GONE: True}, shows_a_moment=True)
    if event.kind != "changed" or event.version.count is None or event.coverage not in ("list", "detail"):
        return None
    active = event.fields.get("status") != "inactive"
    values = {NOTES: event.fields.get("notes") or "", TOKEN: event.version.count, ACTIVE: active}
    return TargetEvent("", key, at, values, shows_a_moment=True)


def is_ours(known: TargetRecord, at: datetime, count: int | None) -> bool:
    """Whether an event of this moment tells of nothing but writes of ours: it is no later than the stamp of the last one, and what the source knew
    last (`count`) is what the first of them was planned from, or one of them."""
    ours = known.memory.get(OURS)
    if not ours or not ours["stamp"] or count is None:
        return False
    return bool(ours["since"] <= count and at <= datetime.fromisoformat(ours["stamp"]))


def _done(known: TargetRecord, fact: ActDone) -> TargetRecord:
    act, done = fact.act, fact.done
    base, seen = int(act.memory[TOKEN]), {**known.seen, **act.values, **done.became}
    # Until the answer tells its version nobody can write the next one.
    doubtful = TOKEN not in done.became
    stamp = done.stamp.isoformat() if done.stamp is not None else ""
    ours = {"since": _since(known, base, token_of(seen)), "token": token_of(seen), "stamp": stamp}
    memory = {**known.memory, SHOWN: act.memory[SHOWN], OURS: ours}
    return replace(
        known, exists=True, met=True, id=done.id or known.id, seen=seen, agreed=dict(act.values), memory=memory, doubtful=doubtful
    )  # fmt: skip


def _since(known: TargetRecord, base: int, token: int) -> int:
    """The version from which on everything was made by us."""
    before = known.memory.get(OURS) or {}
    if before.get("token") in (base, token):
        return int(before["since"])
    return base if token == base + 1 else token


def _seen(known: TargetRecord, shown: TargetRecord) -> TargetRecord:
    """A read by id shows what is so; one that was made before something newer was heard does not."""
    if shown.exists and token_of(shown.seen) < token_of(known.seen) and known.exists:
        return known
    seen = shown.seen if shown.exists else known.seen
    return replace(
        known,
        exists=shown.exists,
        met=known.met or bool(shown.exists),
        id=shown.id or known.id,
        seen=seen,
        doubtful=False,
    )


def _heard(known: TargetRecord, event: TargetEvent) -> Absorbed:
    if event.values.get(GONE):
        gone = replace(known, exists=False, doubtful=False)
        return Absorbed(gone, Change("received", "agrees" if known.exists is False else "gone"))
    if known.exists is not None and token_of(event.values) <= token_of(known.seen):
        return Absorbed(known, Change("echo" if token_of(event.values) == token_of(known.seen) else "stale"))
    learnt = replace(known, exists=True, met=True, seen=dict(event.values), doubtful=False)
    told = Change("received", "edited", fields=(NOTES,)) if _edited(known, learnt) else Change("received", "agrees")
    return Absorbed(learnt, told, concerns=_concerned(known, learnt))


def _edited(known: TargetRecord, learnt: TargetRecord) -> bool:
    return bool(known.exists) and known.seen.get(NOTES) != learnt.seen[NOTES]


def _concerned(known: TargetRecord, learnt: TargetRecord) -> frozenset[Concerned]:
    """What had no place has one again: room, whole marks, somebody who is back."""
    if known.exists is None or not learnt.seen[ACTIVE]:
        return frozenset()
    before, now = str(known.seen.get(NOTES) or ""), str(learnt.seen[NOTES])
    opened = any(is_free(now, longest) and not is_free(before, longest) for longest in (LONGEST, MOST))
    return frozenset({"owners"}) if opened or not known.exists or known.seen.get(ACTIVE) is False else frozenset()
