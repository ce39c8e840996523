"""What one sync wants of one record: the mapping's document, that the record leave its target, or that it be left as it is, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from common.contracts.facts import FACTS_ROOT
from common.contracts.ids import content_hash
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import MappingDefinition
from mapper.mapping.engine import CompiledMapping
from mapper.mapping.fact_use import INACTIVE, INACTIVE_FACT, STAYS
from mapper.mapping.problems import Problem
from mapper.state import RecordState
from vendors.target import Target

HIGHEST_RANK = 32767
MISSING, EXPENSIVE = "MAPPING_REQUIRED_MISSING", "MAPPING_EXPRESSION_EXPENSIVE"


@dataclass(frozen=True, slots=True)
class DesiredDocument:
    """A wanted document before it has a revision; `content` is equal exactly when two wishes are."""

    wish: Literal["present", "absent", "keep"]
    document: dict[str, Any]
    skip: SkipReason | None = None
    notes: tuple[Problem, ...] = field(default=(), compare=False)
    rank: int = 0
    """Its place among those who share a target record: the lowest writes."""

    @property
    def content(self) -> str:
        said: dict[str, Any] = {"wish": self.wish, "skip": self.skip or "", "document": self.document}
        return content_hash(said | {"rank": self.rank} if self.rank else said)


def wish_of(
    state: RecordState,
    mapping: CompiledMapping,
    target: Target,
    facts: Mapping[str, Any] | None = None,
    *,
    unknown: frozenset[str] = frozenset(),
    id: str = "",
) -> DesiredDocument:
    """Pure: the same state and facts under the same version are the same wish. What leaving is, and why without a key, the target says.

    Without `facts`, rows that read some are left alone, like fields that the source has not told. `unknown` are fields that no listing
    carries and nobody has told yet: what they decide stays as it is at the target until the record's detail is there. `id` is how the source
    knows the record, for rows that read it where the source does not tell it as a field.
    """
    definition = mapping.definition
    if state.deleted:
        return _absent(target, definition.on_delete or target.choices.on_delete, definition)
    unsure = mapping.unsure(unknown)
    if not mapping.is_decided(unsure) or (INACTIVE_FACT in unsure and definition.on_inactive not in ("", STAYS)):
        return DesiredDocument("keep", {}, SkipReason.DETAIL_AWAITED)
    record = ({"id": id} if id else {}) | state.record() | ({} if facts is None else {FACTS_ROOT: dict(facts)})
    mapped = mapping.apply(record, unsure)
    if not mapped.passes:
        how = definition.on_filtered or target.choices.on_filtered
        return _absent(target, how, definition, SkipReason.FILTERED)
    if definition.on_inactive not in ("", STAYS) and facts is not None and facts.get(INACTIVE):
        return _absent(target, definition.on_inactive, definition, SkipReason.INACTIVE)
    notes = mapped.problems + mapped.left_out
    if _lacks_key(record, mapping, mapped.problems):
        # Without a key the record leaves the target record that had it (R14), and counts as skipped.
        return _absent(target, target.choices.without_key, definition, target.key_missing, notes)
    reason = _unmappable(mapped.problems, definition.key, mapping.required, target)
    if reason is not None:
        # Nobody can say what it shall look like, so nothing of it is touched: a mapping's mistake must not take members away.
        return DesiredDocument("keep", {}, reason, notes)
    return DesiredDocument("present", mapped.document, notes=notes)


def ranked(wish: DesiredDocument, state: RecordState, name: str) -> DesiredDocument:
    """With the rank that the record itself tells in this field; none where its source ranks nothing, or has not told it."""
    told = state.fields.get(name) if name else None
    return replace(wish, rank=min(max(told, 0), HIGHEST_RANK)) if type(told) is int else wish


def _absent(
    target: Target,
    how: str,
    definition: MappingDefinition,
    skip: SkipReason | None = None,
    notes: tuple[Problem, ...] = (),
) -> DesiredDocument:
    return DesiredDocument("absent", dict(target.gone(how, definition.options)), skip, notes)


def _lacks_key(record: Mapping[str, Any], mapping: CompiledMapping, problems: Sequence[Problem]) -> bool:
    """Whether the source said that there is no value for the key; what it has not told yet is unknown, and takes nobody away."""
    key = mapping.definition.key
    missing = any(problem.field == key and problem.code == MISSING for problem in problems)
    return missing and mapping.mentions(key, record)


def _unmappable(problems: Sequence[Problem], key: str, required: frozenset[str], target: Target) -> SkipReason | None:
    """A problem of the key or of a required field keeps the whole record; any other keeps its own field only."""
    for problem in problems:
        if not problem.row or (problem.code == EXPENSIVE and problem.field in required | {key}):
            return SkipReason.UNMAPPABLE
        if problem.field == key:
            return target.key_missing if problem.code == MISSING else target.key_invalid
    if any(problem.field in required for problem in problems):
        return SkipReason.REQUIRED_FIELD_MISSING
    return None
