"""The ledger as the door sees it. Its patience is short, so that tests need not wait long for a horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from common.contracts.connections import Connection
from common.contracts.ids import VendorName
from common.failures import Failure
from common.http.call import Call
from common.http.profile import Limit, Timeouts
from tests.support.ledger.vendor import errors

NAME = VendorName("ledger")
AT_ONCE = 8


class LedgerProfile:
    """Details of a connection: `account`."""

    vendor = NAME
    system = "ledger"
    hosts = frozenset({"api.ledger.example"})
    file_hosts: frozenset[str] = frozenset()
    # No fault takes as long; what a busy machine makes slow is no outcome that nobody saw.
    timeouts = Timeouts(connect=5, read=5, write=5, pool=5, total=5)
    max_body = 8 * 1024 * 1024
    # A look-up may lag by three seconds; what was given up may land a second later.
    read_lag = timedelta(seconds=4)
    horizon = timedelta(seconds=6)

    def base_url(self, connection: Connection, override: str) -> str:
        return f"{override or 'https://api.ledger.example'}/v1"

    def query(self, connection: Connection, template: str) -> Mapping[str, str]:
        return {}

    def credential(self, token: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {token}"}

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        """So many that the places of processes that were killed are not missed."""
        account = connection.details.get("account", connection.id)
        return (Limit("concurrency", f"ledger:{account}", "concurrency", 500, lingers=timedelta(seconds=5)),)

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        return errors.translate(status, headers, body, now)


def ping(connection: Connection) -> Call:
    return Call("GET", "/organisations", "ping")
