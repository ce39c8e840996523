"""What Zoho CRM allows (sheet, section 5): credits in any 24 hours by edition and licences, calls at once, and a ceiling of our own.

The vendor's day has no beginning: it counts the last 24 hours. Ours begins at midnight of the account, with half of the credits: however
late they were spent on one day and however early on the next, two halves are no more than what the vendor counts (decision 65). What a call
costs is in `prices.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from common.contracts.connections import Connection
from common.http.call import Call
from common.http.profile import Limit, Timeouts, horizon
from vendors.zoho_crm import prices

MINUTE, DAY, CONCURRENCY, HEAVY = "minute", "day", "concurrency", "heavy"

CALLS_PER_MINUTE = 100
# Of an application, whatever its edition: queries, and writes of more than ten rows.
HEAVY_AT_ONCE = 10


class Edition(NamedTuple):
    """Credits in 24 hours, those of each licence, and how many there are at most; calls of one application at once."""

    base: int
    per_user: int
    most: int
    at_once: int


# The lower of two numbers where the vendor's pages disagree.
EDITIONS: Mapping[str, Edition] = {
    "free": Edition(5_000, 0, 5_000, 5),
    "standard": Edition(50_000, 250, 100_000, 10),
    "professional": Edition(50_000, 500, 1_000_000, 15),
    "enterprise": Edition(50_000, 1_000, 2_000_000, 20),
    "ultimate": Edition(50_000, 2_000, 2_000_000, 25),
}
# As the account itself calls them.
ALSO: Mapping[str, str] = {
    "starter": "standard",
    "zohoone": "enterprise",
    "one": "enterprise",
    "crmplus": "ultimate",
}
SMALLEST = "free"
TIMEOUTS = Timeouts(connect=5, read=30, write=10, pool=5, total=45)

# The vendor publishes no gateway timeout; we grant what its sister product needs.
VENDOR_LONGEST = timedelta(seconds=60)
# Records are read by id from where they are written; lists come from an index, of which the vendor says that it follows.
LIST_LAG = timedelta(seconds=10)
HORIZON = horizon(TIMEOUTS, VENDOR_LONGEST, LIST_LAG)


def edition(connection: Connection) -> str:
    """One of ours; whatever is not known has no more than the smallest, so that guessing never costs a 429."""
    named = "".join(connection.details.get("edition", "").lower().split()).replace("_", "")
    named = ALSO.get(named, named)
    return named if named in EDITIONS else SMALLEST


def credits_a_day(connection: Connection) -> int:
    """What the vendor gives for any 24 hours."""
    row = EDITIONS[edition(connection)]
    return min(row.most, row.base + row.per_user * _number(connection, "licences", 1))


def limits(connection: Connection, call: Call | None = None) -> tuple[Limit, ...]:
    """Every limit one call counts against: those of the account, which all applications of the customer share."""
    account = connection.details.get("org_id", "")
    if not account:
        return ()
    key, day = f"zoho-crm:{account}", _number(connection, "credits_per_day", credits_a_day(connection)) // 2
    at_once = _number(connection, "calls_at_once", EDITIONS[edition(connection)].at_once)
    per_minute = _number(connection, "calls_per_minute", CALLS_PER_MINUTE)
    zone = connection.details.get("time_zone", "UTC")
    return (
        Limit(MINUTE, key, "rolling", per_minute, timedelta(minutes=1)),
        Limit(DAY, key, "daily", max(1, day), resets_zone=zone, kept_for_live=0.2, weight=prices.credits_of(call)),
        Limit(CONCURRENCY, key, "concurrency", at_once, lingers=VENDOR_LONGEST),
        *([Limit(HEAVY, key, "concurrency", HEAVY_AT_ONCE, lingers=VENDOR_LONGEST)] if prices.is_heavy(call) else []),
    )


def _number(connection: Connection, name: str, otherwise: int) -> int:
    written = connection.details.get(name, "")
    return int(written) if written.isdigit() and int(written) > 0 else otherwise
