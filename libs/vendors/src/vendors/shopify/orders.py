"""An order in neutral words, from a webhook or from the API: our queries ask under the names that webhooks use (`queries.py`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vendors.shopify.people import address
from vendors.shopify.queries import ORDER_PAGES, REFUND_PAGES
from vendors.shopify.wire import Values, flag, number, pair, rows, text, when, word

_SUMS = {
    "subtotal_price": "subtotal", "total_discounts": "discount", "total_shipping_price": "shipping", "total_tax": "tax",
    "original_total_duties": "duties", "total_tip_received": "tips", "total_price": "total", "current_subtotal_price": "current_subtotal",
    "current_total_tax": "current_tax", "current_total_price": "current_total", "total_received": "received",
    "total_outstanding": "outstanding", "total_refunded": "refunded", "total_cash_rounding_payment_adjustment": "cash_rounding",
}  # fmt: skip
_KINDS = frozenset({"authorization", "sale", "capture", "void", "refund", "change"})
_STATUSES = {
    "success": "success",
    "pending": "pending",
    "awaiting_response": "pending",
    "failure": "failure",
    "error": "error",
}


class Thin(Exception):
    """What came is right and tells too little: the record has to be read."""


def order(found: Values) -> dict[str, Any]:
    """What this object tells. A sum that is not in it is not told; an order's money is told whole or not at all."""
    parsed: dict[str, Any] = {
        "id": number(found.get("id")),
        "number": text(found.get("name")),
        "email": text(found.get("email")),
        "phone": text(found.get("phone")),
        "note": text(found.get("note")),
        "currency": text(found.get("currency")),
        "presentment_currency": text(found.get("presentment_currency")),
        "placed_at": when(found, "processed_at"),
        "cancelled_at": when(found, "cancelled_at"),
        "cancel_reason": word(found.get("cancel_reason")),
        "closed_at": when(found, "closed_at"),
        "financial_status": word(found.get("financial_status")),
        "fulfilment_status": _fulfilment(found.get("fulfillment_status")),
        "test": flag(found.get("test")),
        "source_name": text(found.get("source_name")),
        "taxes_included": flag(found.get("taxes_included")),
        "customer_id": number((found.get("customer") or {}).get("id")),
        "billing": address(found.get("billing_address")),
        "delivery": address(found.get("shipping_address")),
        "lines": [_line(one) for one in rows(found["line_items"])],
        "shipping_lines": [_shipping(one) for one in rows(found["shipping_lines"])],
        "taxes": _taxes(found),
        "updated_at": when(found, "updated_at"),
    }
    parsed |= {ours: told for theirs, ours in _SUMS.items() if (told := pair(found, theirs)) is not None}
    if "tips" not in parsed and "total_tip_received" in found:
        parsed |= _tips(found)
    if "transactions" in found:
        parsed["transactions"] = [_transaction(one, found) for one in rows(found["transactions"])]
    if "refunds" in found:
        parsed["refunds"] = [_refund(one, found) for one in rows(found["refunds"])]
    return parsed


# What webhooks do not tell, or tell in one currency.
_REST = ("total_tip_received", "total_received", "total_outstanding", "total_refunded")


def rest(found: Values) -> dict[str, Any]:
    """What the API tells of an order and its webhooks do not."""
    sums = {_SUMS[theirs]: both for theirs in _REST if (both := pair(found, theirs)) is not None}
    return {**sums, "transactions": [_transaction(one, found) for one in rows(found["transactions"])]}


def is_cut(found: Values) -> bool:
    """Whether a list of the order did not fit into the answer: an order with some of its lines is no order."""
    inside = [one.get(name) for one in rows(found.get("refunds")) for name in REFUND_PAGES]
    lists = [*(found.get(name) for name in ORDER_PAGES), *inside]
    return any(isinstance(one, dict) and one.get("pageInfo", {}).get("hasNextPage") is not False for one in lists)


def with_rounding(found: Any) -> Any:
    """The rounding lies one level deeper in the API than in webhooks."""
    if not isinstance(found, dict) or not isinstance(found.get("rounding"), dict):
        return found
    return found | {"total_cash_rounding_payment_adjustment_set": found["rounding"].get("payment_set")}


def _tips(found: Values) -> dict[str, Any]:
    """A webhook tells the tip once, in the buyer's money: where there is one in another currency, it takes a read to know both."""
    tip = text(found.get("total_tip_received")) or "0"
    if _is_zero(tip) or _one_currency(found):
        return {"tips": {"shop": tip, "presentment": tip}}
    raise Thin


