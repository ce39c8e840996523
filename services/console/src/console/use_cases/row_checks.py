"""Rows of a mapping held against both catalogues before any record is read: paths that do not exist, types that cannot fit."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from common.codes import CODES
from common.contracts.facts import FACTS, FACTS_ROOT
from common.contracts.records import RECORDS
from common.contracts.syncs import MappingDefinition, MappingRow
from console import sync_codes
from console.use_cases.problems import problem
from mapper.mapping.expressions import MAX_EXPRESSION, is_plain
from mapper.mapping.problems import Problem
from vendors.catalogue import CatalogueField, FieldCatalogue

_CUSTOM = "custom"
# What a field of the target takes from a field of the source that no transform changes.
_TAKES: Mapping[str, frozenset[str]] = {
    "number": frozenset({"number", "money"}),
    "money": frozenset({"number", "money"}),
    "address": frozenset({"address"}),
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"datetime"}),
    "boolean": frozenset({"boolean"}),
    "email": frozenset({"email", "text"}),
    "phone": frozenset({"phone", "text"}),
    "url": frozenset({"url", "text"}),
    "choice": frozenset({"choice", "text"}),
    "text": frozenset({"text", "number", "money", "date", "datetime", "email", "phone", "choice", "url"}),
}


def new_fields(
    definition: MappingDefinition,
    fields: FieldCatalogue | None,
    allowed: bool,
    asked: Container[int],
    problems: list[Problem],
    notes: list[str],
) -> tuple[MappingDefinition, tuple[MappingRow, ...]]:
    """The rows whose field has to be made. Where that is not allowed, a row of the template is left out, and one that the person
    wrote is a problem: a template offers, a file demands."""
    if fields is None:
        return definition, ()
    kept, new = [], []
    for number, row in enumerate(definition.rows, 1):
        if not row.new_field or fields.get(row.target) is not None or allowed:
            kept.append(row)
            new += [row] if row.new_field and fields.get(row.target) is None else []
        elif number in asked:
            words = f"The target has no field {row.target}, and the row asks for a new one."
            problems.append(problem(sync_codes.SYNC_FIELD_NOT_CREATED, row.target, words, number))
            kept.append(row)
        else:
            notes.append(
                f"{row.target} is left out: the target has no such field. `create_fields: true` would make it."
            )
    return replace(definition, rows=tuple(kept)), tuple(new)


def check_paths(
    definition: MappingDefinition,
    entity: str,
    source: FieldCatalogue | None,
    asked: Container[int],
    problems: list[Problem],
    notes: list[str],
) -> None:
    """Every plain name in a row or its fallbacks; expressions of other forms are judged record by record."""
    if source is None:
        return
    known = {field.path for field in source.fields}
    customs = {path for path in known if path.startswith(f"{_CUSTOM}.")}
    for number, row in enumerate(definition.rows, 1):
        for path in _paths(row):
            if path.startswith(f"{_CUSTOM}.") and path not in known:
                words = f"The source has no custom field {path.removeprefix('custom.')!r}."
                if customs and source.complete and number in asked:
                    problems.append(_path_problem(number, row, f"{words} It has {_listed(customs)}."))
                else:
                    notes.append(f"row {number} ({row.target}): {words}")
            elif not path.startswith(f"{_CUSTOM}.") and not _exists(path, entity, known):
                words = f"The source has no field {path[:100]!r}; it has {_listed(known)}."
                problems.append(_path_problem(number, row, words))


def check_types(
    definition: MappingDefinition,
    source: FieldCatalogue | None,
    target: FieldCatalogue | None,
    collected: Collection[str],
    problems: list[Problem],
) -> None:
    """Rows without a transform: what the source's type can never be at the target; what is collected takes every text."""
    if source is None or target is None:
        return
    for number, row in enumerate(definition.rows, 1):
        read, written = source.get(row.source), target.get(row.target)
        if read is None or written is None or row.transforms or row.target in collected:
            continue
        if not _fits(read, written):
            words = f"The target's field takes {written.type}. The source's field {read.path} is {read.type}."
            remedy = CODES["MAPPING_TYPE_MISMATCH"].action
            problems.append(Problem("MAPPING_TYPE_MISMATCH", number, row.target, words, remedy))


def check_writable(definition: MappingDefinition, target: FieldCatalogue | None, problems: list[Problem]) -> None:
    """A field that the vendor sets by itself takes nothing from us."""
    for number, row in enumerate(definition.rows, 1):
        written = target.get(row.target) if target else None
        if written is not None and not written.writable:
            words = f"{written.label} ({written.path}) is set by the vendor: nothing can be written there."
            problems.append(problem(sync_codes.SYNC_FIELD_READ_ONLY, row.target, words, number))


def _fits(read: CatalogueField, written: CatalogueField) -> bool:
    return read.type in _TAKES.get(written.type, frozenset({read.type}))


def _paths(row: MappingRow) -> Iterator[str]:
    if is_plain(row.source) and len(row.source) <= MAX_EXPRESSION:
        yield row.source
    for transform in row.transforms:
        parts = transform.arguments.get("parts") if transform.name in ("fallback", "concat") else None
        yield from (part for part in parts or () if isinstance(part, str) and is_plain(part))


def _exists(path: str, entity: str, known: Collection[str]) -> bool:
    """In the source's catalogue, all of several that stand there, or inside one of its fields by the neutral vocabulary."""
    if path in known or any(one.startswith(f"{path}.") for one in known):
        return True
    fact, _, currency = path.rpartition(".")
    if fact in known and fact.startswith(f"{FACTS_ROOT}."):
        return FACTS[fact.removeprefix(f"{FACTS_ROOT}.")].by_currency and len(currency) == 3
    first, _, rest = path.partition(".")
    if first not in known or not rest:
        return False
    part: Any = _model(RECORDS[entity], first)
    return part is not None and rest in part.model_fields


def _model(record: type[BaseModel], name: str) -> type[BaseModel] | None:
    annotation = record.model_fields[name].annotation if name in record.model_fields else None
    inside = getattr(annotation, "__args__", (annotation,))
    return next((one for one in inside if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _listed(paths: Collection[str]) -> str:
    return ", ".join(sorted(paths))


def _path_problem(number: int, row: MappingRow, words: str) -> Problem:
    return Problem("MAPPING_PATH_UNKNOWN", number, row.target, words, CODES["MAPPING_PATH_UNKNOWN"].action)
