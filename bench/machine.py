"""What else the machine had to do while something was measured: the clock on the wall belongs to everybody who works on it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench.processes import cpu_ms

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# Of the first line of /proc/stat: user, nice, system, irq, softirq and what a hypervisor took; not idle, and not waiting for a disk.
_BUSY = (0, 1, 2, 5, 6, 7)


@dataclass(frozen=True)
class Glance:
    """The machine at one moment."""

    at: float
    busy_s: float
    """Of all cores, whoever kept them busy."""
    ours_s: float
    """Of that: this process and all that came of it, the servers too."""
    load: float


def glance() -> Glance:
    """Now."""
    ours = cpu_ms({"ours": [os.getpid()]})["ours"] / 1000
    return Glance(time.monotonic(), busy_seconds(Path("/proc/stat").read_text()), ours, os.getloadavg()[0])


def busy_seconds(stat: str) -> float:
    """Of all cores since the machine began."""
    fields = stat.splitlines()[0].split()[1:]
    return sum(int(fields[at]) for at in _BUSY) / _TICKS_A_SECOND


def beside(first: Glance, last: Glance) -> dict[str, float]:
    """What to read a measurement by: how much of the machine it did not have."""
    others = (last.busy_s - first.busy_s) - (last.ours_s - first.ours_s)
    return {
        "machine: cores": float(os.cpu_count() or 1),
        "machine: cores kept busy by others": max(0.0, others) / max(1e-9, last.at - first.at),
        "machine: load before": first.load,
        "machine: load after": last.load,
    }
