"""The contract test of a new vendor: these lines."""

from __future__ import annotations

from tests.contract.vendors.source_suite import SourceSuite
from tests.contract.vendors.tiny import folder, simulator


class TestCardSource(SourceSuite):
    vendor = folder.VENDOR
    opened = simulator.opened
    per_page = folder.PER_PAGE
    numbered_pages = False
