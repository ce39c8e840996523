"""Ends what a supervisor that was killed had started: exactly that, and in the right order."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from millrace.stack.home import Home
from millrace.stack.processes import Process, marked_with, wait_gone
from millrace.stack.state import UnitState, read_state

SERVICE_SECONDS = 28.0
SERVER_SECONDS = 20.0
KILL_SECONDS = 10.0
# Every server ends cleanly on SIGTERM but PostgreSQL, which would wait there for its sessions to end.
SIGNALS = {"postgres": signal.SIGINT}


def end_left_overs(home: Home) -> list[str]:
    """The names of what had to be ended: services first, then the servers they use, then whatever bears our mark."""
    state = read_state(home)
    alive = [unit for unit in (state.units.values() if state else ()) if unit.process and unit.process.alive()]
    for kind, seconds in (("service", SERVICE_SECONDS), ("part", SERVER_SECONDS)):
        _end_units([unit for unit in alive if unit.kind == kind], seconds)
    others = end_marked(home.stack_id())
    return [unit.name for unit in alive] + [f"process {process.pid}" for process in others]


def end_marked(stack_id: str) -> list[Process]:
    """End all processes that carry the stack's id; repeated, because one of them may be starting another."""
    ended: list[Process] = []
    while found := marked_with(stack_id):
        for process in found:
            process.send(signal.SIGTERM)
        for process in wait_gone(found, SERVICE_SECONDS):
            process.kill_group()
        if wait_gone(found, KILL_SECONDS):
            break
        ended += found
    return ended


def _end_units(units: Sequence[UnitState], seconds: float) -> None:
    processes = []
    for unit in units:
        assert unit.process is not None
        unit.process.send(SIGNALS.get(unit.name, signal.SIGTERM))
        processes.append(unit.process)
    for process in wait_gone(processes, seconds):
        process.kill_group()
    wait_gone(processes, KILL_SECONDS)
