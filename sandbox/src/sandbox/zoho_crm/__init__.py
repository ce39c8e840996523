"""Zoho CRM v8, simulated from the vendor sheet: modules, records, upsert, queries, notification channels and credits."""

from __future__ import annotations

from sandbox.core import Core
from sandbox.zoho_crm.simulator import ZohoCrm


def build(core: Core) -> ZohoCrm:
    """The simulator, plugged into the core."""
    return ZohoCrm(core)
