"""What Shopify allows (sheet, section 2.1): points in a bucket for each application and shop, a hundred a second back, two thousand in all.

What a question may cost has to be in the bucket before it runs; what it did not cost comes back with the answer (an order of a few lines may
cost 522 points and costs about 70). Shops of dearer plans have more, as every answer tells: until the first one a shop counts as a standard one.
Several questions at once hold their whole prices, so the bucket itself says how many that are.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from common.contracts.connections import Connection
from common.http.profile import Limit, PointsTold, Timeouts, horizon

POINTS, AT_ONCE = "points", "at_once"
IN_BUCKET, FILLS_UP_IN = 2_000, timedelta(seconds=20)
# An order of a few lines with its taxes and payments.
_USUAL = 70
TIMEOUTS = Timeouts(connect=5, read=30, write=10, pool=5, total=45)
# The vendor ends a question after ten seconds; what it wrote shows at once by id, and in searches after a while.
VENDOR_TIMEOUT = timedelta(seconds=30)
READ_LAG = timedelta(seconds=5)
SEARCH_LAG = timedelta(minutes=5)
HORIZON = horizon(TIMEOUTS, VENDOR_TIMEOUT, READ_LAG)


def limits(connection: Connection) -> tuple[Limit, ...]:
    """By shop: whoever connects it twice with one application shares the bucket."""
    key = f"shopify:{connection.details.get('shop') or connection.id}"
    return (
        Limit(AT_ONCE, key, "concurrency", 10, reserve=0.2, lingers=VENDOR_TIMEOUT),
        Limit(
            POINTS, key, "points", IN_BUCKET, FILLS_UP_IN,
            kept_for_live=0.3, lingers=VENDOR_TIMEOUT, usual=_USUAL, told=points_told,
        ),
    )  # fmt: skip


def points_told(body: bytes) -> PointsTold | None:
    """What an answer says of the bucket, a refusal for want of points too; None where it is another kind of answer."""
    try:
        cost = orjson.loads(body)["extensions"]["cost"]
        status = cost["throttleStatus"]
        foretold, spent = _points(cost["requestedQueryCost"]), _points(cost["actualQueryCost"] or 0)
        available, most = _points(status["currentlyAvailable"]), _points(status["maximumAvailable"])
        restore = float(status["restoreRate"])
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        return None
    usable = min(foretold, spent, available) >= 0 and most > 0 and restore > 0
    return PointsTold(foretold, spent, available, most, restore) if usable else None


def _points(value: Any) -> int:
    """Whole points; of a fraction of one there is none."""
    return int(value)
