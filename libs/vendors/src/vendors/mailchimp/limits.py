"""What Mailchimp allows: ten calls at once per login, no other number and no header that tells how many are left (sheet, section 2)."""

from __future__ import annotations

from datetime import timedelta

from common.contracts.connections import Connection
from common.http.profile import Limit, Timeouts, horizon

CONCURRENCY = "concurrency"
AT_ONCE = 10

# The vendor ends a call after 120 s; a batch of 500 may take most of that, so our patience is a little longer than its own.
VENDOR_TIMEOUT = timedelta(seconds=120)
TIMEOUTS = Timeouts(connect=5, read=125, write=15, pool=5, total=130)

# The vendor states none; what a batch has made shows within a second or two.
READ_LAG = timedelta(seconds=5)

HORIZON = horizon(TIMEOUTS, VENDOR_TIMEOUT, READ_LAG)


def limits(connection: Connection) -> tuple[Limit, ...]:
    """Eight of the ten: the customer's other tools share the login."""
    login = connection.details.get("login_id") or connection.details.get("account_id") or connection.id
    return (
        # A call that timed out here still occupies its place there.
        Limit(
            CONCURRENCY,
            f"mailchimp:{login}",
            "concurrency",
            AT_ONCE,
            reserve=0.2,
            lingers=VENDOR_TIMEOUT,
        ),
    )
