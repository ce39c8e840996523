"""Zoho CRM as the door sees it: one API host a data centre, which the token belongs to, and tokens in Zoho's own form."""

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
from vendors.zoho_crm import errors, limits

NAME = VendorName("zoho-crm")
PATH = "/crm/v8"


class ZohoCrmProfile:
    """Details of a connection: `dc`, `org_id`, and where known `edition`, `licences` and `time_zone`."""

    vendor = NAME
    system = FAMILY
    hosts = frozenset(known.api_host for known in CENTRES if known.enabled)
    file_hosts: frozenset[str] = frozenset()
    timeouts: Timeouts = limits.TIMEOUTS
    # A page of 200 records with fifty fields each is under a megabyte.
    max_body = 16 * 1024 * 1024
    horizon: timedelta = limits.HORIZON
    read_lag: timedelta = limits.LIST_LAG

    def base_url(self, connection: Connection, override: str) -> str:
        at = centre(connection.details.get("dc", ""))
        if at is None:
            raise Bug(DOOR_HOST_REFUSED.name, "The connection names no data centre of Zoho.")
        return at.api(override) + PATH

    def query(self, connection: Connection, template: str) -> Mapping[str, str]:
        """Nothing: a token opens one account."""
        return {}

    def credential(self, token: str) -> Mapping[str, str]:
        return {"authorization": f"Zoho-oauthtoken {token}"}

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        return limits.limits(connection, call)

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        return errors.translate(status, headers, body, now)


def ping(connection: Connection) -> Call:
    """Reads the account itself, which any good token opens."""
    return Call("GET", "/org", "org.read")
