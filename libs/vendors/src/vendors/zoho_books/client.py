"""Zoho Books as the door sees it: one API host per data centre, an organisation on every call, tokens in Zoho's own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from common.contracts.connections import Connection
from common.contracts.ids import VendorName
from common.failures import Bug, Failure
from common.http.call import Call
from common.http.door_codes import DOOR_HOST_REFUSED
from common.http.profile import Limit, Timeouts
from vendors.zoho.centres import CENTRES, FAMILY, centre
from vendors.zoho_books import errors, limits

NAME = VendorName("zoho-books")
PATH = "/books/v3"

# The list of organisations is asked to find out which one is meant.
_WITHOUT_ORGANISATION = frozenset({"/organizations"})


class ZohoBooksProfile:
    """Details of a connection: `dc`, `organization_id`, and where known `plan_name` and `time_zone`."""

    vendor = NAME
    system = FAMILY
    hosts = frozenset(known.api_host for known in CENTRES if known.enabled)
    file_hosts: frozenset[str] = frozenset()
    timeouts: Timeouts = limits.TIMEOUTS
    # A page of 200 contacts is under a megabyte, an invoice of a thousand lines two.
    max_body = 16 * 1024 * 1024
    horizon: timedelta = limits.HORIZON
    read_lag: timedelta = limits.LOOK_LAG

    def base_url(self, connection: Connection, override: str) -> str:
        at = centre(connection.details.get("dc", ""))
        if at is None:
            raise Bug(DOOR_HOST_REFUSED.name, "The connection names no data centre of Zoho.")
        return at.api(override) + PATH

    def query(self, connection: Connection, template: str) -> Mapping[str, str]:
        if template in _WITHOUT_ORGANISATION:
            return {}
        return {"organization_id": connection.details.get("organization_id", "")}

    def credential(self, token: str) -> Mapping[str, str]:
        return {"authorization": f"Zoho-oauthtoken {token}"}

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        return limits.limits(connection)

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        return errors.translate(status, headers, body, now)


def ping(connection: Connection) -> Call:
    """Reads the organisation itself: works only while the token is good and opens this very organisation."""
    path = {"organization_id": connection.details.get("organization_id", "")}
    return Call("GET", "/organizations/{organization_id}", "organizations.read", path=path)
