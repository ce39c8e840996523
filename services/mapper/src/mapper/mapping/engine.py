"""From a neutral record to a wanted document, by one version of one mapping.

A definition is compiled once, when its version becomes active; a preview and a run use the same compiled mapping, so their numbers
are equal. Nothing in here knows a vendor, a clock or a database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from common.codes import CODES
from common.contracts.syncs import MappingDefinition, MappingRow
from mapper.mapping.check import checked
from mapper.mapping.expressions import Expression, ExpressionExpensive, ExpressionInvalid, Record
from mapper.mapping.fact_use import INACTIVE_AFTER, INACTIVE_FACT
from mapper.mapping.problems import MappingInvalid, Problem
from mapper.mapping.transforms import Step, TransformArguments, TransformUnknown, compiled
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.choices import PARTLY

MAX_RECORD = 256 * 1024


@dataclass(frozen=True, slots=True)
class Mapped:
    """What one record becomes: a document, or the problems that keep it from becoming one.

    `left_out` names fields that have a value which the target would refuse in part (an incomplete address): the rest still goes.
    """

    passes: bool
    document: dict[str, Any]
    problems: tuple[Problem, ...] = ()
    left_out: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    target: str
    expression: Expression
    steps: tuple[Step, ...]
    required: bool
    field: CatalogueField | None
    reads: frozenset[str]
    """Fields of the record, its transforms' included."""


@dataclass(slots=True)
class _Draft:
    document: dict[str, Any] = field(default_factory=dict)
    collected: dict[str, set[str]] = field(default_factory=dict)
    partly: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    left_out: list[Problem] = field(default_factory=list)


class CompiledMapping:
    """One version, ready to be applied to any number of records."""

    def __init__(
        self,
        definition: MappingDefinition,
        rows: Sequence[_Row],
        condition: Expression | None,
        collected: Collection[str],
        inactive: Expression | None = None,
    ) -> None:
        self.version = definition.version
        self.definition = definition
        self._rows = tuple(rows)
        self._condition = condition
        self._inactive = inactive
        self.inactive_after = int(definition.options.get("inactive_after", INACTIVE_AFTER))
        self._collected = {row.target for row in rows} & set(collected)
        self._clears = definition.clears_empty
        self.required = frozenset(row.target for row in rows if row.required)
        self._decides = frozenset(name for row in rows if row.required for name in row.reads)
        self._decides |= condition.names if condition else frozenset()
        self._makes_inactive = inactive.names if inactive else frozenset()
        self.reads = frozenset(name for row in rows for name in row.reads) | self._decides | self._makes_inactive
        """Every field of a record that decides what becomes of it."""

    def passes(self, record: Record) -> bool:
        """Whether the record meets the sync's filter; no filter lets everything pass. Raises when nobody can say."""
        return self._condition is None or self._condition.read(record) not in (None, False, "", [], {})

    def says_inactive(self, record: Record) -> bool:
        """Whether the record's own fields say that it is over. Where nobody can say, it is not."""
        try:
            return self._inactive is not None and self._inactive.read(record) not in (None, False, "", [], {})
        except ExpressionExpensive:
            return False

    def is_decided(self, unknown: frozenset[str]) -> bool:
        """Whether it can be said what becomes of a record as a whole, although nobody has told these of its fields."""
        return not self._decides & unknown

    def unsure(self, unknown: frozenset[str]) -> frozenset[str]:
        """These fields, and the fact that is made of them."""
        return unknown | {INACTIVE_FACT} if self._makes_inactive & unknown else unknown

    def mentions(self, target: str, record: Record) -> bool:
        """Whether the record says anything about what the row of this target field reads."""
        return any(row.target == target and row.expression.mentions(record) for row in self._rows)

    def apply(self, record: Record, unknown: frozenset[str] = frozenset()) -> Mapped:
        """The document that the target shall have for this record; what is made of fields that nobody has told is left as it is there."""
        if len(orjson.dumps(record)) > MAX_RECORD:
            return Mapped(True, {}, (_too_large(),))
        try:
            if not self.passes(record):
                return Mapped(False, {})
        except ExpressionExpensive as error:
            # Nobody knows whether it passes, so it is not filtered out.
            return Mapped(True, {}, (_problem("MAPPING_EXPRESSION_EXPENSIVE", 0, "filter", str(error)),))
        draft = _Draft(collected={name: set() for name in self._collected})
        for row in self._rows:
            if not row.reads & unknown:
                self._fill(draft, row, record)
            elif row.target in draft.collected:
                draft.partly.add(row.target)
        draft.document |= {name: sorted(texts) for name, texts in draft.collected.items()}
        if draft.partly:
            draft.document[PARTLY] = sorted(draft.partly)
        return Mapped(True, draft.document, tuple(draft.problems), tuple(draft.left_out))

    def alone(self, target: str, record: Record) -> tuple[Any] | None:
        """The one value that this target field has by its row, from a record that has only the field which the row reads; None where
        the target takes no such value, or leaves its own."""
        row = next(row for row in self._rows if row.target == target)
        value = row.expression.read(record)
        for step in row.steps:
            value = step(value, record)
        fitting, problem = checked(row.number, row.field, row.target, value, required=row.required)
        return (fitting,) if problem is None and (fitting is not None or self._clears) else None

    def _fill(self, draft: _Draft, row: _Row, record: Record) -> None:
        if not row.expression.mentions(record) and not row.required:
            return
        try:
            value = row.expression.read(record)
        except ExpressionExpensive as error:
            draft.problems.append(_problem("MAPPING_EXPRESSION_EXPENSIVE", row.number, row.target, str(error)))
            return
        for step in row.steps:
            value = step(value, record)
        if row.target in draft.collected:
            draft.collected[row.target].update(_texts(value))
            return
        fitting, problem = checked(row.number, row.field, row.target, value, required=row.required)
        if problem is None:
            if fitting is not None or self._clears:
                draft.document[row.target] = fitting
        else:
            (draft.left_out if problem.code == "MAPPING_ADDRESS_INCOMPLETE" else draft.problems).append(problem)


