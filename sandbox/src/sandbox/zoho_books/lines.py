"""Line items of invoices and credit notes: read from requests, turned into charges, shown."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sandbox.zoho_books.call import Call
from sandbox.zoho_books.catalogue import Item
from sandbox.zoho_books.contact_views import tagged
from sandbox.zoho_books.documents import Line
from sandbox.zoho_books.money import NO_DISCOUNT, Charge, Discount, Terms, line_total, rounded
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.records import Tagged
from sandbox.zoho_books.refusals import invalid, missing
from sandbox.zoho_books.wire import Body, Document, as_amount, number, plain

MOST = 500
LARGEST_TOTAL = Decimal(10) ** 13


def read_lines(call: Call, body: Body, before: Iterable[Line] = ()) -> tuple[Line, ...]:
    """The lines of a request: they replace the old ones; a line without item needs a name or a description."""
    known = {line.id: line for line in before}
    rows = body.rows("line_items", MOST)
    if not rows:
        raise missing("line_items")
    return tuple(_line(call, row, known) for row in rows)


def _line(call: Call, row: Body, known: dict[str, Line]) -> Line:
    line_id, item = row.id("line_item_id"), _item(call.org, row)
    if line_id and line_id not in known:
        raise invalid("line_item_id")
    old = known.get(line_id)
    if item is None and not row.text("name").strip() and not row.text("description").strip() and old is None:
        raise missing("name")
    rate = row.amount("rate", old.rate if old else item.rate if item else Decimal(0))
    return Line(
        old.id if old else call.org.new_id(),
        item.id if item else (old.item_id if old else ""),
        row.text("name", item.name if item else (old.name if old else ""), 100),
        row.text("description", item.description if item else (old.description if old else ""), 2000),
        rate,
        _quantity(row, old),
        row.text("unit", item.unit if item else (old.unit if old else ""), 100),
        read_discount(row, "discount") if row.has("discount") else (old.discount if old else NO_DISCOUNT),
        _tax_id(call.org, row, item, old),
        row.id("tax_exemption_id"),
        _tags(call.org, row) if row.has("tags") else (old.tags if old else ()),
    )


def _item(org: Organisation, row: Body) -> Item | None:
    item_id = row.id("item_id")
    if not item_id:
        return None
    item = org.items.get(item_id)
    if item is None:
        raise invalid("item_id")
    return item


def _quantity(row: Body, old: Line | None) -> Decimal:
    quantity = row.amount("quantity", old.quantity if old else Decimal(1))
    if quantity <= 0:
        raise invalid("quantity")
    return quantity


def _tax_id(org: Organisation, row: Body, item: Item | None, old: Line | None) -> str:
    if row.text("tax_exemption_id"):
        return ""
    tax_id = row.id("tax_id", (old.tax_id if old else "") or (item.tax_id if item else ""))
    org.shares(tax_id)
    return tax_id


def _tags(org: Organisation, row: Body) -> tuple[Tagged, ...]:
    found = []
    for tag in row.rows("tags"):
        tag_id, option_id = tag.id("tag_id"), tag.id("tag_option_id")
        if tag_id not in org.tags:
            raise invalid("tag_id")
        if option_id not in {option.id for option in org.tags[tag_id].options}:
            raise invalid("tag_option_id")
        found.append(Tagged(tag_id, option_id))
    return tuple(found)


def read_discount(body: Body, name: str) -> Discount:
    """A number, or a percentage such as "12.5%"."""
    text = body.text(name).strip()
    if not text:
        return NO_DISCOUNT
    value = as_amount(text.removesuffix("%"), name)
    if value < 0 or (text.endswith("%") and value > 100):
        raise invalid(name)
    return Discount(value, text.endswith("%"))


def charges(org: Organisation, lines: Iterable[Line]) -> list[Charge]:
    return [Charge(line.rate, line.quantity, line.discount, org.shares(line.tax_id)) for line in lines]


def check_total(total: Decimal) -> Decimal:
    """A document below nothing, or beyond every ledger, is refused."""
    if total < 0 or total > LARGEST_TOTAL:
        raise invalid("total")
    return total


def discount_view(discount: Discount) -> object:
    """As it was given: a number, or a text with a percent sign."""
    return f"{discount.value.normalize():f}%" if discount.is_percentage else plain(discount.value)


def line_view(org: Organisation, line: Line, order: int, terms: Terms, exchange_rate: Decimal) -> Document:
    """One line of a detail. Taxes by id are looked up as they are now."""
    known = [tax_id for tax_id in (line.tax_id,) if tax_id in org.taxes or tax_id in org.tax_groups]
    percentage = sum((share.percentage for tax_id in known for share in org.shares(tax_id)), Decimal(0))
    total = line_total(Charge(line.rate, line.quantity, line.discount), terms)
    off = rounded(line.discount.of(line.rate * line.quantity), terms.precision)
    return {
        "line_item_id": line.id,
        "item_id": line.item_id,
        "item_order": order,
        "name": line.name,
        "description": line.description,
        "rate": plain(line.rate),
        "bcy_rate": plain(line.rate * exchange_rate),
        "quantity": plain(line.quantity),
        "unit": line.unit,
        "discount": discount_view(line.discount),
        "discount_amount": number(off),
        "tax_id": line.tax_id,
        "tax_name": org.tax_name(line.tax_id),
        "tax_type": "tax_group" if line.tax_id in org.tax_groups else ("tax" if known else ""),
        "tax_percentage": plain(percentage),
        "tax_exemption_id": line.tax_exemption_id,
        "item_total": number(total),
        "tags": tagged(org, line.tags),
    }
