"""Reads what has to be known of an organisation: its currencies, taxes and groups of taxes, items, unique custom fields, and which of its
customers are inactive. All of it once a day, and a part of it again where an order finds nothing there (decision 52).

Lists only, and one call for each group of taxes: the list of taxes does not say what a group is made of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from common.failures import Failure
from common.http.call import Api, Call
from vendors.answers import reading
from vendors.zoho_books import guest_contacts, wire
from vendors.zoho_books.custom_fields import NO_LIST
from vendors.zoho_books.organisation_facts import (
    CURRENCIES,
    GUEST,
    ITEMS,
    TAXES,
    OrganisationFacts,
    TaxPart,
    UniqueField,
)
from vendors.zoho_books.pages import listed

KEY_FIELDS = ("cf_shopify_customer_id", "cf_external_id")
"""Custom fields of a customer for the shop's id; the one that takes no value twice is written."""
CUSTOMER_FIELDS = (*KEY_FIELDS, "cf_zoho_crm_id")
"""With those that a mapping has to name, because they are another system's."""
# The field that takes our key, by the names under which it may have been made; a person makes it in the web application.
_KEY_FIELDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "invoice": ("invoice", ("cf_shopify_order_id", "cf_external_id")),
    "creditnote": ("creditnote", ("cf_shopify_refund_id", "cf_external_id")),
    "contact": ("contact", KEY_FIELDS),
    "payment": ("customer_payment", ("cf_shopify_transaction_id", "cf_external_id")),
}
_PAGES_OF_INACTIVE = 25
_GUESTS_KEPT = 5_000


async def read_facts(api: Api) -> OrganisationFacts:
    return await renewed(OrganisationFacts(), sorted(PARTS), api)


async def renewed(before: OrganisationFacts, parts: Collection[str], api: Api) -> OrganisationFacts:
    """The same with these parts as they are now: lists, and who is meant by guests."""
    found = {name: value for part in parts if part in _READ for name, value in (await _READ[part](api)).items()}
    guests = [part for part in parts if part.startswith(GUEST)]
    if guests:
        kept = dict(list(before.guests.items())[-_GUESTS_KEPT:])
        found["guests"] = kept | {one: await guest_contacts.found(one, api) for one in guests}
    return replace(before, **found)


async def _currencies(api: Api) -> Mapping[str, Any]:
    rows = [row async for row in listed(api, "/settings/currencies", "currencies")]
    return {
        "base": next((str(row["currency_code"]) for row in rows if row.get("is_base_currency")), ""),
        "currencies": {str(row["currency_code"]): str(row["currency_id"]) for row in rows},
    }


async def _taxes(api: Api) -> Mapping[str, Any]:
    rows = [row async for row in listed(api, "/settings/taxes", "taxes")]
    groups = [str(row["tax_id"]) for row in rows if row.get("tax_type") == "tax_group"]
    return {
        "taxes": {str(row["tax_id"]): _tax(row) for row in rows if row.get("tax_type") != "tax_group"},
        "groups": {id: await _group(api, id) for id in groups},
    }


async def _items(api: Api) -> Mapping[str, Any]:
    """No filter by SKU exists, so the list is read whole; of two items with one SKU the first counts."""
    active, others = dict[str, str](), set[str]()
    async for row in listed(api, "/items", "items"):
        sku = (wire.text(row.get("sku")) or "").casefold()
        if sku and row.get("status") == "active":
            active.setdefault(sku, str(row["item_id"]))
        elif sku:
            others.add(sku)
    return {"items": active, "retired": frozenset(others - set(active))}


async def _fields(api: Api) -> Mapping[str, Any]:
    unique = dict[str, UniqueField]()
    for module, (theirs, names) in _KEY_FIELDS.items():
        wanted = CUSTOMER_FIELDS if module == "contact" else names
        there = await _unique(api, theirs, wanted)
        if named := next((one for one in names if one in there), ""):
            unique[module] = there[named]
        if module == "contact":
            unique |= {f"contact {name}": field for name, field in there.items()}
    return {"unique": unique}


async def _inactive(api: Api) -> Mapping[str, Any]:
    """The first thousands; of the others Books' own refusal tells."""
    rows = listed(api, "/contacts", "contacts", query={"filter_by": "Status.Inactive"}, most_pages=_PAGES_OF_INACTIVE)
    return {"inactive": {str(row["contact_id"]) async for row in rows}}


_READ: Mapping[str, Callable[[Api], Awaitable[Mapping[str, Any]]]] = {
    CURRENCIES: _currencies, TAXES: _taxes, ITEMS: _items, "fields": _fields, "inactive": _inactive,
}  # fmt: skip
PARTS = frozenset(_READ)


async def _group(api: Api, id: str) -> tuple[TaxPart, ...]:
    answer = await api.call(Call("GET", "/settings/taxgroups/{id}", "taxgroups.read", path={"id": id}))
    with reading(answer):
        return tuple(map(_tax, wire.body_of(answer.body)["tax_group"]["taxes"]))


async def _unique(api: Api, module: str, names: tuple[str, ...]) -> Mapping[str, UniqueField]:
    """Those of these fields that take no value twice; none where the vendor does not show its fields."""
    try:
        query = {"entity": module, "filter_custom_fields": "true"}
        rows = [row async for row in listed(api, "/settings/fields", "fields", query=query)]
    except Failure as refusal:
        if refusal.code not in NO_LIST:
            raise
        return {}
    there = {str(row["api_name"]): row for row in rows if row.get("is_unique")}
    return {one: UniqueField(one, str(there[one].get("label") or one)) for one in names if one in there}


def _tax(row: Mapping[str, Any]) -> TaxPart:
    return TaxPart(str(row["tax_name"]), Decimal(wire.amount(row["tax_percentage"]) or "0"))
