"""Which fields of a record a mapping reads that no listing carries: what it reads of them decides whether records are read one by one."""

from __future__ import annotations

from common.contracts.ids import Entity
from mapper.mapping.engine import CompiledMapping
from vendors.vendor import Source


def beyond_lists(source: Source, entity: Entity, mapping: CompiledMapping) -> frozenset[str]:
    """Their names; a mapping without any costs no call for a single record."""
    beyond = source.detail_only.get(entity, frozenset())
    return frozenset(name for name in mapping.reads if name.partition(".")[0] in beyond)
