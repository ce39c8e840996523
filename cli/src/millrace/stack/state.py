"""What the supervisor writes down for everybody else: who runs, since when, and what went wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum

from millrace.stack.home import Home, write_atomically
from millrace.stack.processes import Process


class Phase(StrEnum):
    """Where one unit of the stack is in its life."""

    WAITING = "waiting"
    PREPARING = "preparing"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class UnitState:
    """One part, step or service."""

    name: str
    kind: str = "part"
    phase: Phase = Phase.WAITING
    pid: int | None = None
    started: int | None = None
    version: str | None = None
    restarts: int = 0
    given: bool = False
    seconds: float = 0.0
    facts: dict[str, str] = field(default_factory=dict)
    trouble: str = ""

    @property
    def process(self) -> Process | None:
        return None if self.pid is None or self.started is None else Process(self.pid, self.started)


@dataclass(frozen=True)
class StackState:
    """The whole stack at one moment."""

    pid: int = 0
    started: int = 0
    phase: str = "starting"
    failure: str = ""
    remedy: str = ""
    code: int = 0
    scope: str = ""
    units: dict[str, UnitState] = field(default_factory=dict)

    @property
    def supervisor(self) -> Process | None:
        return Process(self.pid, self.started) if self.pid else None


def read_state(home: Home) -> StackState | None:
    """The last state written, or None if there is none that can be read: then the processes' marks are all we have."""
    try:
        raw = json.loads(home.state_file.read_text())
        units = {name: _unit(unit) for name, unit in raw.pop("units").items()}
        return StackState(**raw, units=units)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _unit(raw: dict[str, object]) -> UnitState:
    known = {entry.name for entry in fields(UnitState)}
    unit = UnitState(**{name: value for name, value in raw.items() if name in known})  # type: ignore[arg-type]
    return replace(unit, phase=Phase(unit.phase))


Tell = Callable[[str, str], None]


class Board:
    """The supervisor's own copy of the state; every change is on disk before anything else happens."""

    def __init__(self, home: Home, state: StackState, tell: Tell | None = None) -> None:
        self._home = home
        self._tell = tell or (lambda *_: None)
        self.state = state

    def stack(self, **changes: object) -> None:
        before = self.state.phase
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        self._publish()
        if self.state.phase != before:
            self._tell("stack", f"{self.state.phase} {self.state.failure}".rstrip())

    def unit(self, name: str, **changes: object) -> None:
        before = self.state.units[name]
        changed = replace(before, **changes)  # type: ignore[arg-type]
        if changed == before:
            return
        self.state = replace(self.state, units={**self.state.units, name: changed})
        self._publish()
        if changed.phase is not before.phase:
            pid = f"pid {changed.pid}" if changed.pid else ""
            self._tell(name, " ".join(word for word in (changed.phase.value, pid, changed.trouble) if word))

    def _publish(self) -> None:
        write_atomically(self._home.state_file, json.dumps(asdict(self.state), indent=1), 0o600)
