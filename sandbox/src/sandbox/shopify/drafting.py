"""Draft orders: made, and completed into orders."""

from __future__ import annotations

from decimal import Decimal

from sandbox.shopify import telling
from sandbox.shopify.call import Call, Document, Refusal, number_of
from sandbox.shopify.draft import Draft
from sandbox.shopify.money import Currencies, total
from sandbox.shopify.selling import placed
from sandbox.shopify.stamps import Stamps


def drafted(call: Call, given: Document) -> Draft:
    currencies = Currencies(call.shop.currency_code, call.shop.currency_code)
    rows = given.get("line_items") or []
    if not rows:
        raise Refusal("Add at least 1 product", "lineItems")
    if any(row["quantity"] < 1 for row in rows):
        raise Refusal("Quantity must be greater than 0", "lineItems", "quantity")
    lines = [line_of(row, call.shop.currency_code) for row in rows]
    worth = [currencies.bag(row["price_set"]["shop_money"]["amount"] * row["quantity"]) for row in lines]
    stamps, number = Stamps(), call.shop.new_id()
    stamps.touch(call.now)
    customer = call.customer(given["customer_id"], "customerId") if given.get("customer_id") else None
    draft = Draft(
        number,
        f"#D{len(call.shop.drafts) + 1}",
        stamps,
        currencies.shop,
        total(worth, currencies.zero),
        lines,
        customer,
        given.get("email"),
    )
    call.shop.drafts[number] = draft
    call.note("draft_order", number, "create")
    call.tell("DRAFT_ORDERS_CREATE", body_of(draft))
    return draft


def line_of(row: Document, currency: str) -> Document:
    money = {"amount": row.get("original_unit_price") or Decimal(0), "currency_code": currency}
    return {**row, "price_set": {"shop_money": money}}


def completed(call: Call, given: str, *, pending: bool) -> Draft:
    draft = call.shop.drafts.get(number_of(given, "DraftOrder"))
    if draft is None or draft.status == "COMPLETED":
        raise Refusal("This order has already been paid" if draft else "Draft order does not exist", "id")
    wish: Document = {"line_items": draft.lines, "email": draft.email, "source_name": "shopify_draft_order"}
    wish["customer_id"] = draft.customer.id if draft.customer else None
    order = placed(call, {**wish, "financial_status": None if pending else "PAID"})
    draft.status, draft.order = "COMPLETED", order
    draft.stamps.touch(call.now)
    telling.order_created(call, order)
    call.note("draft_order", draft.legacy_resource_id, "update")
    call.tell("DRAFT_ORDERS_UPDATE", body_of(draft))
    return draft


def body_of(draft: Draft) -> Document:
    return {
        "id": draft.legacy_resource_id,
        "admin_graphql_api_id": draft.id,
        "name": draft.name,
        "status": draft.status.lower(),
        "email": draft.email,
        "currency": draft.currency_code,
        "total_price": draft.total_price_set.shop_money.amount,
        "order_id": draft.order.legacy_resource_id if draft.order else None,
    }
