"""Zoho Books v3, simulated from the vendor sheet: organisations, contacts, invoices, payments, webhooks and limits."""

from __future__ import annotations

from sandbox.core import Core
from sandbox.zoho_books.simulator import ZohoBooks


def build(core: Core) -> ZohoBooks:
    """The simulator, plugged into the core."""
    return ZohoBooks(core)