def _fulfilment(value: Any) -> str:
    """Webhooks say nothing where nothing was sent, and have a shorter word for a part."""
    found = word(value) or "unfulfilled"
    return "partially_fulfilled" if found == "partial" else found


def _is_zero(amount: str) -> bool:
    return not amount.strip("0.-")


def _one_currency(found: Values) -> bool:
    return found.get("currency") == found.get("presentment_currency")


def _taxes(found: Values) -> list[dict[str, Any]]:
    return [
        {
            "title": text(one.get("title")),
            "rate": text(one.get("rate")),
            "amount": pair(one, "price"),
            "channel_liable": flag(one.get("channel_liable")),
        }
        for one in rows(found.get("tax_lines"))
    ]


def _discounts(found: Values) -> list[dict[str, str] | None]:
    """Allocations, never the line's own total: discounts of the whole order are in the one and not in the other."""
    return [pair(one, "amount") for one in rows(found.get("discount_allocations"))]


def _line(one: Values) -> dict[str, Any]:
    duties = [pair(each, "price") for each in rows(one.get("duties"))]
    return {
        "id": number(one.get("id")),
        "sku": text(one.get("sku")),
        "title": text(one.get("title")),
        "variant": text(one.get("variant_title")),
        "product_id": number(one.get("product_id") or (one.get("product") or {}).get("id")),
        "variant_id": number(one.get("variant_id") or (one.get("variant") or {}).get("id")),
        "quantity": one["quantity"],
        "current_quantity": one.get("current_quantity"),
        "price": pair(one, "price"),
        "discounts": _discounts(one),
        "taxes": _taxes(one),
        "duties": added(duties) if duties else None,
        "taxable": flag(one.get("taxable")),
        "gift_card": flag(one.get("gift_card")),
        "requires_shipping": flag(one.get("requires_shipping")),
    }


def added(amounts: list[dict[str, str] | None]) -> dict[str, str]:
    """A sum, each side for itself, in exact decimals."""
    known = [one for one in amounts if one]
    return {side: format(sum(Decimal(one[side]) for one in known), "f") for side in ("shop", "presentment")}


def _shipping(one: Values) -> dict[str, Any]:
    return {
        "id": number(one.get("id")) or "",
        "title": text(one.get("title")),
        "code": text(one.get("code")),
        "price": pair(one, "price"),
        "discounts": _discounts(one),
        "taxes": _taxes(one),
        "removed": flag(one.get("is_removed")),
    }


def _transaction(one: Values, found: Values) -> dict[str, Any]:
    kind = word(one.get("kind")) or "other"
    return {
        "id": number(one.get("id")),
        "parent_id": number(one.get("parent_id") or (one.get("parent") or {}).get("id")),
        "kind": kind if kind in _KINDS else "other",
        "status": _STATUSES.get(word(one.get("status")) or "", "unknown"),
        "gateway": text(one.get("gateway")),
        "amount": pair(one, "amount") or _once(one, found),
        "processed_at": when(one, "processed_at"),
        "test": flag(one.get("test")),
    }


def _once(one: Values, found: Values) -> dict[str, str]:
    """Webhooks tell what moved in the buyer's money alone."""
    if not _one_currency(found):
        raise Thin
    return {"shop": str(one["amount"]), "presentment": str(one["amount"])}


def _refund(one: Values, found: Values) -> dict[str, Any]:
    duties = [pair(each, "amount") for each in rows(one.get("duties"))]
    return {
        "id": number(one.get("id")),
        "created_at": when(one, "created_at"),
        "processed_at": when(one, "processed_at"),
        "note": text(one.get("note")),
        "lines": [_line_back(each) for each in rows(one.get("refund_line_items"))],
        "shipping": [
            {
                "shipping_id": number((each.get("shipping_line") or {}).get("id")),
                "subtotal": pair(each, "subtotal_amount"),
                "tax": pair(each, "tax_amount"),
            }
            for each in rows(one.get("refund_shipping_lines"))
        ],
        "adjustments": [
            {"kind": word(each.get("kind")), "reason": word(each.get("reason")), "amount": pair(each, "amount"), "tax": pair(each, "tax_amount")}
            for each in rows(one.get("order_adjustments"))
        ],
        "duties": added(duties) if duties else None,
        "total": pair(one, "total_refunded"),
        "transactions": [_transaction(each, found) for each in rows(one.get("transactions"))],
    }  # fmt: skip


def _line_back(each: Values) -> dict[str, Any]:
    return {
        "line_id": number(each.get("line_item_id") or (each.get("line_item") or {}).get("id")),
        "quantity": each["quantity"],
        "restock": word(each.get("restock_type")),
        "subtotal": pair(each, "subtotal"),
        "tax": pair(each, "total_tax"),
    }
