"""What an order is made out with: its customer, the items of its lines and their taxes, found in the lists of the organisation. Pure.

What is not there is asked for again first, because a person may have added it meanwhile; then it is made, left out or a question, as the
mapping says. What an invoice has once been made with stays, whatever these lists say later: an item that comes later does not change it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from common.contracts.orders import Order, OrderLine
from common.failures import Rejected
from vendors import order_sums
from vendors.acts import Act, Look, NeedFacts, Work
from vendors.order_sums import of
from vendors.target_record import TargetRecord
from vendors.zoho_books import guest_contacts
from vendors.zoho_books import invoice_codes as codes
from vendors.zoho_books.invoice_codes import refused
from vendors.zoho_books.invoice_fields import FREE_LINE, INACTIVE_CUSTOMER, MAKE, MISSING_ITEM, REACTIVATE, UNKNOWN_TAX
from vendors.zoho_books.invoicing import SIDE, ZERO, text
from vendors.zoho_books.organisation_facts import (
    CURRENCIES,
    ITEMS,
    TAXES,
    Contact,
    OrganisationFacts,
    TaxPart,
    called,
    item_name,
    tax_name,
)

LOOKUPS = "lookups"
"""The path under which an invoice remembers what it was made with."""
CONTACT = "contact "
_NOBODY = "customer of orders without one"
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Settled:
    """What one order is made out with."""

    facts: OrganisationFacts
    customer: str
    free: bool
    """Some line has no item, because Books has none with its SKU."""

    @property
    def names(self) -> dict[str, str]:
        return dict(self.facts.chosen)

    def asked_again(self, act: Act) -> Act | NeedFacts:
        """Before a line stands by itself, the items are asked for once more, if that was not just done."""
        return NeedFacts(frozenset({ITEMS}), act, hurry=False) if self.free else act


def settle(
    work: Work, order: Order, facts: OrganisationFacts, customer: str, known: TargetRecord
) -> Settled | NeedFacts | Look | Act:
    """Everything, or the first step towards what is not there."""
    chosen = dict(known.agreed.get(LOOKUPS) or {}) if known.exists else {}
    here = replace(facts, chosen=chosen)
    code = order_sums.currency_of(order, SIDE)
    if code not in facts.currencies:
        words = f"{code or 'No currency'} is meant."
        return NeedFacts(frozenset({CURRENCIES}), refused(codes.ZB_CURRENCY_UNKNOWN, words))
    free = False
    for parts in _taxes(order):
        tax = _tax(work, parts, here)
        if isinstance(tax, NeedFacts):
            return tax
        chosen[tax_name(parts)] = tax
    for line in order_sums.placed_lines(order):
        item = _item(work, line, order, here)
        if isinstance(item, NeedFacts):
            return item
        free |= bool(line.sku) and not item
        chosen[item_name(line.sku)] = item
    who = _NOBODY if customer and not order.customer_id else f"customer {order.customer_id or ''}"
    found = chosen.get(who) or (customer or _guest(work, order, here))
    if not isinstance(found, str):
        return found
    chosen[who] = found
    return Settled(here, found, free) if known.exists else _active(work, found, here) or Settled(here, found, free)


def _taxes(order: Order) -> Iterator[frozenset[TaxPart]]:
    """Those of each part of the order, each set once."""
    each = [part.taxes for part in order_sums.placed_lines(order)]
    each += [part.taxes for part in order_sums.placed_shipping(order)]
    sets = [
        frozenset(TaxPart(one.title or "", (one.rate or ZERO) * 100) for one in taxes if one.rate) for taxes in each
    ]
    yield from dict.fromkeys(one for one in sets if one)


def _tax(work: Work, parts: frozenset[TaxPart], facts: OrganisationFacts) -> str | NeedFacts:
    if id := _looked_at(work, tax_name(parts)):
        return id
    try:
        return facts.tax(parts)
    except Rejected as refusal:
        makes = work.document.get(UNKNOWN_TAX) == MAKE
        return NeedFacts(frozenset({TAXES}), _tax_to_make(work, parts, facts) if makes else refusal)


def _tax_to_make(work: Work, parts: frozenset[TaxPart], facts: OrganisationFacts) -> Act:
    """Of several taxes, first those that are missing, and then the group of them."""
    ordered = sorted(parts, key=lambda part: part.known_as)
    if len(ordered) == 1:
        (part,) = ordered
        body = {"tax_name": called(part, facts.taxes), "tax_percentage": text(part.percent)}
        return Act("make_tax", tax_name(parts), body)
    ids = list[str]()
    for part in ordered:
        one = frozenset({part})
        try:
            ids.append(_looked_at(work, tax_name(one)) or facts.tax(one))
        except Rejected:
            return _tax_to_make(work, one, facts)
    name = " + ".join(f"{part.name} {part.percent.normalize():f} %" for part in ordered)
    return Act("make_group", tax_name(parts), {"tax_group_name": name[:_LONGEST_NAME], "taxes": ",".join(ids)})


def _item(work: Work, line: OrderLine, order: Order, facts: OrganisationFacts) -> str | NeedFacts:
    """Empty: the line stands by itself."""
    name = item_name(line.sku)
    if name in facts.chosen or not line.sku:
        return facts.chosen.get(name, "")
    if id := facts.item(line.sku) or _looked_at(work, name):
        return id
    how = work.document.get(MISSING_ITEM) or MAKE
    if how == FREE_LINE:
        return ""
    if line.sku.strip().casefold() in facts.retired:
        return NeedFacts(frozenset({ITEMS}), refused(codes.ZB_ITEM_INACTIVE, f"{line.sku} is meant."))
    if how != MAKE:
        return NeedFacts(frozenset({ITEMS}), refused(codes.ZB_ITEM_UNKNOWN, f"{line.sku} is meant."))
    return NeedFacts(frozenset({ITEMS}), Act("make_item", name, _item_body(line, order, facts)))


def _item_body(line: OrderLine, order: Order, facts: OrganisationFacts) -> dict[str, str]:
    """The SKU is part of the name: Books takes each name once, and nothing else keeps a second item away."""
    sku = (line.sku or "").strip()
    suffix = f" ({sku})"
    title = " ".join(part for part in (line.title, line.variant) if part) or sku
    return {
        "name": title[: max(0, _LONGEST_NAME - len(suffix))] + suffix[-_LONGEST_NAME:],
        "sku": sku, "rate": text(_price(line, order, facts)), "product_type": "service" if line.requires_shipping is False else "goods",
    }  # fmt: skip


def _price(line: OrderLine, order: Order, facts: OrganisationFacts) -> Any:
    """In the ledger's currency, where the order tells it."""
    if order.currency == facts.base:
        return of(line.price, "shop")
    return of(line.price, SIDE) if order.presentment_currency == facts.base else ZERO


