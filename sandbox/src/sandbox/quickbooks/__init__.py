"""QuickBooks Online, simulated from the vendor sheet: consent, customers, queries, changes, batches, limits and webhooks."""

from __future__ import annotations

from sandbox.core import Core
from sandbox.quickbooks.simulator import QuickBooks


def build(core: Core) -> QuickBooks:
    """The simulator, plugged into the core."""
    return QuickBooks(core)
