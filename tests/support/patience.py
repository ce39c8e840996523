"""How long a test waits in vain. Whoever runs a test to see it fail says by TEST_PATIENCE_S that a few seconds of that are enough."""

from __future__ import annotations

import os


def patient(within: float) -> float:
    """The seconds after which a wait is over."""
    return min(within, float(os.environ.get("TEST_PATIENCE_S", "inf")))
