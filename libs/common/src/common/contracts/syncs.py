"""What a sync is to the services: where from, where to, by which version of which mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from common.contracts.ids import ConnectionId, Entity, SyncId

SyncState = Literal["draft", "active", "paused", "disabled"]
OnGone = Literal["archive", "tag", "leave"]
OnDisable = Literal["keep", "archive"]
"""What becomes of the target records of a sync that is switched off."""


@dataclass(frozen=True, slots=True)
class Transform:
    """One named transform of the closed list, with its arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MappingRow:
    """`target <- source`, then the transforms in order."""

    target: str
    source: str
    transforms: tuple[Transform, ...] = ()
    required: bool = False
    new_field: str = ""
    """The type of the target field that shall be created when it is missing; empty: never create it."""


@dataclass(frozen=True, slots=True)
class MappingDefinition:
    """Everything that decides a wanted document; a changed filter or option is a new version like a changed row."""

    version: int
    rows: tuple[MappingRow, ...]
    filter: str = ""
    key: str = "email"
    on_delete: OnGone = "archive"
    on_filtered: OnGone = "leave"
    gone_tag: str = "inactive"
    options: Mapping[str, Any] = field(default_factory=dict)
    catalogue: tuple[Mapping[str, Any], ...] = ()
    """The target's fields as they were when this version was checked: a version says for ever what it said then."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync with its active mapping version."""

    id: SyncId
    name: str
    template: str
    entity: Entity
    source: ConnectionId
    target: ConnectionId
    place: str
    state: SyncState
    mapping: MappingDefinition | None
    on_disable: OnDisable = "keep"

    @property
    def closing(self) -> bool:
        """Switched off, and what it has at the target is being archived."""
        return self.state == "disabled" and self.on_disable == "archive"
