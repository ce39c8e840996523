"""The mapper of two ledgers as a process that can be killed: the product's, with the ledger as the only vendor that it reads."""

from __future__ import annotations

import sys
from typing import cast

from common.contracts.ids import VendorName
from mapper import main
from tests.support.ledger.vendor import VENDOR
from vendors.registry import VENDORS
from vendors.vendor import Vendor

if __name__ == "__main__":
    cast(dict[VendorName, Vendor], VENDORS)[VENDOR.name] = VENDOR
    vars(main)["source_vendors"] = lambda: [VENDOR.name]
    sys.exit(main.main())
