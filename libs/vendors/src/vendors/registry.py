"""The one list of vendors."""

from __future__ import annotations

from collections.abc import Mapping

from common.contracts.ids import VendorName
from vendors import mailchimp, zoho_books
from vendors.vendor import Vendor

VENDORS: Mapping[VendorName, Vendor] = {vendor.name: vendor for vendor in (zoho_books.VENDOR, mailchimp.VENDOR)}


def vendor_named(name: str) -> Vendor:
    """The vendor of that name; KeyError when there is none."""
    return VENDORS[VendorName(name)]
