"""Mailchimp as the door sees it: a host per data centre of the account, and keys and tokens in the same bearer form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from common.contracts.connections import Connection
from common.contracts.ids import VendorName
from common.failures import Bug, Failure
from common.http.call import Call
from common.http.door_codes import DOOR_HOST_REFUSED
from common.http.profile import Limit, Timeouts
from vendors.mailchimp import errors, limits
from vendors.mailchimp.login import FAMILY, api, is_dc

NAME = VendorName("mailchimp")


class MailchimpProfile:
    """Details of a connection: `dc`, and where known `login_id`."""

    vendor = NAME
    system = FAMILY
    hosts = frozenset({"*.api.mailchimp.com"})
    # The results of operations lie in a store of files, which no documentation names. The first host stands in answers of 2016 to March 2022
    # that others have published; since June 2022 users report Google's store instead, and no published answer shows its host: the second is
    # what Google documents for addresses that are signed. Others are named by MILLRACE_FILE_HOSTS; what is read tells which (`write.not_collected`).
    file_hosts = frozenset({"mailchimp-api-batch.s3.amazonaws.com", "storage.googleapis.com"})
    timeouts: Timeouts = limits.TIMEOUTS
    # A thousand members with all their merge fields are about four megabytes.
    max_body = 32 * 1024 * 1024
    horizon: timedelta = limits.HORIZON
    read_lag: timedelta = limits.READ_LAG

    def base_url(self, connection: Connection, override: str) -> str:
        dc = connection.details.get("dc", "")
        if not is_dc(dc):
            raise Bug(DOOR_HOST_REFUSED.name, "The connection names no data centre of Mailchimp.")
        return api(dc, override)

    def query(self, connection: Connection, template: str) -> Mapping[str, str]:
        return {}

    def credential(self, token: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {token}"}

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        return limits.limits(connection)

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        return errors.translate(status, headers, body, now)


def ping(connection: Connection) -> Call:
    """The vendor's own health check; it needs a good credential of this data centre."""
    return Call("GET", "/ping", "ping")
