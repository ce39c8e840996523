"""The fields that every shop's records have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from common.contracts.ids import Entity
from vendors.catalogue import CatalogueField, FieldCatalogue, FieldType

_PARTS = ("street", "city", "zip", "country")
_SUMS = (
    "subtotal", "discount", "shipping", "tax", "duties", "tips", "cash_rounding", "total", "current_subtotal", "current_tax",
    "current_total", "received", "outstanding", "refunded",
)  # fmt: skip
_IN_LISTS = frozenset({"id", "updated_at"})
_ORDER: tuple[tuple[str, str, FieldType], ...] = (
    ("id", "Order id", "text"),
    ("number", "Order", "text"),
    ("customer_id", "Customer", "text"),
    ("email", "Email", "email"),
    ("phone", "Phone", "phone"),
    ("note", "Note", "text"),
    ("currency", "Currency of the shop", "text"),
    ("presentment_currency", "Currency of the buyer", "text"),
    ("placed_at", "Processed at", "datetime"),
    ("cancelled_at", "Cancelled at", "datetime"),
    ("cancel_reason", "Cancel reason", "text"),
    ("closed_at", "Closed at", "datetime"),
    ("financial_status", "Payment status", "text"),
    ("fulfilment_status", "Fulfillment status", "text"),
    ("test", "Test order", "boolean"),
    ("source_name", "Channel", "text"),
    ("taxes_included", "Prices include tax", "boolean"),
    ("updated_at", "Updated at", "datetime"),
)
_LISTS: tuple[tuple[str, str, FieldType], ...] = (
    ("lines", "Lines", "parts"),
    ("shipping_lines", "Deliveries", "parts"),
    ("taxes", "Taxes", "parts"),
    ("transactions", "Transactions", "parts"),
    ("refunds", "Refunds", "parts"),
)
_CUSTOMER: tuple[tuple[str, str, FieldType], ...] = (
    ("id", "Customer id", "text"),
    ("email", "Email", "email"),
    ("name", "Name", "text"),
    ("first_name", "First name", "text"),
    ("last_name", "Last name", "text"),
    ("company", "Company", "text"),
    ("phone", "Phone", "phone"),
    ("tags", "Tags", "tags"),
    ("created_at", "Created at", "datetime"),
    ("updated_at", "Updated at", "datetime"),
)


def _plain(rows: tuple[tuple[str, str, FieldType], ...]) -> tuple[CatalogueField, ...]:
    return tuple(CatalogueField(path, label, kind, writable=False) for path, label, kind in rows)


def _address(path: str, label: str) -> CatalogueField:
    return CatalogueField(path, label, "address", parts=_PARTS, writable=False)


_MONEY = tuple(
    CatalogueField(f"{path}.{side}", f"{path.replace('_', ' ').capitalize()} ({side})", "money", writable=False)
    for path in _SUMS
    for side in ("shop", "presentment")
)
_ORDERS = tuple(
    replace(one, in_list=one.path in _IN_LISTS)
    for one in (
        *_plain(_ORDER), *_plain(_LISTS), *_MONEY, _address("billing", "Billing address"), _address("delivery", "Shipping address"),
    )
)  # fmt: skip
BEYOND_LISTS = frozenset(one.path.partition(".")[0] for one in _ORDERS) - _IN_LISTS
CATALOGUES: Mapping[Entity, FieldCatalogue] = {
    Entity("order"): FieldCatalogue(_ORDERS),
    Entity("customer"): FieldCatalogue((*_plain(_CUSTOMER), _address("billing", "Default address"))),
}
