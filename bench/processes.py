"""CPU and memory by process: what each part of the stack has burnt, its children with it, whatever the clock on the wall says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_ms(parts: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Milliseconds of CPU of each part so far, by the processes that lead it."""
    return {
        name: 1000 * sum(_ticks(one) for pid in pids for one in family(pid)) / _TICKS_A_SECOND
        for name, pids in parts.items()
    }


def peak_mb(pid: int) -> float:
    """The most memory that a process has held so far; nothing once it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def family(pid: int) -> Iterator[int]:
    """A process and all that came of it; one that has ended meanwhile has none."""
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from family(int(child))


def _ticks(pid: int) -> int:
    """In user and system mode, its own and of those children that have ended: `man 5 proc`, fields 14 to 17."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15]))
