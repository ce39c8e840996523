"""How much slower the machine is than one that has nothing else to do, or than the one of the limits: what a limit in milliseconds is multiplied by."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import thread_time

# A little work after a little sleep, as a service does it: what it took, by the clock, of what it takes of a processor.
_WORK = """
import statistics, sys, threading, time
ended, took = threading.Event(), []
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while not ended.is_set():
    due = time.monotonic() + 0.04
    ended.wait(0.04)
    until = time.thread_time() + 0.002
    while time.thread_time() < until:
        pass
    took.append((time.monotonic() - due) / 0.002)
print(statistics.median(took))
"""


@dataclass
class Machine:
    """What was measured, once it is over."""

    slower: float = 1.0


@contextmanager
def measured() -> Iterator[Machine]:
    """Measures as long as it is open, at a twentieth of one core."""
    found = Machine()
    with subprocess.Popen(
        [sys.executable, "-c", _WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        try:
            yield found
        finally:
            said, _ = worker.communicate(timeout=30)
    found.slower = max(1.0, float(said))


# What the machine on which the limits were written takes for the work below, in seconds of a processor.
_WRITTEN_S = 0.003
_ROWS = [{"email": f"p{n}@ex.org", "tags": ["a", "b"], "amount": n / 7} for n in range(400)]


def computes_slower() -> float:
    """By how much, now: for what is the quickest of several, and so does not wait for a processor. One, at least."""
    return max(1.0, median(_some_work() for _ in range(15)) / _WRITTEN_S)


def _some_work() -> float:
    """As services do it: text to rows, in order, by key, and back."""
    began = thread_time()
    for _ in range(5):
        rows = json.loads(json.dumps(_ROWS))
        rows.sort(key=lambda row: row["email"][::-1])
        assert len({row["email"]: row for row in rows}) == len(_ROWS)
    return thread_time() - began
