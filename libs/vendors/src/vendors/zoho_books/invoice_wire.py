"""Invoices and payments as Books takes and shows them: requests from our content, and content from its answers, amounts exact both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from vendors.acts import Act
from vendors.target_record import TargetRecord
from vendors.zoho_books import wire
from vendors.zoho_books.invoice_paths import ADJUSTMENT, BALANCE, CONTENT, DOUBLE, PAYMENT, STATUS
from vendors.zoho_books.invoicing import text
from vendors.zoho_books.organisation_facts import UniqueField

_NUMBERS = frozenset(
    {"rate", "quantity", "discount", "exchange_rate", "amount", "amount_applied", "tax_percentage", ADJUSTMENT}
)
_LINE = ("name", "rate", "quantity", "discount", "tax_id", "item_id")
# The mode by the gateway's own word; what is not here is named as it is.
_MODES = {
    "cash": "cash",
    "paypal": "paypal",
    "shopify_payments": "creditcard",
    "bogus": "creditcard",
    "bank_deposit": "banktransfer",
}


def request(act: Act) -> Any:
    """The body of a create, of a revision or of an adjustment; what it does not mention stays."""
    body: dict[str, Any] = {}
    content = act.values.get(CONTENT)
    if content is not None:
        body = {name: value for name, value in content.items() if name not in ("key_field", "key")}
        if content["key_field"]:
            body["custom_fields"] = [{"api_name": content["key_field"], "value": content["key"]}]
    adjustment = act.values[ADJUSTMENT]
    body |= {ADJUSTMENT: adjustment, "adjustment_description": "Rounding" if Decimal(adjustment) else ""}
    return exact({"discount_type": "item_level", "is_discount_before_tax": True, **body} if content else body)


def payment_request(act: Act, unique: UniqueField | None) -> Any:
    """One payment for one invoice; the reference is the shop's own id of the transaction."""
    (path, told), content = payment_of(act), act.memory[CONTENT]
    id = path.removeprefix(PAYMENT)
    body = {
        "customer_id": content["customer_id"], "payment_mode": mode_of(told["mode"]), "amount": told["amount"],
        "date": told["date"], "reference_number": id,
        "invoices": [{"invoice_id": act.memory["id"], "amount_applied": told["amount"]}],
        **({"exchange_rate": content["exchange_rate"]} if "exchange_rate" in content else {}),
        **({"custom_fields": [{"api_name": unique.name, "value": id}]} if unique else {}),
    }  # fmt: skip
    return exact(body)


def mode_of(gateway: str) -> str:
    return _MODES.get(gateway, gateway)


def payment_of(act: Act) -> tuple[str, Mapping[str, str]]:
    return next((path, told) for path, told in act.values.items() if path.startswith(PAYMENT))


def seen(found: Mapping[str, Any], payments: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """What an invoice of Books is, by path; `payments` are the rows of its own list of them."""
    return {
        CONTENT: _content(found), ADJUSTMENT: amount_of(found, "adjustment"), STATUS: str(found["status"]),
        "total": amount_of(found, "total"), "tax": amount_of(found, "tax_total"), BALANCE: amount_of(found, "balance"),
        **_payments(payments),
    }  # fmt: skip


def _payments(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """By their references; one without is a person's, and so may be one with."""
    told: dict[str, Any] = {}
    for row in rows:
        reference = wire.text(row.get("reference_number")) or f"by hand {row['payment_id']}"
        told[PAYMENT + reference] = {
            "amount": amount_of(row, "amount"),
            "mode": str(row["payment_mode"]),
            "date": str(row["date"]),
        }
    return told


def has_key(found: Mapping[str, Any], key: str) -> bool:
    """Whether an invoice carries our key: in a field of its own, or behind the order's name."""
    custom = wire.custom_values(found) or {}
    return key in custom.values() or str(found.get("reference_number") or "").endswith(f"({key})")


def shown(
    found: Mapping[str, Any], payments: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]] = ()
) -> TargetRecord:
    """`others` are further invoices with the same key."""
    doubles = {DOUBLE + str(one["invoice_id"]): _double(one) for one in others}
    told = {**seen(found, payments), **doubles, **({"number": str(found["invoice_number"])} if doubles else {})}
    return TargetRecord(exists=True, met=True, id=str(found["invoice_id"]), seen=told, stamp=wire.stamp(found))


def _double(found: Mapping[str, Any]) -> dict[str, Any]:
    is_open = amount_of(found, "balance") == amount_of(found, "total")
    return {
        "number": str(found["invoice_number"]),
        STATUS: str(found["status"]),
        "open": is_open,
        CONTENT: _content(found),
    }


def _content(found: Mapping[str, Any]) -> dict[str, Any]:
    """In the form in which we send it; what Books spells otherwise is told apart by what it made of ours (R18)."""
    custom = {name: value for name, value in (wire.custom_values(found) or {}).items() if value}
    return {
        "customer_id": str(found["customer_id"]), "currency_id": str(found["currency_id"]), "exchange_rate": amount_of(found, "exchange_rate"),
        "date": str(found["date"]), "reference_number": str(found["reference_number"]), "is_inclusive_tax": bool(found["is_inclusive_tax"]),
        "line_items": [_line(line) for line in found["line_items"]], "shipping_charge": amount_of(found, "shipping_charge"),
        "shipping_charge_tax_id": str(found.get("shipping_charge_tax_id") or ""), "custom": custom,
    }  # fmt: skip


def _line(line: Mapping[str, Any]) -> dict[str, str]:
    told = {name: wire.text(line.get(name)) or "" for name in _LINE}
    return {
        name: text(Decimal(value)) if name in _NUMBERS and _is_number(value) else value for name, value in told.items()
    }


def amount_of(found: Mapping[str, Any], name: str) -> str:
    return text(Decimal(wire.amount(found.get(name)) or "0"))


def _is_number(value: str) -> bool:
    return wire.amount(value) is not None


def exact(value: Any, name: str = "") -> Any:
    """Amounts as the digits that they are: a float has lost the cent before anybody adds it up."""
    if isinstance(value, dict):
        return {key: exact(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [exact(part) for part in value]
    return orjson.Fragment(value.encode()) if name in _NUMBERS else value