def _guest(work: Work, order: Order, facts: OrganisationFacts) -> str | NeedFacts:
    """By the address, or by the currency; made once, whoever makes it."""
    guest = guest_contacts.guest_of(order)
    if id := facts.made.get(guest) or _looked_at(work, guest):
        return id
    found = facts.guests.get(guest)
    if found is None:
        return NeedFacts(frozenset({guest}))
    active = [one for one in found if one.active]
    if len(active) == 1 or len(found) == 1:
        return (active or found)[0].id
    if found:
        return NeedFacts(frozenset({guest}), refused(codes.ZB_CUSTOMER_TWICE, named(found)))
    email = guest_contacts.email_of(guest)
    body = {
        "contact_name": guest_contacts.contact_name(guest),
        "currency_id": facts.currencies[order_sums.currency_of(order, SIDE)],
    }
    return NeedFacts(frozenset({guest}), Act("make_guest", guest, body | ({"email": email} if email else {})))


def named(found: tuple[Contact, ...]) -> str:
    """The candidates, for a person to choose among."""
    return "; ".join(f"{one.name} ({one.id}{'' if one.active else ', inactive'})" for one in found)


def _active(work: Work, customer: str, facts: OrganisationFacts) -> Look | Act | None:
    """Before an invoice is made for somebody who was inactive when the list was read; None: they can have it."""
    if customer not in facts.inactive:
        return None
    key = CONTACT + customer
    there = work.known.get(key, TargetRecord())
    if key not in work.fresh:
        return Look(key)
    if not there.exists:
        raise refused(codes.ZB_CUSTOMER_GONE, f"Its id was {customer}.")
    if there.seen.get("status") == "active":
        return None
    if work.document.get(INACTIVE_CUSTOMER) != REACTIVATE:
        raise refused(codes.ZB_CUSTOMER_INACTIVE, f"{there.seen.get('name')} ({customer}).")
    return Act("reactivate", key, {"status": "active"}, memory={"id": customer})


def _looked_at(work: Work, name: str) -> str:
    """What a look has shown, or a call of ours has made, since the order was taken."""
    there = work.known.get(name, TargetRecord())
    return there.id if there.exists and not there.doubtful else ""
