"""Every field of an order that a mapping fills is one that the invoice is made of, and none that it is made of is missing."""

from __future__ import annotations

from common.contracts.orders import Order
from vendors.zoho_books.invoice_fields import FIELDS

OURS = {"key", "customer", "post", "mark_sent", "refund", "missing_item", "unknown_tax", "inactive_customer"}
# Of an order, what no invoice is made of.
NOT_WRITTEN = {
    "id", "phone", "note", "cancel_reason", "closed_at", "financial_status", "source_name", "current_subtotal",
    "current_tax", "current_total", "received", "outstanding", "refunded", "billing", "delivery", "custom", "updated_at",
}  # fmt: skip


class TestFields:
    def test_are_those_of_an_order(self) -> None:
        assert {one.path for one in FIELDS} == OURS | (set(Order.model_fields) - NOT_WRITTEN)
