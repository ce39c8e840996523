"""Postal addresses: billing and shipping of a contact, and its additional ones."""

from __future__ import annotations

from dataclasses import replace

from sandbox.zoho_books.call import Call, Reply, done
from sandbox.zoho_books.contact_store import found, save
from sandbox.zoho_books.contact_views import address_view
from sandbox.zoho_books.records import Address, Contact
from sandbox.zoho_books.refusals import absent, invalid
from sandbox.zoho_books.wire import Body

MOST = 50
LENGTHS = {
    "attention": 100, "address": 500, "street2": 255, "city": 100, "state": 100, "state_code": 50, "zip": 50,
    "country": 100, "country_code": 10, "phone": 50, "fax": 50,
}  # fmt: skip


def read_address(body: Body, before: Address) -> Address:
    """The address with the fields that are mentioned."""
    said = {name: body.text(name, longest=most) for name, most in LENGTHS.items() if body.has(name)}
    return before._replace(**said)


def list_addresses(call: Call) -> Reply:
    contact = found(call)
    every = (contact.billing, contact.shipping, *contact.addresses)
    return done("success", addresses=[address_view(one, with_id=True) for one in every])


def add_address(call: Call) -> Reply:
    contact = found(call)
    if len(contact.addresses) >= MOST:
        raise invalid("address")
    address = read_address(call.body(), Address(call.org.new_id()))
    save(call, contact, replace(contact, addresses=(*contact.addresses, address), modified=call.now), "")
    return done("The address has been created.", address_info=address_view(address, with_id=True))


def update_address(call: Call) -> Reply:
    contact = found(call)
    address = read_address(call.body(), _named(contact, call.ids["address_id"]))
    save(call, contact, replace(_with(contact, address), modified=call.now), "")
    return done("The address has been updated.", address_info=address_view(address, with_id=True))


def delete_address(call: Call) -> Reply:
    """Only additional addresses can go; billing and shipping belong to the contact."""
    contact = found(call)
    left = tuple(one for one in contact.addresses if one.id != call.ids["address_id"])
    if len(left) == len(contact.addresses):
        raise absent("Address")
    return save(call, contact, replace(contact, addresses=left, modified=call.now), "The address has been deleted.")


def _named(contact: Contact, address_id: str) -> Address:
    for address in (contact.billing, contact.shipping, *contact.addresses):
        if address.id == address_id:
            return address
    raise absent("Address")


def _with(contact: Contact, address: Address) -> Contact:
    if address.id == contact.billing.id:
        return replace(contact, billing=address)
    if address.id == contact.shipping.id:
        return replace(contact, shipping=address)
    others = tuple(address if one.id == address.id else one for one in contact.addresses)
    return replace(contact, addresses=others)
