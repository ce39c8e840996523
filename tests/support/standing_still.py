"""A server whose process stands still: its connections stay open, new ones are accepted by the kernel, and nothing answers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STOPPED = "T"
WITHIN_S = 30.0


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """From the first line inside on nothing of it runs."""
    stand(pid)
    try:
        yield
    finally:
        go_on(pid)


def stand(pid: int) -> None:
    """Returns when all its threads stand: each needs a turn on the machine to take notice, and until then it goes on answering."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + WITHIN_S
    while not _stands(pid):
        assert time.monotonic() < deadline, f"process {pid} did not stand still within {WITHIN_S:g} s"
        time.sleep(0.001)


def go_on(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)


def _stands(pid: int) -> bool:
    """Whether no thread runs, nor one that was made while we looked."""
    threads = _threads(pid)
    return all(_state(thread) == STOPPED for thread in threads) and _threads(pid) == threads


def _threads(pid: int) -> list[Path]:
    return sorted(Path(f"/proc/{pid}/task").iterdir())


def _state(thread: Path) -> str:
    try:
        # After the name, which may have anything in it.
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"
