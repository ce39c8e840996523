"""What Shopify allows (sheet, section 2.1): points in a bucket for each application and shop, a hundred a second back, two thousand in all.

A call is counted as one of the dear ones. The largest question that we ask may cost six hundred points and mostly costs a sixth; the vendor
takes the larger number first and gives back what was not used. Two at a time and sixty in a minute are what a standard shop's bucket bears on the
average; beyond that the vendor says when to come back, with HTTP 200, and takes nothing for saying so.
"""

from __future__ import annotations

from datetime import timedelta

from common.contracts.connections import Connection
from common.http.profile import Limit, Timeouts, horizon

POINTS, AT_ONCE = "points", "at_once"
TIMEOUTS = Timeouts(connect=5, read=30, write=10, pool=5, total=45)
# The vendor ends a question after ten seconds; what it wrote shows at once by id, and in searches after a while.
VENDOR_TIMEOUT = timedelta(seconds=30)
READ_LAG = timedelta(seconds=5)
SEARCH_LAG = timedelta(minutes=5)
HORIZON = horizon(TIMEOUTS, VENDOR_TIMEOUT, READ_LAG)


def limits(connection: Connection) -> tuple[Limit, ...]:
    """By shop: whoever connects it twice with one application shares the bucket."""
    shop = connection.details.get("shop") or connection.id
    return (
        Limit(AT_ONCE, f"shopify:{shop}", "concurrency", 3, reserve=0.34, lingers=VENDOR_TIMEOUT),
        Limit(POINTS, f"shopify:{shop}", "rolling", 60, timedelta(minutes=1), kept_for_live=0.2),
    )
