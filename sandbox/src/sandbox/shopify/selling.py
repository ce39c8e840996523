"""An order made from its input: by the vendor's `orderCreate`, or by somebody in the shop with a word more."""

from __future__ import annotations

from decimal import Decimal

from sandbox.shopify.addresses import address_of
from sandbox.shopify.call import Call, Document, Refusal
from sandbox.shopify.customer import Customer
from sandbox.shopify.discounts import granted
from sandbox.shopify.money import Currencies
from sandbox.shopify.movements import Transaction
from sandbox.shopify.order import Order
from sandbox.shopify.parts import Attribute, Duty, LineItem, Product, ShippingLine, Variant
from sandbox.shopify.stamps import Stamps
from sandbox.shopify.taxes import bag_of, taxes_of

MOST_LINES = 500


def placed(call: Call, given: Document) -> Order:
    """The order, stored; raises Refusal before anything is changed."""
    currencies = currencies_of(call, given)
    order = begun(call, given, currencies)
    order.line_items = [line_of(call, one, currencies) for one in given.get("line_items") or ()]
    if not order.line_items or len(order.line_items) > MOST_LINES:
        raise Refusal("Line items must have at least one line item", "order", "lineItems")
    order.shipping_rows = [shipping_of(call, one, currencies) for one in given.get("shipping_lines") or ()]
    granted(order, given)
    taxed(order, given)
    order.tip = given.get("tip") or Decimal(0)
    order.payments = [payment_of(call, one, currencies) for one in given.get("transactions") or ()]
    rounding = given.get("cash_rounding")
    order.cash_rounding = currencies.bag(shown=rounding) if rounding else None
    marked_paid(call, order, given.get("financial_status"))
    order.customer = customer_of(call, given)
    order.email = given.get("email") or (order.customer.email if order.customer else None)
    call.shop.last_number = order.number
    call.shop.orders[order.legacy_resource_id] = order
    return order


def currencies_of(call: Call, given: Document) -> Currencies:
    shop = call.shop.currency_code
    if given.get("currency") not in (None, shop):
        raise Refusal(f"Currency must be {shop}, the shop's", "order", "currency")
    return Currencies(shop, given.get("presentment_currency") or shop, given.get("rate") or rate_of(given))


def rate_of(given: Document) -> Decimal:
    """From the first price that names both moneys."""
    prices = [one.get("price_set") for one in given.get("line_items") or ()]
    for price in prices:
        if price and price.get("presentment_money") and price["shop_money"]["amount"]:
            rate = Decimal(price["presentment_money"]["amount"] / price["shop_money"]["amount"])
            if rate > 0:
                return rate
    return Decimal(1)


def begun(call: Call, given: Document, currencies: Currencies) -> Order:
    number = call.shop.last_number + 1
    stamps = Stamps()
    stamps.touch(call.now)
    return Order(
        call.shop.new_id(),
        number,
        given.get("name") or f"#{number}",
        currencies,
        stamps,
        given.get("processed_at") or call.now,
        taxes_included=bool(given.get("taxes_included")),
        test=bool(given.get("test")),
        source_name=given.get("source_name") or "web",
        tags=sorted(given.get("tags") or ()),
        custom_attributes=[Attribute(one["key"], one["value"]) for one in given.get("custom_attributes") or ()],
        billing_address=address_of(call, given.get("billing_address")),
        shipping_address=address_of(call, given.get("shipping_address")),
        closed_at=given.get("closed_at"),
        phone=given.get("phone"),
        note=given.get("note"),
        po_number=given.get("po_number"),
        source_identifier=given.get("source_identifier"),
    )


