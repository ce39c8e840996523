"""Records as stored: what one is now, and what it was a little while ago, for lists that lag behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]
REMEMBERED = 20


@dataclass(frozen=True, slots=True)
class State:
    """What a record is from one change to the next; a change makes a new one and leaves this as it is."""

    token: int
    updated: int  # whole seconds, as records tell it
    at: float  # when exactly, for lists that lag
    active: bool
    values: Values


@dataclass(slots=True)
class Record:
    """One record, with its last states; the newest is `state`."""

    entity: str
    id: str
    created: int
    state: State
    past: list[State] = field(default_factory=list)

    def become(self, state: State) -> None:
        self.past = [*self.past, self.state][-REMEMBERED:]
        self.state = state

    def seen_at(self, moment: float) -> State | None:
        """What it was then; None before it was made."""
        if self.state.at <= moment:
            return self.state
        return next((one for one in reversed(self.past) if one.at <= moment), None)

    @property
    def values(self) -> Values:
        return self.state.values


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of a record that was deleted or merged away; `merged` is what it was, for a merged one."""

    entity: str
    id: str
    at: int
    merged: Record | None = None
