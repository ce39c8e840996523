"""Records as webhooks carry them: the older, REST-like form in snake case (sheet, sections 3.3 and 3.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.shopify.call import Document
from sandbox.shopify.customer import Address, Customer
from sandbox.shopify.money import Bag
from sandbox.shopify.movements import Refund, Sale, Transaction
from sandbox.shopify.parts import DiscountAllocation, LineItem, ShippingLine, TaxLine
from sandbox.shopify.shop import Shop


def moment(value: datetime | None) -> str | None:
    """With an offset, as the vendor writes it."""
    return value.isoformat(timespec="seconds") if value else None


def pair(bag: Bag) -> Document:
    return {
        "shop_money": {"amount": bag.shop_money.amount, "currency_code": bag.currency},
        "presentment_money": {"amount": bag.presentment_money.amount, "currency_code": bag.shown},
    }


def both(name: str, bag: Bag | None) -> Document:
    """The amount in the shop's money, and the set."""
    if bag is None:
        return {f"{name}_set": None}
    return {name: bag.shop_money.amount, f"{name}_set": pair(bag)}


def only_set(name: str, bag: Bag | None) -> Document:
    return {f"{name}_set": pair(bag) if bag is not None else None}


def address(found: Address | None) -> Document | None:
    if found is None:
        return None
    names = (
        "first_name",
        "last_name",
        "company",
        "address1",
        "address2",
        "city",
        "province",
        "province_code",
        "country",
        "zip",
        "phone",
    )
    told: Document = {name: getattr(found, name) for name in names}
    return told | {"name": found.name, "country_code": found.country_code_v2}


def customer(found: Customer, currency: str) -> Document:
    """Neither tags nor consent nor totals: those left this body in 2025-01."""
    places = [
        {"id": one.number, "customer_id": found.legacy_resource_id, **(address(one) or {})} for one in found.places
    ]
    for at, place in enumerate(places):
        place["default"] = at == 0
    return {
        "id": found.legacy_resource_id,
        "admin_graphql_api_id": found.id,
        "email": found.email,
        "first_name": found.first_name,
        "last_name": found.last_name,
        "phone": found.phone,
        "state": found.state.lower(),
        "note": found.note,
        "verified_email": found.verified_email,
        "multipass_identifier": found.multipass_identifier,
        "tax_exempt": found.tax_exempt,
        "tax_exemptions": found.tax_exemptions,
        "currency": currency,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
        "addresses": places,
        "default_address": next(iter(places), None),
    }


def consent(found: Customer) -> Document:
    return {
        "customer_id": found.legacy_resource_id,
        "email_address": found.email,
        "email_marketing_consent": {
            "state": found.marketing_state.lower(),
            "opt_in_level": (found.marketing_opt_in_level or "unknown").lower(),
            "consent_updated_at": moment(found.marketing_updated_at),
        },
    }


def tax(one: TaxLine) -> Document:
    return {"title": one.title, "rate": one.rate, "channel_liable": one.channel_liable} | both("price", one.price_set)


def allocation(one: DiscountAllocation) -> Document:
    return {"discount_application_index": one.discount_application.index} | both("amount", one.allocated_amount_set)


def line(one: LineItem) -> Document:
    return {
        "id": one.number,
        "admin_graphql_api_id": one.id,
        "product_id": one.product.number if one.product else None,
        "variant_id": one.variant.number if one.variant else None,
        "sku": one.sku,
        "title": one.title,
        "name": one.name,
        "variant_title": one.variant_title,
        "vendor": one.vendor,
        "quantity": one.quantity,
        "current_quantity": one.current_quantity,
        "fulfillable_quantity": one.current_quantity,
        "taxable": one.taxable,
        "requires_shipping": one.requires_shipping,
        "gift_card": one.is_gift_card,
        "grams": 0,
        "properties": [{"name": each.key, "value": each.value} for each in one.custom_attributes],
        "tax_lines": [tax(each) for each in one.taxes],
        "discount_allocations": [allocation(each) for each in one.discount_allocations],
        "duties": [{"id": each.number, **only_set("price", each.price)} for each in one.duties],
        **both("price", one.original_unit_price_set),
        **both("total_discount", one.total_discount_set),
    }


def shipping(one: ShippingLine) -> Document:
    return {
        "id": one.number,
        "code": one.code,
        "title": one.title,
        "source": one.source,
        "is_removed": one.is_removed,
        "tax_lines": [tax(each) for each in one.tax_lines],
        "discount_allocations": [allocation(each) for each in one.discount_allocations],
        **both("price", one.original_price_set),
        **both("discounted_price", one.discounted_price_set),
        **only_set("current_discounted_price", one.current_discounted_price_set),
    }


def transaction(one: Transaction, order: Sale) -> Document:
    return {
        "id": one.number,
        "admin_graphql_api_id": one.id,
        "order_id": order.legacy_resource_id,
        "kind": one.kind.lower(),
        "status": one.status.lower(),
        "gateway": one.gateway,
        "amount": one.amount_set.presentment_money.amount,
        "currency": one.amount_set.shown,
        "test": one.test,
        "parent_id": one.parent_transaction.number if one.parent_transaction else None,
        "created_at": moment(one.created_at),
        "processed_at": moment(one.processed_at),
    }


def refund(one: Refund) -> Document:
    return {
        "id": one.number,
        "admin_graphql_api_id": one.id,
        "order_id": one.order.legacy_resource_id,
        "created_at": moment(one.created_at),
        "processed_at": moment(one.processed_at),
        "note": one.note,
        "user_id": None,
        "restock": any(row.restocked for row in one.refund_line_items),
        "return": None,
        "duties": [{"duty_id": row.original_duty.number, **only_set("amount", row.amount_set)} for row in one.duties],
        "refund_line_items": [
            {
                "id": row.number,
                "line_item_id": row.line_item.number,
                "line_item": line(row.line_item),
                "quantity": row.quantity,
                "restock_type": row.restock_type.lower(),
                **both("subtotal", row.subtotal_set),
                **both("total_tax", row.total_tax_set),
            }
            for row in one.refund_line_items
        ],
        "refund_shipping_lines": [
            {
                "id": row.number,
                "shipping_line": shipping(row.shipping_line),
                **only_set("subtotal_amount", row.subtotal_amount_set),
                **only_set("tax_amount", row.tax_amount_set),
            }
            for row in one.refund_shipping_lines
        ],
        "order_adjustments": [
            {
                "id": row.number,
                "reason": row.reason,
                **both("amount", row.amount_set),
                **both("tax_amount", row.tax_amount_set),
            }
            for row in one.order_adjustments
        ],
        "transactions": [transaction(row, one.order) for row in one.transactions],
    }


def without_persons(body: Any) -> Any:
    """What an application that is not approved gets: nothing where a person would be seen."""
    if isinstance(body, dict):
        return {name: None if name in PERSONAL else without_persons(value) for name, value in body.items()}
    return [without_persons(one) for one in body] if isinstance(body, list) else body


PERSONAL = frozenset(
    [
        "email",
        "contact_email",
        "email_address",
        "first_name",
        "last_name",
        "phone",
        "address1",
        "address2",
        "city",
        "zip",
        "company",
        "billing_address",
        "shipping_address",
        "default_address",
    ]
)


def uninstalled(shop: Shop) -> Document:
    return {
        "id": 548_380_009,
        "name": shop.name,
        "email": shop.email,
        "domain": shop.myshopify_domain,
        "myshopify_domain": shop.myshopify_domain,
    }
