"""What every source promises, shown of the customers of a company; `test_source.py` has what holds of QuickBooks alone."""

from __future__ import annotations

from tests.contract.vendors.quickbooks import account
from tests.contract.vendors.source_suite import SourceSuite
from vendors import quickbooks


class TestCompanyCustomers(SourceSuite):
    vendor = quickbooks.VENDOR
    opened = account.opened
    per_page = 1_000
    numbered_pages = True
    settles_s = 150.0
    depth = 4
