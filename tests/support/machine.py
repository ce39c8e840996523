"""How much slower the machine is than one that has nothing else to do: what a limit in milliseconds is multiplied by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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
