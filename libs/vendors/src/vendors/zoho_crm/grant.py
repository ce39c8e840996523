"""What Zoho CRM asks a person for, and the account behind the grant: a token opens one, which tells its edition and its licences."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from vendors.grant import Discovery, Grant, GrantReply, NotGranted, Place
from vendors.grant_answers import document, fault, text, unreadable, words
from vendors.grant_codes import GRANT_REVOKED, SCOPE_MISSING, TOKEN_THROTTLED
from vendors.zoho.answers import LOCKED_FOR
from vendors.zoho.centres import FAMILY, Centre
from vendors.zoho.oauth import Product, ZohoOAuth

# What is read: the ten modules, the account with its edition, and which fields its modules have.
READ = (
    "accounts", "contacts", "deals", "leads", "vendors", "products", "quotes", "salesorders", "purchaseorders", "invoices", "notes",
)  # fmt: skip
# What is written, as far as a sync leads here: a product is what an invoice has a line on, a deal is there already. Nothing is taken away
# but what a sync's file says so of.
WRITTEN = {
    "accounts": ("CREATE", "UPDATE", "DELETE"),
    "contacts": ("CREATE", "UPDATE", "DELETE"),
    "invoices": ("CREATE", "UPDATE"),
    "products": ("CREATE", "UPDATE"),
    "notes": ("CREATE", "UPDATE"),
    "deals": ("UPDATE",),
}
SCOPES = (
    *(f"ZohoCRM.modules.{module}.READ" for module in READ),
    *(f"ZohoCRM.modules.{module}.{operation}" for module, operations in WRITTEN.items() for operation in operations),
    "ZohoCRM.org.READ",
    "ZohoCRM.settings.fields.READ",
    # Our own field, by which a record is found again.
    "ZohoCRM.settings.fields.CREATE",
    "ZohoCRM.coql.READ",
    *(f"ZohoCRM.notifications.{operation}" for operation in ("CREATE", "READ", "UPDATE", "DELETE")),
)
# Ours, and where the account tells it.
_DETAILS = {"org_id": "zgid", "time_zone": "time_zone", "currency_code": "iso_code", "country": "country_code"}


def read_account(at: Centre, reply: GrantReply) -> Discovery | NotGranted:
    """`GET /org`: the one account that the token opens."""
    found = document(reply)
    rows = found.get("org")
    if reply.status == 200 and isinstance(rows, list):
        places = tuple(_place(row) for row in rows if isinstance(row, Mapping) and row.get("zgid"))
        return Discovery(places, owner=_owner(at, places), site=at.dc, details={"dc": at.dc, "region": at.title})
    return _refusal(reply, found)


def _refusal(reply: GrantReply, found: Mapping[str, object]) -> NotGranted:
    said = words(found, reply)
    if reply.status == 403 or text(found, "code") == "OAUTH_SCOPE_MISMATCH":
        return NotGranted("dead", SCOPE_MISSING.name, "Zoho CRM does not let the token read its account.", said)
    if reply.status == 401:
        return NotGranted("dead", GRANT_REVOKED.name, "Zoho CRM does not accept the token.", said)
    if reply.status == 429:
        return NotGranted("wait", TOKEN_THROTTLED.name, "Zoho CRM takes no calls for now.", said, LOCKED_FOR / 10)
    return fault(reply, said) if reply.status >= 500 else unreadable(reply)


def _place(row: Mapping[str, object]) -> Place:
    details = {ours: str(row[theirs]) for ours, theirs in _DETAILS.items() if row.get(theirs) not in (None, "")}
    licence = row.get("license_details")
    if isinstance(licence, Mapping):
        edition, users = licence.get("paid_type"), licence.get("users_license_purchased")
        details |= {"edition": str(edition)} if edition else {}
        details |= {"licences": str(users)} if users else {}
    return Place(str(row["zgid"]), str(row.get("company_name") or row["zgid"]), details)


def _owner(at: Centre, places: tuple[Place, ...]) -> str:
    # The account does not tell whose token it is; who opens the same one counts as the same user.
    ids = ",".join(sorted(place.id for place in places))
    return hashlib.sha256(f"{at.dc}:{ids}".encode()).hexdigest()[:24]


PRODUCT = Product(
    name="ZohoCRM",
    scopes=SCOPES,
    places_path="/crm/v8/org",
    places_base=lambda at, base_url: at.api(base_url),
    read_places=read_account,
)
GRANT = Grant(FAMILY, oauth=ZohoOAuth(PRODUCT))
