"""Zoho Campaigns v1.1, simulated from the vendor sheet: lists, contacts and their consent, fields, topics, tags, and locks by method."""

from __future__ import annotations

from sandbox.core import Core
from sandbox.zoho_campaigns.simulator import ZohoCampaigns


def build(core: Core) -> ZohoCampaigns:
    """The simulator, plugged into the core."""
    return ZohoCampaigns(core)