def line_of(call: Call, given: Document, currencies: Currencies) -> LineItem:
    if given["quantity"] < 1:
        raise Refusal("Quantity must be greater than 0", "order", "lineItems", "quantity")
    if not given.get("title") and not given.get("variant_id"):
        raise Refusal("Title can't be blank", "order", "lineItems", "title")
    number, sku = call.shop.new_id(), given.get("sku")
    title = given.get("title") or f"Product {sku or number}"
    stable = sum((sku or title).encode())
    duties = [
        Duty(call.shop.new_id(), currencies.bag(shown=one["amount"]), one.get("code", ""), one.get("country"))
        for one in given.get("duties") or ()
    ]
    return LineItem(
        number,
        title,
        sku,
        given["quantity"],
        bag_of(given.get("price_set"), currencies, "order", "lineItems", "priceSet"),
        Variant(40_000_000_000 + stable, sku) if sku else None,
        Product(7_000_000_000 + stable, title) if sku else None,
        given.get("variant_title"),
        given.get("vendor"),
        taxable=given.get("taxable") is not False,
        requires_shipping=bool(given.get("requires_shipping")),
        is_gift_card=bool(given.get("gift_card")),
        duties=duties,
        custom_attributes=[Attribute(one["name"], one["value"]) for one in given.get("properties") or ()],
    )


def shipping_of(call: Call, given: Document, currencies: Currencies) -> ShippingLine:
    price = bag_of(given["price_set"], currencies, "order", "shippingLines", "priceSet")
    return ShippingLine(call.shop.new_id(), given["title"], price, given.get("code"), given.get("source") or "shopify")


def taxed(order: Order, given: Document) -> None:
    """Each line by its own taxes, else by those of the order."""
    common, included = given.get("tax_lines"), order.taxes_included
    for line, asked in zip(order.line_items, given.get("line_items") or (), strict=True):
        own = asked.get("tax_lines") or (common if line.taxable else None)
        line.taxes = taxes_of(own, line.net_set, order.currencies, included=included)
    for sent, asked in zip(order.shipping_rows, given.get("shipping_lines") or (), strict=True):
        own = asked.get("tax_lines") or common
        sent.tax_lines = taxes_of(own, sent.discounted_price_set, order.currencies, included=included)


def payment_of(call: Call, given: Document, currencies: Currencies) -> Transaction:
    amount = bag_of(given["amount_set"], currencies, "order", "transactions", "amountSet")
    return Transaction(
        call.shop.new_id(),
        given.get("kind") or "SALE",
        given.get("status") or "SUCCESS",
        given.get("gateway") or "manual",
        amount,
        call.now,
        given.get("processed_at") or call.now,
        test=bool(given.get("test")),
    )


def marked_paid(call: Call, order: Order, wanted: str | None) -> None:
    """A status without a transaction that makes it true brings one."""
    if order.payments or wanted not in ("PAID", "AUTHORIZED"):
        return
    kind = "SALE" if wanted == "PAID" else "AUTHORIZATION"
    paid(call, order, "manual", kind)


def paid(call: Call, order: Order, gateway: str, kind: str = "SALE") -> Transaction | None:
    """What is outstanding, paid."""
    left = order.total_outstanding_set
    if not left:
        return None
    made = Transaction(call.shop.new_id(), kind, "SUCCESS", gateway, left, call.now, call.now, test=order.test)
    order.payments.append(made)
    return made


def customer_of(call: Call, given: Document) -> Customer | None:
    wish = given.get("customer") or {}
    associate, upsert = wish.get("to_associate") or {}, wish.get("to_upsert") or {}
    wanted = given.get("customer_id") or associate.get("id") or upsert.get("id")
    if wanted:
        return call.customer(wanted, "order", "customerId")
    if upsert:
        return upserted(call, upsert)
    return call.shop.by_email(associate.get("email") or given.get("email"))


def upserted(call: Call, given: Document) -> Customer:
    found = call.shop.by_email(given.get("email"))
    if found is None:
        stamps = Stamps()
        stamps.touch(call.now)
        found = Customer(call.shop.new_id(), stamps, given.get("email"))
        call.shop.customers[found.legacy_resource_id] = found
        call.note("customer", found.legacy_resource_id, "create")
    for name in ("first_name", "last_name", "phone", "note"):
        if given.get(name) is not None:
            setattr(found, name, given[name])
    return found
