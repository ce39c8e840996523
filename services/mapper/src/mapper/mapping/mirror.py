"""The fields that a leg and its way back both carry, each between the same two: what is merged where both sides are edited.

A field is merged where each leg has one row between the two that reads a plain name: `right <- left` and `left <- right`, with whatever
transforms. It is called as the forward leg's target calls it. What only one of the legs writes goes one way, as in any leg.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from common.contracts.syncs import MappingDefinition
from common.pairs.merging import SideName
from common.pairs.spelling import spelt
from mapper.mapping.engine import CompiledMapping
from mapper.mapping.expressions import Expression, Record, is_plain

CUSTOM = "custom"


class Mirror:
    """Both mappings of a pair's fields, side by side."""

    def __init__(self, forward: CompiledMapping, back: CompiledMapping) -> None:
        there, here = _rows(forward.definition), _rows(back.definition)
        self.paths: Mapping[str, str] = {right: left for right, left in there.items() if here.get(left) == right}
        """By a field's name, which is the right side's, what the left side calls it."""
        self._reads = {path: Expression(path) for both in self.paths.items() for path in both}
        self._mappings: Mapping[SideName, CompiledMapping] = {"left": forward, "right": back}

    def path(self, side: SideName, field: str) -> str:
        return self.paths[field] if side == "left" else field

    def values(self, side: SideName, record: Record, *, whole: bool) -> dict[str, Any]:
        """What a side's record says of the fields; of one that is not whole, what it does not carry is not told."""
        paths = {field: self.path(side, field) for field in self.paths}
        return spelt(
            {field: self._reads[path].read(record) for field, path in paths.items() if _told(path, record, whole=whole)}
        )

    def translate(self, side: SideName, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the other side would have, if this side had these values. What it could not take is left out."""
        found: dict[str, Any] = {}
        for field, value in values.items():
            if field not in self.paths:
                continue
            target = field if side == "left" else self.paths[field]
            there = self._mappings[side].alone(target, _record(self.path(side, field), value))
            if there is not None:
                found[field] = there[0]
        return found


def _rows(definition: MappingDefinition) -> dict[str, str]:
    """From target to source, of rows that read one plain name and are alone in writing their target."""
    many = Counter(row.target for row in definition.rows)
    return {row.target: row.source for row in definition.rows if is_plain(row.source) and many[row.target] == 1}


def _told(path: str, record: Record, *, whole: bool) -> bool:
    """A slim row carries some of the custom fields only; the whole record all of them."""
    root, _, name = path.partition(".")
    if root != CUSTOM:
        return root in record
    return whole or name in (record.get(CUSTOM) or {})


def _record(path: str, value: Any) -> dict[str, Any]:
    """A record with nothing but this."""
    root, dot, rest = path.partition(".")
    return {root: _record(rest, value) if dot else value}
