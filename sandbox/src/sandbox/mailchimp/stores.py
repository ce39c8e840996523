"""Shops and their customers. Writing a customer makes a contact on the side, which is why no sync should use it."""

from __future__ import annotations

from sandbox.mailchimp import paging
from sandbox.mailchimp.bodies import Document, Rule, check, flag, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.member import iso
from sandbox.mailchimp.problems import invalid, not_found
from sandbox.mailchimp.store import Customer, Store
from sandbox.mailchimp.upsert import Writer

LONGEST_ID = 50
STORE_RULES = {name: Rule(required=True) for name in ("id", "list_id", "name", "currency_code")}
CUSTOMER_RULES: dict[str, Rule] = {
    "id": Rule(longest=LONGEST_ID),
    "email_address": Rule(),
    "opt_in_status": Rule("boolean"),
    "company": Rule(),
    "first_name": Rule(),
    "last_name": Rule(),
    "address": Rule("object"),
}
NEEDED = {
    "email_address": Rule(required=True),
    "opt_in_status": Rule("boolean", required=True),
}
ABOUT = ("company", "first_name", "last_name", "address")


def store_shape(store: Store) -> dict[str, object]:
    return {
        "id": store.id,
        "list_id": store.list_id,
        "name": store.name,
        "currency_code": store.currency_code,
        "created_at": iso(store.created_at),
        "updated_at": iso(store.created_at),
    }


def store_of(call: Call) -> Store:
    found = call.account.stores.get(call.params["store_id"])
    if found is None:
        raise not_found()
    return found


def stores(call: Call) -> Reply:
    found = list(call.account.stores.values())
    shown = [store_shape(store) for store in paging.page(found, call.query, everything=call.in_batch)]
    return call.shown({"stores": shown, "total_items": len(found)})


def create_store(call: Call) -> Reply:
    check(call.body, STORE_RULES)
    key, list_id, name, currency = (text(call.body, field) for field in STORE_RULES)
    made = Store(key, list_id, name, currency, call.now)
    call.account.audience(made.list_id)
    if made.id in call.account.stores:
        raise invalid(f'A store with the id "{made.id}" already exists.')
    call.account.stores[made.id] = made
    call.note("store", made.id, "create")
    return call.shown(store_shape(made))


def get_store(call: Call) -> Reply:
    return call.shown(store_shape(store_of(call)))


def delete_store(call: Call) -> Reply:
    store = store_of(call)
    del call.account.stores[store.id]
    call.note("store", store.id, "delete")
    return NO_CONTENT


def shape(customer: Customer) -> dict[str, object]:
    return {
        "id": customer.id,
        "email_address": customer.email,
        "opt_in_status": customer.opt_in,
        **{name: "" for name in ABOUT if name != "address"},
        **customer.about,
        "orders_count": 0,
        "total_spent": 0,
        "created_at": iso(customer.created_at),
        "updated_at": iso(customer.updated_at),
    }


def customer_of(call: Call) -> Customer:
    found = store_of(call).customers.get(call.params["customer_id"])
    if found is None:
        raise not_found()
    return found


def page(call: Call) -> Reply:
    store = store_of(call)
    wanted = call.query.get("email_address", "").lower()
    found = [customer for customer in store.customers.values() if wanted in ("", customer.email.lower())]
    shown = [shape(customer) for customer in paging.page(found, call.query, everything=call.in_batch)]
    return call.shown({"store_id": store.id, "customers": shown, "total_items": len(found)})


def get(call: Call) -> Reply:
    return call.shown(shape(customer_of(call)))


def post(call: Call) -> Reply:
    check(call.body, {**CUSTOMER_RULES, **NEEDED, "id": Rule(required=True, longest=LONGEST_ID)})
    if text(call.body, "id") in store_of(call).customers:
        raise invalid("A customer with the provided ID already exists in the account for this list.")
    return _write(call, text(call.body, "id"))


def put(call: Call) -> Reply:
    key = call.params["customer_id"]
    check({**call.body, "id": key}, CUSTOMER_RULES)
    if key not in store_of(call).customers:
        check(call.body, NEEDED)
    return _write(call, key)


def patch(call: Call) -> Reply:
    check(call.body, CUSTOMER_RULES)
    return _write(call, customer_of(call).id)


def _write(call: Call, key: str) -> Reply:
    store, body = store_of(call), call.body
    known = store.customers.get(key)
    customer = known or Customer(key, text(body, "email_address").strip(), False, call.now, call.now)
    opt_in = flag(body, "opt_in_status", default=customer.opt_in)
    _make_contact(call, store, customer, opt_in)
    customer.opt_in, customer.updated_at = opt_in, call.now
    customer.about = customer.about | {name: body[name] for name in ABOUT if name in body}
    store.customers[key] = customer
    call.note("customer", key, "update" if known else "create")
    return call.shown(shape(customer))


def _make_contact(call: Call, store: Store, customer: Customer, opt_in: bool) -> None:
    """The side effect: a stranger becomes a contact, with or without marketing; a known one may be subscribed."""
    audience = call.account.audience(store.list_id)
    writer = Writer(call, audience, skip_merge_validation=True)
    member = audience.find(customer.email) if "@" in customer.email else None
    names = {"FNAME": text(call.body, "first_name"), "LNAME": text(call.body, "last_name")}
    merge: Document = {"merge_fields": {tag: name for tag, name in names.items() if name}}
    if member is None:
        made = writer.create(customer.email, "subscribed" if opt_in else "transactional", merge)
        call.note("member", made.id, "create")
    elif opt_in and member.status == "transactional" and not member.withdrawn:
        writer.update(member, dict(merge), "subscribed")
        call.note("member", member.id, "update")


def delete(call: Call) -> Reply:
    customer = customer_of(call)
    del store_of(call).customers[customer.id]
    call.note("customer", customer.id, "delete")
    return NO_CONTENT
