"""What a fact makes of what is known of a record of Books that we write; what all of Zoho's products share is in `zoho/knowing.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from vendors.absorbing import Absorbed, ActDone, Fact
from vendors.target_record import TargetRecord
from vendors.zoho import knowing
from vendors.zoho_books import limits
from vendors.zoho_books.errors import ZB_NAME_TAKEN
from vendors.zoho_books.invoice_codes import ZB_CUSTOMER_KEY_TAKEN

_NAME_TAKEN, _KEY_TAKEN = "name_taken", "key_taken"
_HABITS = knowing.Habits(
    flags={ZB_NAME_TAKEN.name: _NAME_TAKEN, ZB_CUSTOMER_KEY_TAKEN.name: _KEY_TAKEN},
    makes=frozenset({"create", "credit"}),
    look_lag=limits.LOOK_LAG,
)


def absorb(known: TargetRecord, fact: Fact, *, waits_for_lists: bool = False) -> Absorbed:
    """`waits_for_lists`: what we have just made is there, though a look does not find it yet."""
    absorbed = knowing.absorb(known, fact, _HABITS, waits_for_lists=waits_for_lists)
    if isinstance(fact, ActDone) and "name" in fact.act.values:
        # What was refused of a former name says nothing of the next one.
        memory = {name: value for name, value in absorbed.record.memory.items() if name != _NAME_TAKEN}
        return replace(absorbed, record=replace(absorbed.record, memory=memory))
    return absorbed


def at_rest(known: TargetRecord, document: Mapping[str, Any]) -> bool:
    return knowing.at_rest(known, document)


def name_is_taken(known: TargetRecord) -> bool:
    """Books has refused the name that the record was about to get, because somebody else has it."""
    return bool(known.memory.get(_NAME_TAKEN))


def key_is_taken(known: TargetRecord) -> bool:
    """Books has refused the shop's id in the unique field, because another customer has it: that one is ours."""
    return bool(known.memory.get(_KEY_TAKEN))


def differences(wanted: Mapping[str, Any], known: TargetRecord) -> dict[str, Any]:
    return knowing.differences(wanted, known)


def edited(known: TargetRecord, paths: Iterable[str]) -> list[str]:
    return knowing.edited(known, paths)


def drifted(known: TargetRecord, seen: TargetRecord, paths: Iterable[str]) -> bool:
    return knowing.drifted(known, seen, paths)
