"""QuickBooks as the door sees it: one host an environment, a company in every address, a bearer token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId, VendorName
from common.failures import Bug, Failure
from common.http.call import Call
from common.http.door_codes import DOOR_HOST_REFUSED
from common.http.profile import Limit, Timeouts
from vendors.quickbooks import companies, errors, limits
from vendors.quickbooks.companies import API_HOSTS, ENVIRONMENTS, FAMILY, MINOR_VERSION, PRODUCTION, QboCompany

NAME = VendorName("quickbooks")
BATCH = "/batch"


class QuickBooksProfile:
    """Details of a connection: `realm_id`, and `environment` where it is the vendor's sandbox."""

    vendor = NAME
    system = FAMILY
    hosts = frozenset(API_HOSTS.values())
    file_hosts: frozenset[str] = frozenset()
    timeouts: Timeouts = limits.TIMEOUTS
    # A page of a thousand customers is two megabytes.
    max_body = 32 * 1024 * 1024
    horizon: timedelta = limits.HORIZON
    read_lag: timedelta = limits.READ_LAG

    def base_url(self, connection: Connection, override: str) -> str:
        company = company_of(connection)
        if company is None:
            raise Bug(DOOR_HOST_REFUSED.name, "The connection names no company of QuickBooks.")
        return companies.api(company, override)

    def query(self, connection: Connection, template: str) -> Mapping[str, str]:
        return {"minorversion": MINOR_VERSION}

    def credential(self, token: str) -> Mapping[str, str]:
        # Without it some answers are XML.
        return {"authorization": f"Bearer {token}", "accept": "application/json"}

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        return limits.limits(connection, batch=call is not None and call.template == BATCH, reads=_reads_of(call))

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        return errors.translate(status, headers, body, now)


def _reads_of(call: Call | None) -> int:
    """What the vendor meters of a call: one that asks, and each query of a batch."""
    if call is None or call.method == "GET":
        return 1
    items = call.json.get("BatchItemRequest", ()) if call.template == BATCH and isinstance(call.json, dict) else ()
    return sum("Query" in one for one in items)


def company_of(connection: Connection) -> QboCompany | None:
    """The company that a connection speaks for; None where it names none."""
    realm = connection.details.get("realm_id", "")
    environment = connection.details.get("environment", PRODUCTION)
    known = companies.is_realm(realm) and environment in ENVIRONMENTS
    return QboCompany(realm, environment) if known else None


def ping(connection: Connection) -> Call:
    """Reads the company itself: works only while the token is good and opens this very company."""
    path = {"realm": connection.details.get("realm_id", "")}
    return Call("GET", "/companyinfo/{realm}", "company.read", path=path)


def page(connection: Connection, entity: Entity, record: RecordId) -> str:
    """Where a person of the company sees the record."""
    company = company_of(connection)
    return companies.page(company, record) if company and entity == "customer" and record.isdigit() else ""
