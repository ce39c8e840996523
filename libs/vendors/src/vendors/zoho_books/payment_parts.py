"""A payment of a customer, by the invoices that it pays: each share is a record for itself, called by both ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.contracts.ids import Entity, RecordId
from vendors.catalogue import CatalogueField
from vendors.feeds import PartRecords

_FIELDS = (
    CatalogueField("payment_id", "Payment", "text"),
    CatalogueField("invoice_id", "Invoice", "text"),
    CatalogueField("customer_id", "Customer", "text"),
    CatalogueField("amount", "Amount applied to the invoice", "money"),
    CatalogueField("currency", "Currency", "text", max_length=3),
    CatalogueField("paid_on", "Payment Date", "date"),
    CatalogueField("method", "Payment Mode", "text"),
    CatalogueField("reference", "Reference Number", "text"),
)
_OF_PAYMENT = ("customer_id", "currency", "paid_on", "method", "reference")


def _shares(payment: RecordId, fields: Mapping[str, Any]) -> Mapping[RecordId, Mapping[str, Any]]:
    """None as long as nobody has told what it pays."""
    applied, common = fields.get("invoices"), {name: fields.get(name) for name in _OF_PAYMENT}
    return {
        RecordId(f"{payment}-{invoice}"): {"payment_id": payment, "invoice_id": invoice, "amount": amount, **common}
        for invoice, amount in (applied or {}).items()
    }


SHARES = PartRecords(
    Entity("invoice_payment"), "Payments, by the invoices that they pay", _shares, _FIELDS, frozenset({"invoices"})
)