def compile_mapping(
    definition: MappingDefinition, target: FieldCatalogue | None = None, *, collected: Collection[str]
) -> CompiledMapping:
    """Compiles a definition and holds it against the target's catalogue; raises `MappingInvalid` with every problem found.

    `collected` are the fields that several rows fill together (`Choices`).
    """
    problems: list[Problem] = []
    rows = [
        row
        for number, given in enumerate(definition.rows, 1)
        if (row := _row(number, given, definition.key, target, problems, collected))
    ]
    condition = _expression(0, "filter", definition.filter, problems) if definition.filter else None
    over = str(definition.options.get("inactive_if") or "")
    inactive = _expression(0, "inactive_if", over, problems) if over else None
    problems += _unmapped(definition, target)
    if problems:
        raise MappingInvalid(problems)
    return CompiledMapping(definition, rows, condition, collected, inactive)


def _row(
    number: int,
    given: MappingRow,
    key: str,
    target: FieldCatalogue | None,
    problems: list[Problem],
    collected: Collection[str],
) -> _Row | None:
    before = len(problems)
    expression = _expression(number, given.target, given.source, problems)
    steps = []
    for transform in given.transforms:
        try:
            steps.append(compiled(transform))
        except TransformUnknown as error:
            problems.append(_problem("MAPPING_TRANSFORM_UNKNOWN", number, given.target, str(error)))
        except (TransformArguments, ExpressionInvalid) as error:
            problems.append(_problem("MAPPING_TRANSFORM_ARGUMENTS", number, given.target, str(error)))
    found = target.get(given.target) if target else None
    if target and found is None and given.target not in collected and not given.new_field:
        problems.append(_problem("MAPPING_TARGET_UNKNOWN", number, given.target, "The target has no such field."))
    required = given.required or given.target == key or bool(found and found.required)
    if expression is not None and found is not None and not steps:
        problems += _constant(number, expression, found)
    if expression is None or len(problems) > before:
        return None
    return _Row(number, given.target, expression, tuple(steps), required, found, _reads(given, expression))


def _constant(number: int, expression: Expression, field: CatalogueField) -> list[Problem]:
    """A row that says the same of every record is wrong for all of them: that is told before the first one."""
    value = expression.read({}) if field.choices and not expression.roots else None
    if value is None or value in field.choices:
        return []
    words = f"{value} is meant, and the field takes {', '.join(field.choices)}."
    return [_problem("MAPPING_CHOICE_UNKNOWN", number, field.path, words)]


def _reads(given: MappingRow, expression: Expression) -> frozenset[str]:
    parts = (part for transform in given.transforms for part in transform.arguments.get("parts") or ())
    return expression.names.union(*(Expression(part).names for part in parts))


def _expression(number: int, name: str, source: str, problems: list[Problem]) -> Expression | None:
    try:
        return Expression(source)
    except ExpressionInvalid as error:
        problems.append(_problem("MAPPING_EXPRESSION_INVALID", number, name, str(error)))
        return None


def _unmapped(definition: MappingDefinition, target: FieldCatalogue | None) -> list[Problem]:
    """Required fields of the target, and the key, that no row writes."""
    written = {row.target for row in definition.rows}
    needed = {definition.key} | {f.path for f in (target.fields if target else ()) if f.required}
    return [
        _problem("MAPPING_REQUIRED_MISSING", 0, name, f"No row writes {name}, which the target requires.")
        for name in sorted(needed - written)
    ]


def _texts(value: Any) -> list[str]:
    given = value if isinstance(value, list | tuple) else [value]
    return [item.strip() for item in given if isinstance(item, str) and item.strip()]


def _problem(code: str, row: int, name: str, words: str) -> Problem:
    return Problem(code, row, name, words, CODES[code].action)


def _too_large() -> Problem:
    return _problem("MAPPING_RECORD_TOO_LARGE", 0, "record", f"The record is larger than {MAX_RECORD // 1024} KiB.")
