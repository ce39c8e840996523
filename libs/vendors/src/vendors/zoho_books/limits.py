"""What Zoho Books allows, in the scope in which it counts: the organisation, shared with every other application of the customer.

Sheet: sections 2 and 8. Numbers can be changed per connection (`details`), because the vendor measures smaller ones for some.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from common.contracts.connections import Connection
from common.http.profile import Limit, Shape, Timeouts, horizon

MINUTE, DAY, CONCURRENCY = "minute", "day", "concurrency"

CALLS_PER_MINUTE = 100
CALLS_PER_DAY: Mapping[str, int] = {
    "free": 1_000,
    "standard": 2_000,
    "professional": 5_000,
    "premium": 10_000,
    "elite": 10_000,
    "ultimate": 10_000,
}
SMALLEST_PLAN = "free"
AT_ONCE, AT_ONCE_FREE = 10, 5

TIMEOUTS = Timeouts(connect=5, read=30, write=10, pool=5, total=45)

# The vendor publishes no gateway timeout; half a minute is what its pages take at worst, and we grant it twice that.
VENDOR_LONGEST = timedelta(seconds=60)
# Lists come from an index that follows the records. The vendor says nothing of how fast; ten seconds are more than anybody has reported.
LIST_LAG = timedelta(seconds=10)
# Whether a create has landed is asked of a list, and a wrong no makes a second invoice: so that is asked late rather than soon (R24).
LOOK_LAG = timedelta(seconds=30)
HORIZON = horizon(TIMEOUTS, VENDOR_LONGEST, LOOK_LAG)


def limits(connection: Connection) -> tuple[Limit, ...]:
    """Every limit one call counts against; an unknown plan gets the smallest, so that guessing never costs a 429."""
    organisation = connection.details.get("organization_id", "")
    if not organisation:
        return ()
    key = f"zoho-books:{organisation}"
    return (
        Limit(
            MINUTE,
            key,
            _shape(connection),
            _number(connection, "calls_per_minute", CALLS_PER_MINUTE),
            timedelta(minutes=1),
        ),
        Limit(
            DAY,
            key,
            "daily",
            _number(connection, "calls_per_day", CALLS_PER_DAY[_plan(connection)]),
            resets_zone=connection.details.get("time_zone", "UTC"),
            kept_for_live=0.2,
        ),
        Limit(
            CONCURRENCY,
            key,
            "concurrency",
            _number(connection, "calls_at_once", AT_ONCE_FREE if _plan(connection) == "free" else AT_ONCE),
            lingers=VENDOR_LONGEST,
        ),
    )


def _plan(connection: Connection) -> str:
    plan = connection.details.get("plan_name", "").strip().lower()
    return plan if plan in CALLS_PER_DAY else SMALLEST_PLAN


def _shape(connection: Connection) -> Shape:
    # The vendor does not say whether its minute is the calendar's or rolls; a rolling log of ours is safe under both.
    return "fixed" if connection.details.get("minute_shape") == "fixed" else "rolling"


def _number(connection: Connection, name: str, otherwise: int) -> int:
    written = connection.details.get(name, "")
    return int(written) if written.isdigit() and int(written) > 0 else otherwise
