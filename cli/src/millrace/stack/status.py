"""What runs, told from the supervisor's record and checked against the processes themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millrace.stack.home import Home
from millrace.stack.locks import is_held
from millrace.stack.processes import marked_with
from millrace.stack.state import Phase, StackState, UnitState, read_state

Word = Literal["up", "starting", "degraded", "down"]
EXIT_CODES: dict[Word, int] = {"up": 0, "starting": 1, "degraded": 1, "down": 3}


@dataclass(frozen=True)
class Status:
    """The stack at this moment."""

    home: Home
    state: Word
    supervised: bool
    record: StackState | None

    def parts(self) -> list[UnitState]:
        units = self.record.units.values() if self.record else ()
        return [unit for unit in units if unit.kind != "step"]

    def document(self) -> dict[str, object]:
        """The JSON document that tools rely on."""
        supervisor = {"running": self.supervised, "pid": self.record.pid if self.record and self.supervised else None}
        parts = {unit.name: describe(unit, self.state) for unit in self.parts()}
        return {"home": str(self.home.root), "state": self.state, "supervisor": supervisor, "parts": parts}

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.state]


def look(home: Home) -> Status:
    if not home.exists():
        return Status(home, "down", False, None)
    supervised = is_held(home.supervisor_lock)
    record = read_state(home)
    return Status(home, _word(home, record, supervised=supervised), supervised, record)


def fact_of(home: Home, name: str, fact: str) -> str | None:
    """Where a part of the local stack is, for example; None where the stack is down or the part has not said."""
    status = look(home)
    part = next((unit for unit in status.parts() if unit.name == name), None)
    return None if status.state == "down" or part is None else part.facts.get(fact)


def is_ready(unit: UnitState) -> bool:
    if unit.phase is not Phase.READY:
        return False
    return unit.given or unit.kind == "step" or (unit.process is not None and unit.process.alive())


def describe(unit: UnitState, state: Word) -> dict[str, object]:
    alive = unit.process is not None and unit.process.alive()
    described: dict[str, object] = {
        "ready": is_ready(unit) and state != "down",
        "pid": unit.pid if alive else None,
        "address": unit.facts.get("address"),
        "version": unit.version,
        "restarts": unit.restarts,
        "given": unit.given,
    }
    if "url" in unit.facts:
        described["url"] = unit.facts["url"]
    if unit.trouble:
        described["trouble"] = unit.trouble
    return described


def _word(home: Home, record: StackState | None, *, supervised: bool) -> Word:
    if not supervised:
        return "degraded" if marked_with(home.stack_id()) else "down"
    if record is None or record.phase == "starting":
        return "starting"
    if record.phase == "up" and all(is_ready(unit) for unit in record.units.values()):
        return "up"
    return "degraded"
