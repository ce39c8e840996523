"""Which facts a mapping names: what it reads of them decides which further records have to be read at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from common.contracts.facts import FACTS, FACTS_ROOT
from common.contracts.syncs import MappingDefinition
from mapper.mapping.expressions import Expression, ExpressionInvalid

STAYS = "stay"
"""What becomes of an inactive record where the mapping's rows alone decide."""
INACTIVE = "inactive"
INACTIVE_FACT = f"{FACTS_ROOT}.{INACTIVE}"
INACTIVE_AFTER = 90


def with_facts(definition: MappingDefinition) -> MappingDefinition:
    """The definition with the names of the facts that its rows, its filter and its options read."""
    named = {name for text in _texts(definition) for name in _named(text)}
    if definition.on_inactive not in ("", STAYS):
        named.add(INACTIVE)
    return replace(definition, facts=tuple(sorted(named)))


def _texts(definition: MappingDefinition) -> Iterator[str]:
    yield definition.filter
    for row in definition.rows:
        yield row.source
        for transform in row.transforms:
            parts = transform.arguments.get("parts")
            yield from (part for part in parts or () if isinstance(part, str))


def _named(text: str) -> frozenset[str]:
    """Where an expression reads facts in a form that names none, all of them."""
    try:
        reads = bool(text) and FACTS_ROOT in Expression(text).roots
    except ExpressionInvalid:
        return frozenset()
    if not reads:
        return frozenset()
    found = frozenset(re.findall(r"\w+", text)) & FACTS.keys()
    return found or frozenset(FACTS)
