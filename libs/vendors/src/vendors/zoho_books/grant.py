"""What Zoho Books asks a person for, and the organisations behind the grant, of which a person chooses one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from vendors.grant import Discovery, Grant, GrantReply, NotGranted, Place
from vendors.grant_answers import document, fault, unreadable, words
from vendors.grant_codes import GRANT_REVOKED, SCOPE_MISSING, TOKEN_THROTTLED
from vendors.zoho.answers import LOCKED_FOR
from vendors.zoho.centres import FAMILY, Centre
from vendors.zoho.oauth import Product, ZohoOAuth

# Items, custom fields, currencies, taxes, organisations, webhooks and workflows all sit under settings; journals and the chart of accounts
# under accountants. What is only read here is asked for reading alone.
SCOPES = tuple(
    f"ZohoBooks.{module}.{operation}"
    for module, operations in {
        "contacts": ("CREATE", "READ", "UPDATE", "DELETE"),
        "invoices": ("CREATE", "READ", "UPDATE", "DELETE"),
        "customerpayments": ("CREATE", "READ", "UPDATE", "DELETE"),
        "settings": ("CREATE", "READ", "UPDATE", "DELETE"),
        "creditnotes": ("CREATE", "READ"),
        **dict.fromkeys(("bills", "purchaseorders", "vendorpayments", "expenses", "accountants"), ("READ",)),
    }.items()
    for operation in operations
)
_DETAILS = ("organization_id", "currency_code", "time_zone", "country", "plan_name", "plan_type")


def read_organisations(at: Centre, reply: GrantReply) -> Discovery | NotGranted:
    """`GET /organizations` of Books; 401 with code 57 or 14 is a token that is dead or lacks a scope."""
    found = document(reply)
    rows = found.get("organizations")
    if reply.status == 200 and isinstance(rows, list):
        places = tuple(_place(row) for row in rows if isinstance(row, Mapping) and row.get("organization_id"))
        return Discovery(places, owner=_owner(at, places), site=at.dc, details={"dc": at.dc, "region": at.title})
    if reply.status == 401:
        return NotGranted("dead", GRANT_REVOKED.name, "Zoho Books does not accept the token.", words(found, reply))
    if reply.status == 403:
        return NotGranted(
            "dead", SCOPE_MISSING.name, "Zoho Books does not let the token read its organisations.", words(found, reply)
        )
    if reply.status == 429:
        return NotGranted(
            "wait", TOKEN_THROTTLED.name, "Zoho Books takes no calls for now.", words(found, reply), LOCKED_FOR / 10
        )
    return fault(reply, words(found, reply)) if reply.status >= 500 else unreadable(reply)


def _place(row: Mapping[str, object]) -> Place:
    details = {name: str(row[name]) for name in _DETAILS if row.get(name) not in (None, "")}
    return Place(str(row["organization_id"]), str(row.get("name") or row["organization_id"]), details)


def _owner(at: Centre, places: tuple[Place, ...]) -> str:
    # Books does not tell who the token's user is; who sees the same organisations counts as the same user.
    ids = ",".join(sorted(place.id for place in places))
    return hashlib.sha256(f"{at.dc}:{ids}".encode()).hexdigest()[:24]


PRODUCT = Product(
    name="ZohoBooks",
    scopes=SCOPES,
    places_path="/books/v3/organizations",
    places_base=lambda at, base_url: at.api(base_url),
    read_places=read_organisations,
)
GRANT = Grant(FAMILY, oauth=ZohoOAuth(PRODUCT))
