"""Legs and their mapping definitions from and to the jsonb that is stored of them; the one place that knows that form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.contracts.ids import ConnectionId, Entity, SyncId
from common.contracts.syncs import Leg, MappingDefinition, MappingRow, Transform


def to_jsonb(definition: MappingDefinition) -> dict[str, Any]:
    """The stored form; the version number stands in its own column."""
    return {
        "rows": [_row_to_jsonb(row) for row in definition.rows],
        "filter": definition.filter,
        "key": definition.key,
        "on_delete": definition.on_delete,
        "on_filtered": definition.on_filtered,
        "on_inactive": definition.on_inactive,
        "options": dict(definition.options),
        "facts": list(definition.facts),
        "catalogue": [dict(field) for field in definition.catalogue],
    }


def from_jsonb(version: int, stored: Mapping[str, Any]) -> MappingDefinition:
    """The definition as it was written; fields that an older writer did not know keep their defaults."""
    known = ("filter", "key", "on_delete", "on_filtered", "on_inactive", "options")
    return MappingDefinition(
        version=version,
        rows=tuple(_row_from_jsonb(row) for row in stored["rows"]),
        **{name: stored[name] for name in known if name in stored},
        facts=tuple(stored.get("facts", ())),
        catalogue=tuple(stored.get("catalogue", ())),
    )


def leg_of(stored: Mapping[str, Any]) -> Leg:
    """A leg from its row in `core.leg` and the `definition` of its active version, null while it has none."""
    definition = stored["definition"]
    return Leg(
        sync=SyncId(stored["sync"]),
        name=Entity(stored["name"]),
        direction=stored["direction"],
        source=ConnectionId(stored["source_connection"]),
        source_entity=Entity(stored["source_entity"]),
        source_place=stored["source_place"],
        target=ConnectionId(stored["target_connection"]),
        target_entity=Entity(stored["target_entity"]),
        target_place=stored["target_place"],
        mode=stored["mode"],
        mapping=from_jsonb(stored["mapping_version"], definition) if definition is not None else None,
    )


def _row_to_jsonb(row: MappingRow) -> dict[str, Any]:
    return {
        "target": row.target,
        "from": row.source,
        "transforms": [{"name": t.name, "arguments": dict(t.arguments)} for t in row.transforms],
        "required": row.required,
        "new_field": row.new_field,
    }


def _row_from_jsonb(row: Mapping[str, Any]) -> MappingRow:
    return MappingRow(
        target=row["target"],
        source=row["from"],
        transforms=tuple(Transform(t["name"], t.get("arguments", {})) for t in row.get("transforms", [])),
        required=row.get("required", False),
        new_field=row.get("new_field", ""),
    )
