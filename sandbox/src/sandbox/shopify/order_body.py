"""An order as webhooks carry it (sheet, section 3.4)."""

from __future__ import annotations

from sandbox.shopify import bodies
from sandbox.shopify.bodies import both, moment, only_set
from sandbox.shopify.call import Document
from sandbox.shopify.money import total
from sandbox.shopify.order import Order
from sandbox.shopify.parts import DiscountApplication

FULFILLED = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial", "RESTOCKED": "restocked"}


def order(found: Order) -> Document:
    return identity(found) | times(found) | money(found) | lists(found) | people(found)


def identity(found: Order) -> Document:
    return {
        "id": found.legacy_resource_id,
        "admin_graphql_api_id": found.id,
        "name": found.name,
        "number": found.number - 1000,
        "order_number": found.number,
        "confirmation_number": found.confirmation_number,
        "token": f"{found.legacy_resource_id:032x}",
        "app_id": found.app_id,
        "source_name": found.source_name,
        "source_identifier": found.source_identifier,
        "po_number": found.po_number,
        "test": found.test,
        "confirmed": found.confirmed,
        "user_id": None,
        "location_id": None,
        "note": found.note,
        "tags": ", ".join(found.tags),
        "currency": found.currency_code,
        "presentment_currency": found.presentment_currency_code,
        "taxes_included": found.taxes_included,
        "tax_exempt": found.tax_exempt,
        "estimated_taxes": found.estimated_taxes,
        "duties_included": found.duties_included,
        "financial_status": found.display_financial_status.lower(),
        "fulfillment_status": FULFILLED.get(found.display_fulfillment_status),
        "cancel_reason": found.cancel_reason.lower() if found.cancel_reason else None,
    }


def times(found: Order) -> Document:
    names = ("created_at", "updated_at", "processed_at", "closed_at", "cancelled_at")
    return {name: moment(getattr(found, name)) for name in names}


def money(found: Order) -> Document:
    rounding = found.total_cash_rounding_adjustment
    return {
        **both("total_price", found.total_price_set),
        **both("subtotal_price", found.subtotal_price_set),
        **both("total_tax", found.total_tax_set),
        **both("total_discounts", found.total_discounts_set),
        **both("total_line_items_price", found.total_line_items_price_set),
        "total_outstanding": found.total_outstanding_set.shop_money.amount,
        **only_set("total_shipping_price", found.total_shipping_price_set),
        "total_tip_received": found.total_tip_received_set.presentment_money.amount,
        **both("current_total_price", found.current_total_price_set),
        **both("current_subtotal_price", found.current_subtotal_price_set),
        **both("current_total_tax", found.current_total_tax_set),
        **both("current_total_discounts", found.current_total_discounts_set),
        **only_set("current_shipping_price", found.current_shipping_price_set),
        **only_set("current_total_duties", found.current_total_duties_set),
        **only_set("original_total_duties", found.original_total_duties_set),
        **only_set("total_cash_rounding_payment_adjustment", rounding.payment_set),
        **only_set("total_cash_rounding_refund_adjustment", rounding.refund_set),
    }


def lists(found: Order) -> Document:
    codes = [one for one in found.discount_applications if one.kind == "code"]
    return {
        "line_items": [bodies.line(one) for one in found.line_items],
        "shipping_lines": [bodies.shipping(one) for one in found.shipping_rows],
        "tax_lines": [bodies.tax(one) for one in found.tax_lines],
        "discount_applications": [application(one) for one in found.discount_applications],
        "discount_codes": [{"code": one.code, "amount": taken(found, one), "type": kind(one)} for one in codes],
        "refunds": [bodies.refund(one) for one in found.returned],
        "returns": [],
        "fulfillments": [{"id": one.number, "name": one.name, "status": one.status.lower()} for one in found.parcels],
        "note_attributes": [{"name": one.key, "value": one.value} for one in found.custom_attributes],
        "payment_gateway_names": found.payment_gateway_names,
        "payment_terms": None,
    }


def people(found: Order) -> Document:
    customer = found.customer
    return {
        "email": found.email or "",
        "contact_email": found.email,
        "phone": found.phone,
        "customer": bodies.customer(customer, found.currency_code) if customer else None,
        "billing_address": bodies.address(found.billing_address),
        "shipping_address": bodies.address(found.shipping_address),
    }


def application(one: DiscountApplication) -> Document:
    value = str(one.percent) if one.percent is not None else one.fixed.presentment_money.amount if one.fixed else "0"
    named = {"code": one.code} if one.kind == "code" else {"title": one.title}
    return {
        "type": {"code": "discount_code"}.get(one.kind, one.kind),
        "value": value,
        "value_type": "percentage" if one.percent is not None else "fixed_amount",
        "allocation_method": one.allocation_method.lower(),
        "target_selection": one.target_selection.lower(),
        "target_type": one.target_type.lower(),
        **named,
    }


def kind(one: DiscountApplication) -> str:
    if one.target_type == "SHIPPING_LINE":
        return "shipping"
    return "percentage" if one.percent is not None else "fixed_amount"


def taken(found: Order, application: DiscountApplication) -> str:
    of_lines = [each for row in found.line_items for each in row.discount_allocations]
    of_shipping = [each for row in found.shipping_rows for each in row.discount_allocations]
    shares = [each for each in of_lines + of_shipping if each.discount_application is application]
    return total((each.allocated_amount_set for each in shares), found.zero).shop_money.amount
