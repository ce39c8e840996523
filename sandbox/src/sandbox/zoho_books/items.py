"""Items: goods and services that invoice lines name."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Literal

from sandbox.zoho_books.call import Call, Reply, changed_fields, created, done
from sandbox.zoho_books.catalogue import Item
from sandbox.zoho_books.custom_fields import hashed, read, rows
from sandbox.zoho_books.listing import Listing, Test, exact_filter, number_filters, page_of, text_filters
from sandbox.zoho_books.money import ZERO
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.refusals import Refusal, absent, invalid, missing
from sandbox.zoho_books.unique import check_unique, header_values, upserted
from sandbox.zoho_books.wire import Body, Document, plain

PRODUCT_TYPES = frozenset({"goods", "service", "digital_service"})
ITEM_TYPES = frozenset({"sales", "purchases", "sales_and_purchases", "inventory"})


def _searching(call: Call, value: str) -> Test[Item]:
    wanted = value.casefold()
    return lambda item: wanted in item.name.casefold() or wanted in item.description.casefold()


def _taxable(call: Call, value: str) -> Test[Item]:
    return lambda item: item.is_taxable == (value == "true")


LISTING: Listing[Item] = Listing(
    key="items",
    report="Items",
    row=lambda call, item: item_row(call.org, item),
    sorts=frozenset({"name", "rate", "tax_name"}),
    default_sort="name",
    filters={
        **text_filters("name", lambda call, item: item.name),
        **text_filters("description", lambda call, item: item.description),
        **number_filters("rate", lambda item: item.rate),
        **exact_filter("tax_id", lambda item: item.tax_id),
        **text_filters("tax_name", lambda call, item: call.org.tax_name(item.tax_id), variants=False),
        "is_taxable": _taxable,
        **exact_filter("tax_exemption_id", lambda item: item.tax_exemption_id),
        **exact_filter("account_id", lambda item: item.account_id),
        "search_text": _searching,
    },
    named_filters={
        "Status.Active": lambda call, value: lambda item: item.status == "active",
        "Status.Inactive": lambda call, value: lambda item: item.status == "inactive",
    },
)


def item_row(org: Organisation, item: Item) -> Document:
    """An item in lists, and the body of its detail."""
    fields = org.fields_of("item")
    shares = org.shares(item.tax_id) if item.tax_id in org.taxes or item.tax_id in org.tax_groups else ()
    percentage = sum((share.percentage for share in shares), Decimal(0))
    return {
        "item_id": item.id,
        "name": item.name,
        "item_name": item.name,
        "status": item.status,
        "description": item.description,
        "rate": plain(item.rate),
        "unit": item.unit,
        "sku": item.sku,
        "product_type": item.product_type,
        "item_type": item.item_type,
        "is_taxable": item.is_taxable,
        "tax_id": item.tax_id,
        "tax_name": org.tax_name(item.tax_id),
        "tax_percentage": plain(percentage) if shares else "",
        "tax_type": "tax" if shares else "",
        "account_id": item.account_id,
        "source": "api",
        "is_linked_with_zohocrm": False,
        "created_time": org.stamp(item.created),
        "last_modified_time": org.stamp(item.modified),
        "custom_fields": [],
        "custom_field_hash": hashed(fields, item.custom, lists=True),
    }


def item_detail(org: Organisation, item: Item) -> Document:
    fields = org.fields_of("item")
    return item_row(org, item) | {
        "custom_fields": rows(fields, item.custom),
        "custom_field_hash": hashed(fields, item.custom, lists=False),
        "item_tax_preferences": [],
        "locations": [],
    }


def list_items(call: Call) -> Reply:
    return page_of(call, call.org.items, LISTING)


def found(call: Call) -> Item:
    item = call.org.items.get(call.ids["item_id"])
    if item is None:
        raise absent("Item")
    return item


def get_item(call: Call) -> Reply:
    return done("success", item=item_detail(call.org, found(call)))


def create_item(call: Call) -> Reply:
    return create(call, call.body())


def create(call: Call, body: Body) -> Reply:
    body.required("name", 100)
    if not body.text("rate"):
        raise missing("rate")
    org = call.org
    item = _filled(call, body, Item(org.new_id(), "", call.now, call.now, ZERO))
    org.items.put(item, call.now)
    shown = item_detail(org, item)
    call.changed("item", item.id, "create", {"item": shown})
    return created("The item has been added.", item=shown)


def update_item(call: Call) -> Reply:
    return update(call, call.body(), found(call))


def update(call: Call, body: Body, before: Item) -> Reply:
    after = replace(_filled(call, body, before), modified=call.now)
    reply = _save(call, before, after, "Item details have been saved.")
    return reply._replace(parts={"item": item_detail(call.org, after)})


def upsert_item(call: Call) -> Reply:
    body = call.body()
    existing = upserted(call, call.org.items, "item", "Item")
    return create(call, body) if existing is None else update(call, body, existing)


def _save(call: Call, before: Item, after: Item, message: str) -> Reply:
    call.org.items.put(after, call.now)
    fields = changed_fields(before, after)
    document = {"item": item_detail(call.org, after)}
    call.changed("item", after.id, "update" if fields else "noop", document, fields)
    return done(message)


def _filled(call: Call, body: Body, item: Item) -> Item:
    org = call.org
    rate = body.amount("rate", item.rate)
    if rate < 0:
        raise invalid("rate")
    after = replace(
        item,
        name=_name(call, body, item),
        rate=rate,
        description=body.text("description", item.description, 2000),
        sku=body.text("sku", item.sku, 100),
        unit=body.text("unit", item.unit, 100),
        product_type=body.choice("product_type", PRODUCT_TYPES, item.product_type),
        item_type=body.choice("item_type", ITEM_TYPES, item.item_type),
        is_taxable=body.flag("is_taxable", item.is_taxable),
        tax_id=body.id("tax_id", item.tax_id),
        tax_exemption_id=body.id("tax_exemption_id", item.tax_exemption_id),
        account_id=body.id("account_id", item.account_id),
        custom=_custom(call, body, item),
    )
    org.shares(after.tax_id)
    return after


def _name(call: Call, body: Body, item: Item) -> str:
    """Unique; a taken one is refused with code 1001 (sheet, section 3)."""
    if not body.has("name"):
        return item.name
    name = body.required("name", 100)
    if any(other.id != item.id for other in call.org.items.look_up("name", name.casefold())):
        raise Refusal(400, 1001, f'Item "{name}" already exists.')
    return name


def _custom(call: Call, body: Body, item: Item) -> dict[str, str]:
    fields = call.org.fields_of("item")
    values = read(body, fields) or {}
    if not item.name:
        values = header_values(call, values)
    check_unique(call, call.org.items, fields, values, item.id)
    return {**item.custom, **values}


def delete_item(call: Call) -> Reply:
    item = found(call)
    if any(line.item_id == item.id for invoice in call.org.invoices for line in invoice.lines):
        raise Refusal(400, 1040, "Items that are part of transactions cannot be deleted. Mark the item as inactive.")
    call.org.items.drop(item.id, call.now)
    call.changed("item", item.id, "delete", {"item": item_detail(call.org, item)})
    return done("The item has been deleted.")


def activate_item(call: Call) -> Reply:
    return _mark(call, "active")


def deactivate_item(call: Call) -> Reply:
    return _mark(call, "inactive")


def _mark(call: Call, status: Literal["active", "inactive"]) -> Reply:
    before = found(call)
    after = replace(before, status=status, modified=call.now)
    return _save(call, before, after, f"The item has been marked as {status}.")
