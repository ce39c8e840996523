"""What Shopify allows (sheet, section 2.1): points in a bucket for each application and shop, a hundred a second back, two thousand in all.

Calls are counted, not points. An order of a few lines may cost 522 points and costs about 70; the vendor takes the larger number first and gives
back what was not used. So two at a time and twenty-five in the twenty seconds in which a standard shop's bucket fills up: a burst of as many is read
at once, and in the long run more than one a second. What is dearer than that is refused with HTTP 200, costs nothing, and says when to come back.
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
        Limit(AT_ONCE, f"shopify:{shop}", "concurrency", 3, reserve=0.3, lingers=VENDOR_TIMEOUT),
        Limit(POINTS, f"shopify:{shop}", "rolling", 25, timedelta(seconds=20), kept_for_live=0.2),
    )
