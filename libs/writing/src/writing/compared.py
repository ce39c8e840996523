"""What one record's target record comes to, held against what it shall be: pure.

Nothing of a reconciliation judges for itself: it asks the target what it would write if it had just looked. So no rule that the target
keeps is forgotten here, and what would not be written is no drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.failures import Failure
from vendors.absorbing import ActDone, Seen
from vendors.acts import Act, Done, Nothing, Skip, Work
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing.vendor_code import judged

# One act may change one field alone.
MOST_ACTS = 50


def fields_that_differ(
    target: Target, key: str, document: Mapping[str, Any], known: TargetRecord, seen: TargetRecord, at: datetime
) -> tuple[str, ...] | Failure:
    """The fields that would be written; none where both sides say the same, or the target's rules leave it alone."""
    return judged(lambda: _differ(target, key, document, known, seen, at))


def _differ(
    target: Target, key: str, document: Mapping[str, Any], known: TargetRecord, seen: TargetRecord, at: datetime
) -> tuple[str, ...]:
    known, fields = target.absorb(known, Seen(seen, at, at)).record, dict[str, None]()
    for _ in range(MOST_ACTS):
        step = target.plan(_work("present", key, document, known), None)
        if not isinstance(step, Act):
            break
        fields |= dict.fromkeys(step.values)
        known = target.absorb(known, ActDone(step, Done(), at, at)).record
    return tuple(fields)


def part_that_differs(known: TargetRecord, part: TargetRecord) -> tuple[str, ...]:
    """What a list that shows little shows otherwise than it is known; the rules judge once somebody has looked."""
    if not known.exists or known.doubtful:
        return ()
    return tuple(path for path, value in part.seen.items() if known.seen.get(path) != value)


def is_missed(target: Target, key: str, document: Mapping[str, Any], known: TargetRecord) -> bool | Failure:
    """Of a record that a listing lacks: whether it is there as far as we know, and not among those that the rules leave alone."""

    def ask() -> bool:
        return not isinstance(target.plan(_work("present", key, document, known), None), Skip)

    return judged(ask)


def is_superfluous(target: Target, key: str, document: Mapping[str, Any], seen: TargetRecord) -> bool | Failure:
    """Of a record that is wished away and that nobody else wants: whether it is there all the same."""

    def ask() -> bool:
        work = Work("absent", document, "", leaving=(key,), known={key: seen}, fresh=frozenset({key}))
        return not isinstance(target.plan(work, None), Nothing | Skip)

    return judged(ask)


def _work(wish: Any, key: str, document: Mapping[str, Any], known: TargetRecord) -> Work:
    return Work(wish, document, key, known={key: known}, fresh=frozenset({key}))
