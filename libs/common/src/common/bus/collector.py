"""Python's garbage collector, kept from walking through every batch."""

from __future__ import annotations

import gc

_COLLECT_AFTER = 20_000


def calm() -> None:
    """Collects what the start has left, and then only after many allocations."""
    # A batch keeps thousands of objects alive for some milliseconds. With its defaults the garbage collector walks all of them
    # again and again, which costs as much as parsing them; what was imported by now never becomes garbage.
    if gc.get_threshold()[0] < _COLLECT_AFTER:
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, 10, 10)
