"""Customers made and changed by their input."""

from __future__ import annotations

import re

from sandbox.shopify import bodies, telling
from sandbox.shopify.addresses import addresses_of
from sandbox.shopify.call import Call, Document, Refusal
from sandbox.shopify.customer import Customer
from sandbox.shopify.stamps import Stamps

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
WORDS = ("email", "first_name", "last_name", "phone", "note", "locale", "tax_exempt", "multipass_identifier")


def created(call: Call, given: Document) -> Customer:
    check(call, given, None)
    if not any(given.get(name) for name in ("email", "phone", "first_name", "last_name")):
        raise Refusal("A name, phone number, or email address must be present", code=None)
    stamps = Stamps()
    stamps.touch(call.now)
    customer = Customer(call.shop.new_id(), stamps)
    fill(call, customer, given)
    call.shop.customers[customer.legacy_resource_id] = customer
    telling.customer_created(call, customer)
    return customer


def changed(call: Call, customer: Customer, given: Document) -> Customer:
    """An update that changes nothing moves no stamp and tells nobody."""
    check(call, given, customer)
    before = picture(customer)
    fill(call, customer, given)
    if picture(customer) != before:
        telling.customer_changed(call, customer)
        if customer.marketing_state != before[-1]:
            call.tell("CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE", bodies.consent(customer))
    else:
        call.note("customer", customer.legacy_resource_id, "noop")
    return customer


def check(call: Call, given: Document, own: Customer | None) -> None:
    email = given.get("email")
    if email and not EMAIL.match(email):
        raise Refusal("Email is invalid", "email")
    other = call.shop.by_email(email)
    if other is not None and other is not own:
        raise Refusal("Email has already been taken", "email")


def fill(call: Call, customer: Customer, given: Document) -> None:
    for name in WORDS:
        if name in given and (given[name] is not None or name not in ("locale", "tax_exempt")):
            setattr(customer, name, given[name])
    if "tags" in given:
        customer.tags = sorted(given["tags"] or ())
    if "tax_exemptions" in given:
        customer.tax_exemptions = list(given["tax_exemptions"] or ())
    if "addresses" in given:
        customer.places = addresses_of(call, given["addresses"])
    if consent := given.get("email_marketing_consent"):
        customer.marketing_state = consent["marketing_state"]
        customer.marketing_opt_in_level = consent.get("marketing_opt_in_level")
        customer.marketing_updated_at = consent.get("consent_updated_at") or call.now


def picture(customer: Customer) -> tuple[object, ...]:
    places = [bodies.address(one) for one in customer.places]
    words = (getattr(customer, name) for name in WORDS)
    return (*words, tuple(customer.tags), tuple(customer.tax_exemptions), repr(places), customer.marketing_state)


def removed(call: Call, customer: Customer) -> None:
    if call.shop.orders_of(customer):
        raise Refusal("Customer can't be deleted because they have associated orders", "id")
    del call.shop.customers[customer.legacy_resource_id]
    call.shop.deleted.append(customer.id)
    telling.customer_deleted(call, customer)


def merged(call: Call, kept: Customer, gone: Customer) -> None:
    """The orders move over; the one that went is gone for good."""
    for order in call.shop.orders_of(gone):
        order.customer = kept
        telling.order_changed(call, order)
    del call.shop.customers[gone.legacy_resource_id]
    call.shop.deleted.append(gone.id)
    telling.customer_changed(call, kept)
    body = {
        "admin_graphql_api_customer_kept_id": kept.id,
        "admin_graphql_api_customer_deleted_id": gone.id,
        "status": "completed",
        "errors": [],
    }
    call.tell("CUSTOMERS_MERGE", body)
