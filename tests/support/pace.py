"""The writer's pace in tests: it looks round ten times as often as in production, so that nobody waits for its idle seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from writing import worker

IDLE_S, SWEEP_S = 0.05, 0.2
# Long enough for several sweeps: what has not happened by then does not happen.
SEVERAL_SWEEPS_S = 5 * SWEEP_S


@contextmanager
def hurried() -> Iterator[None]:
    """Workers that turn meanwhile do not wait for work to come by itself; what is due is still due by the clock."""
    with patch.multiple(worker, IDLE_S=IDLE_S, SWEEP_S=SWEEP_S, CALM_IDLE_S=IDLE_S, CALM_SWEEP_S=SWEEP_S):
        yield
