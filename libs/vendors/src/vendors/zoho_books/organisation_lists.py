"""Reads what has to be known of an organisation: its currencies, taxes and groups of taxes, its items, and which custom fields are unique.

Lists only, and one call for each group of taxes: the list of taxes does not say what a group is made of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

from common.failures import Failure
from common.http.call import Api, Call
from vendors.answers import reading
from vendors.zoho_books import wire
from vendors.zoho_books.custom_fields import NO_LIST
from vendors.zoho_books.listing import PER_PAGE
from vendors.zoho_books.organisation_facts import OrganisationFacts, TaxPart, UniqueField

# The field that takes our key, by the names under which it may have been made; a person makes it in the web application.
_KEY_FIELDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "invoice": ("invoice", ("cf_shopify_order_id", "cf_external_id")),
    "payment": ("customer_payment", ("cf_shopify_transaction_id", "cf_external_id")),
}
_MOST_PAGES = 250


async def read_facts(api: Api) -> OrganisationFacts:
    currencies = [row async for row in _rows(api, "/settings/currencies", "currencies")]
    taxes = [row async for row in _rows(api, "/settings/taxes", "taxes")]
    groups = [str(row["tax_id"]) for row in taxes if row.get("tax_type") == "tax_group"]
    return OrganisationFacts(
        base=next((str(row["currency_code"]) for row in currencies if row.get("is_base_currency")), ""),
        currencies={str(row["currency_code"]): str(row["currency_id"]) for row in currencies},
        taxes={str(row["tax_id"]): _tax(row) for row in taxes if row.get("tax_type") != "tax_group"},
        groups={id: await _group(api, id) for id in groups},
        items=await _items(api),
        unique={
            module: field for module, (theirs, names) in _KEY_FIELDS.items() if (field := await _unique(api, theirs, names)) is not None
        },
    )  # fmt: skip


async def _items(api: Api) -> dict[str, str]:
    """No filter by SKU exists, so the list is read whole; of two items with one SKU the first counts."""
    found: dict[str, str] = {}
    async for row in _rows(api, "/items", "items", filter_by="Status.Active"):
        sku = (wire.text(row.get("sku")) or "").casefold()
        if sku:
            found.setdefault(sku, str(row["item_id"]))
    return found


async def _group(api: Api, id: str) -> tuple[TaxPart, ...]:
    answer = await api.call(Call("GET", "/settings/taxgroups/{id}", "taxgroups.read", path={"id": id}))
    with reading(answer):
        return tuple(map(_tax, wire.body_of(answer.body)["tax_group"]["taxes"]))


async def _unique(api: Api, module: str, names: tuple[str, ...]) -> UniqueField | None:
    """The first of these fields that takes no value twice; none where the vendor does not show its fields."""
    try:
        rows = [
            row async for row in _rows(api, "/settings/fields", "fields", entity=module, filter_custom_fields="true")
        ]
    except Failure as refusal:
        if refusal.code not in NO_LIST:
            raise
        return None
    there = {str(row["api_name"]): row for row in rows if row.get("is_unique")}
    name = next((one for one in names if one in there), "")
    return UniqueField(name, str(there[name].get("label") or name)) if name else None


def _tax(row: Mapping[str, Any]) -> TaxPart:
    return TaxPart(str(row["tax_name"]), Decimal(wire.amount(row["tax_percentage"]) or "0"))


async def _rows(api: Api, path: str, key: str, **query: str) -> AsyncIterator[Mapping[str, Any]]:
    for page in range(1, _MOST_PAGES + 1):
        chosen = {"page": str(page), "per_page": str(PER_PAGE), **query}
        answer = await api.call(Call("GET", path, f"{key}.list", query=chosen))
        with reading(answer):
            body = wire.body_of(answer.body)
            rows, more = list(body[key]), bool((body.get("page_context") or {}).get("has_more_page"))
        for row in rows:
            yield row
        if not more:
            return
