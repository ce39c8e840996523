"""The one list of vendors, and of the topics on which their records travel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.contracts.ids import VendorName
from common.contracts.topics import Topic, declared
from vendors import (
    mailchimp,
    quickbooks,
    shopify,
    zoho_books,
    zoho_crm,
)
from vendors.vendor import Vendor

VENDORS: Mapping[VendorName, Vendor] = {
    vendor.name: vendor
    for vendor in [
        zoho_books.VENDOR,
        zoho_crm.VENDOR,
        mailchimp.VENDOR,
        shopify.VENDOR,
        quickbooks.VENDOR,
    ]
}

TOPICS: Sequence[Topic] = tuple(
    declared(
        [name for name, vendor in VENDORS.items() if vendor.source is not None],
        [name for name, vendor in VENDORS.items() if vendor.targets],
    )
)
"""What is created, shown, described and tested."""


def vendor_named(name: str) -> Vendor:
    """The vendor of that name; KeyError when there is none."""
    return VENDORS[VendorName(name)]
