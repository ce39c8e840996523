"""Whom the orders of guests are made out to: by the e-mail address that they gave, else one customer for each currency.

Neither has a customer in the shop, so nothing but its name keeps a second one away: Books takes each name once, and here it is the address
itself, or `Shop guest EUR`.
"""

from __future__ import annotations

from common.contracts.orders import Order
from common.http.call import Api
from vendors import order_sums
from vendors.zoho_books import wire
from vendors.zoho_books.organisation_facts import GUEST, Contact
from vendors.zoho_books.pages import listed


def guest_of(order: Order) -> str:
    """By which name a guest is remembered, asked for, and held while it is made."""
    email = (order.email or "").strip().casefold()
    return GUEST + (email or order_sums.currency_of(order, "presentment"))


def contact_name(guest: str) -> str:
    """What the customer is called in Books."""
    who = guest.removeprefix(GUEST)
    return who if "@" in who else f"Shop guest {who}"


def email_of(guest: str) -> str:
    who = guest.removeprefix(GUEST)
    return who if "@" in who else ""


async def found(guest: str, api: Api) -> tuple[Contact, ...]:
    """The customers that a list shows for one guest: it lags."""
    email = email_of(guest)
    field, wanted = ("email", email) if email else ("contact_name", contact_name(guest))
    query = {"contact_type": "customer", field: wanted}
    rows = [row async for row in listed(api, "/contacts", "contacts", query=query)]
    return tuple(
        Contact(str(row["contact_id"]), str(row["contact_name"]), row.get("status") == "active")
        for row in rows
        if (wire.text(row.get(field)) or "").casefold() == wanted.casefold()
    )
