"""Where this writer writes."""

from __future__ import annotations

from vendors import mailchimp
from vendors.mailchimp.limits import AT_ONCE
from vendors.vendor import Vendor

VENDOR: Vendor = mailchimp.VENDOR
# Those of the vendor's ten that are ours; the budget shares them out between all processes.
CALLS_AT_ONCE = AT_ONCE - 2
