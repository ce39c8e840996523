"""CPU by process: what each part of the stack has burnt, its children with it, whatever the clock on the wall says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psutil


def cpu_ms(parts: Mapping[str, int]) -> dict[str, float]:
    """Milliseconds of CPU of each part so far, by the process that leads it."""
    return {name: 1000 * _seconds(pid) for name, pid in parts.items()}


def _seconds(pid: int) -> float:
    """Of the living, and of those that have ended: their parents were told what they used."""
    total = 0.0
    leader = psutil.Process(pid)
    for process in (leader, *leader.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total
