"""The one list of simulators."""

from __future__ import annotations

from pathlib import Path

from sandbox.clock import Clock
from sandbox.core import Core
from sandbox.deliveries import Deliveries
from sandbox.faults import Faults
from sandbox.mailchimp import build as build_mailchimp
from sandbox.operators import Operators
from sandbox.quickbooks import build as build_quickbooks
from sandbox.shopify import build as build_shopify
from sandbox.simulator import Simulator
from sandbox.zoho_accounts.accounts import build as build_zoho_accounts
from sandbox.zoho_accounts.grants import ZohoGrants
from sandbox.zoho_books import build as build_zoho_books
from sandbox.zoho_campaigns import build as build_zoho_campaigns
from sandbox.zoho_crm import build as build_zoho_crm


class Vendors:
    """The simulators by name and by address."""

    def __init__(self) -> None:
        self.all: list[Simulator] = []

    def named(self, vendor: str) -> Simulator:
        """The simulator of a vendor; raises KeyError."""
        for simulator in self.all:
            if simulator.vendor == vendor:
                return simulator
        raise KeyError(vendor)

    def owner(self, path: str) -> tuple[Simulator, str] | None:
        """Who answers under this path, and the prefix that is theirs."""
        for simulator in self.all:
            prefix = simulator.owns(path)
            if prefix is not None:
                return simulator, prefix
        return None


def build(home: Path) -> tuple[Core, Vendors]:
    """The core and every simulator plugged into it."""
    clock, faults, vendors = Clock(home), Faults(), Vendors()
    core = Core(home, clock, faults, Deliveries(clock, faults, vendors.named), Operators(), ZohoGrants())
    vendors.all += [
        build_zoho_accounts(core),
        build_zoho_books(core),
        build_zoho_crm(core),
        build_zoho_campaigns(core),
        build_mailchimp(core),
        build_shopify(core),
        build_quickbooks(core),
    ]
    return core, vendors
