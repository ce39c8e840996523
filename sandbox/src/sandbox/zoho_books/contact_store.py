"""Finding the contact of an address, and storing a changed one."""

from __future__ import annotations

from sandbox.zoho_books.call import Call, Reply, changed_fields, done
from sandbox.zoho_books.contact_views import contact_detail
from sandbox.zoho_books.records import Contact
from sandbox.zoho_books.refusals import absent


def found(call: Call) -> Contact:
    """The contact of the address, or the vendor's "does not exist"."""
    contact = call.org.contacts.get(call.ids["contact_id"])
    if contact is None:
        raise absent("Contact")
    return contact


def save(call: Call, before: Contact, after: Contact, message: str, *, with_detail: bool = False) -> Reply:
    """Store a changed contact, log it and tell the rules."""
    org = call.org
    org.contacts.put(after, call.now)
    if after.name != before.name:
        _renamed(call, after)
    fields = changed_fields(before, after)
    detail = contact_detail(org, after)
    call.changed("contact", after.id, "update" if fields else "noop", {"contact": detail}, fields)
    return done(message, contact=detail) if with_detail else done(message)


def _renamed(call: Call, contact: Contact) -> None:
    """Documents show their customer's present name, and are sorted by it."""
    org = call.org
    for invoice in org.invoices.look_up("customer_id", contact.id):
        org.invoices.touch(invoice.id)
    for payment in org.payments.look_up("customer_id", contact.id):
        org.payments.touch(payment.id)
    for note in org.credit_notes.look_up("customer_id", contact.id):
        org.credit_notes.touch(note.id)
