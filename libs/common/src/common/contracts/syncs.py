"""What a sync is to the services: two sides, and legs from a side's records to the other's, each by a version of its own mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from common.contracts.ids import ConnectionId, Entity, SyncId

SyncState = Literal["draft", "active", "paused", "disabled"]
Direction = Literal["forward", "back", "within"]
"""Back: from the target's side to the source's. Within: from records of the source's side to others of the same connection."""
Mode = Literal["state", "once", "rendered"]
"""The latest state wins; created once and never changed by a repeat; a block in a text that people edit."""
OnDisable = Literal["keep", "archive"]
"""What becomes of the target records of a sync that is switched off."""
NOBODY = "`false`"
"""The filter of a leg that a setting of its file has switched off: its links and its history stay."""
LOOK_EVERY = "look_every"
"""The option of a leg that says how many minutes lie between two looks at its source."""
LOOK_AT = "look_at"
"""The option that says so by a cron expression."""
LOOK_FACTS_AT = "look_facts_at"
"""The same for what its facts are made of: invoices and payments have their own days."""
TIME_ZONE = "time_zone"
"""The option with the zone of these expressions; UTC where nothing is said."""


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
    key: str = field(kw_only=True)
    """The field of the target by which a record is found there."""
    on_delete: str = ""
    on_filtered: str = ""
    """What becomes of the target record: a word of the target's own; empty: what the target does where nothing is said."""
    on_inactive: str = ""
    """What becomes of it while the record is inactive, in the same words; empty: it is mapped like every other."""
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    """The facts that rows, filter and options name: what has to be read besides the records themselves follows from them."""
    catalogue: tuple[Mapping[str, Any], ...] = ()
    """The target's fields as they were when this version was checked: a version says for ever what it said then."""

    @property
    def clears_empty(self) -> bool:
        """Whether a field that is emptied at the source is emptied at the target; else the target's is left alone."""
        return self.options.get("clear_empty", True) is not False


@dataclass(frozen=True, slots=True)
class Leg:
    """One way through a sync: records of one entity, in one place, become records of another.

    Its name is unique in its sync, and is what `entity` means wherever a row or a key names a sync.
    """

    sync: SyncId
    name: Entity
    direction: Direction
    source: ConnectionId
    source_entity: Entity
    source_place: str
    """Empty: whatever place of the connection a record is in."""
    target: ConnectionId
    target_entity: Entity
    target_place: str
    mode: Mode
    mapping: MappingDefinition | None

    def takes(self, place: str) -> bool:
        """Whether records of this place of the source are this leg's; one that names no place is in the connection's only one."""
        return not place or self.source_place in ("", place)

    @property
    def is_aside(self) -> bool:
        """Whether no listing of its source is for it: what it writes has come from elsewhere, and is part of no run that reads an account."""
        return self.direction == "within"

    def leads_back(self, other: Leg) -> bool:
        """Whether this leg leads to where the other comes from, and comes from where that one leads to."""
        return (
            self.direction != other.direction
            and (self.mode, other.mode) == ("state", "state")
            and (self.source, self.source_entity) == (other.target, other.target_entity)
            and (self.target, self.target_entity) == (other.source, other.source_entity)
            and self.source_place in ("", other.target_place)
            and other.source_place in ("", self.target_place)
        )

    @property
    def writes(self) -> Literal["left", "right"]:
        """Which side of a pair it writes to: left is the side that a sync's forward legs start from."""
        return "right" if self.direction == "forward" else "left"


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync with its legs, in the order of its file; all of them run and rest together."""

    id: SyncId
    name: str
    template: str
    source: ConnectionId
    target: ConnectionId
    state: SyncState
    legs: Mapping[Entity, Leg]
    on_disable: OnDisable = "keep"

    @property
    def judges(self) -> bool:
        """Whether changes are judged; a paused one keeps judging and does not write."""
        return self.state in ("active", "paused")

    def way_back(self, leg: Leg) -> Leg | None:
        """The leg that leads the other way between the same records: both sides are edited, and written."""
        return next((one for one in self.legs.values() if leg.leads_back(one)), None)

    @property
    def closing(self) -> bool:
        """Switched off, and what it has at the target is being archived."""
        return self.state == "disabled" and self.on_disable == "archive"
