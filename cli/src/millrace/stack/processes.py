"""Processes by identity: a pid means nothing without the moment it started, because pids are used again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARKER = "MILLRACE_STACK_ID"


@dataclass(frozen=True)
class Process:
    """One process: its pid, and its start in kernel ticks since boot (no clock change touches it)."""

    pid: int
    started: int

    def alive(self) -> bool:
        return start_of(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it is still the same process."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def kill_group(self) -> None:
        """End it for certain, together with what it forked: each of our children leads its own group."""
        if not self.alive():
            return
        try:
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def start_of(pid: int) -> int | None:
    """When the process started, or None if there is none (a zombie is none)."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else int(started)


def process_of(pid: int) -> Process | None:
    started = start_of(pid)
    return None if started is None else Process(pid, started)


def marked_with(stack_id: str) -> list[Process]:
    """Every living process whose environment carries this stack's id, but not ourselves."""
    wanted = f"{MARKER}={stack_id}".encode()
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        if wanted in _environment(entry):
            process = process_of(int(entry.name))
            if process is not None:
                found.append(process)
    return found


def _environment(entry: Path) -> list[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def wait_gone(processes: Iterable[Process], seconds: float) -> list[Process]:
    """Those still alive when the time is over."""
    left = list(processes)
    deadline = time.monotonic() + seconds
    while (left := [process for process in left if process.alive()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
