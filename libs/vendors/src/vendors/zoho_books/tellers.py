"""What contacts, invoices and payments say, in neutral words: each has something that a table of columns cannot tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vendors.zoho_books import contact_persons, wire

_ADDRESS = {
    "attention": "attention", "address": "street", "street2": "street2", "city": "city", "state": "state", "zip": "zip",
    "country": "country", "phone": "phone",
}  # fmt: skip
_CONTACT = {
    "contact_id": "id", "contact_name": "name", "company_name": "company", "first_name": "first_name", "last_name": "last_name", "email": "email",
    "phone": "phone", "mobile": "mobile", "website": "website", "status": "status", "currency_code": "currency",
    "zcrm_account_id": "crm_account_id", "zcrm_contact_id": "crm_contact_id",
}  # fmt: skip
_INVOICE = {
    "invoice_id": "id", "invoice_number": "number", "customer_id": "customer_id", "status": "status", "currency_code": "currency",
    "exchange_rate": "exchange_rate", "date": "issued_on", "due_date": "due_on", "sub_total": "subtotal", "tax_total": "tax",
    "shipping_charge": "shipping", "adjustment": "adjustment", "total": "total", "balance": "balance",
    "zcrm_potential_id": "deal_id",
}  # fmt: skip
_PAYMENT = {
    "customer_id": "customer_id", "amount": "amount", "currency_code": "currency", "date": "paid_on", "payment_mode": "method",
    "reference_number": "reference",
}  # fmt: skip


def customer(found: Mapping[str, Any]) -> dict[str, Any]:
    """A contact, be it a customer or a supplier."""
    parsed = wire.renamed(found, _CONTACT)
    parsed |= _primary_person(found, parsed)
    if isinstance(found.get("contact_persons"), list):
        parsed["persons"] = contact_persons.told(found)
    if "is_linked_with_zohocrm" in found:
        parsed["kept_by_own_sync"] = found["is_linked_with_zohocrm"] in (True, "true")
    if "customer_sub_type" in found:
        kind = wire.text(found["customer_sub_type"])
        parsed["kind"] = kind if kind in ("business", "individual") else None
    if "outstanding_receivable_amount" in found:
        parsed["outstanding"] = wire.amount(found["outstanding_receivable_amount"])
    for theirs, ours in (("billing_address", "billing"), ("shipping_address", "shipping")):
        if isinstance(found.get(theirs), dict):
            parsed[ours] = wire.renamed(found[theirs], _ADDRESS)
    if (created := wire.stamp(found, "created_time")) is not None:
        parsed["created_at"] = created.isoformat()
    if (custom := wire.custom_values(found)) is not None:
        parsed["custom"] = custom
    if isinstance(found.get("tags"), list):
        parsed["tags"] = [
            t["tag_option_name"] for t in found["tags"] if isinstance(t, dict) and wire.text(t.get("tag_option_name"))
        ]
    return parsed


def _primary_person(found: Mapping[str, Any], parsed: Mapping[str, Any]) -> dict[str, Any]:
    """A webhook may tell the address only inside the primary contact person."""
    people = [p for p in found.get("contact_persons") or () if isinstance(p, dict)]
    primary = next((p for p in people if p.get("is_primary_contact")), None)
    if primary is None:
        return {}
    names = ("email", "first_name", "last_name", "phone", "mobile")
    return {name: wire.text(primary[name]) for name in names if name not in parsed and name in primary}


def invoice(found: Mapping[str, Any]) -> dict[str, Any]:
    """An invoice."""
    parsed = wire.renamed(found, _INVOICE)
    for name in ("exchange_rate", "subtotal", "tax", "shipping", "adjustment", "total", "balance"):
        if name in parsed:
            parsed[name] = wire.amount(parsed[name])
    if parsed.get("status") not in ("draft", "sent", "unpaid", "overdue", "partially_paid", "paid", "void", None):
        # `viewed` is `sent` that somebody opened; a word we do not know yet must not stop the record.
        parsed["status"] = "sent"
    if isinstance(found.get("line_items"), list):
        parsed["lines"] = lines(found["line_items"])
    if (custom := wire.custom_values(found)) is not None:
        parsed["custom"] = custom
    return parsed


def lines(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The lines of a document."""
    return [_line(row) for row in rows if isinstance(row, dict)]


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sku": wire.text(row.get("sku")),
        "name": wire.text(row.get("name")),
        "quantity": wire.amount(row.get("quantity")) or "0",
        "rate": wire.amount(row.get("rate")) or "0",
        "total": wire.amount(row.get("item_total")),
    }


def payment(found: Mapping[str, Any]) -> dict[str, Any]:
    """A payment of a customer."""
    parsed = wire.renamed(found, _PAYMENT)
    if "amount" in parsed:
        parsed["amount"] = wire.amount(parsed["amount"])
    if isinstance(found.get("invoices"), list):
        parsed["invoices"] = applied(found["invoices"], "invoice_id")
    if (custom := wire.custom_values(found)) is not None:
        parsed["custom"] = custom
    return parsed


def applied(rows: Iterable[Any], id_name: str) -> dict[str, str]:
    """What a payment pays, by the ids of it."""
    return {
        str(row[id_name]): wire.amount(row.get("amount_applied")) or "0"
        for row in rows
        if isinstance(row, dict) and row.get(id_name)
    }
