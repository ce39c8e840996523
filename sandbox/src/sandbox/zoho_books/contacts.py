"""Contacts: list, read, create, update, upsert, delete, activate, and what hangs on them but is no person or address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from sandbox.zoho_books.addresses import read_address
from sandbox.zoho_books.call import Call, Reply, created, done
from sandbox.zoho_books.contact_store import found, save
from sandbox.zoho_books.contact_views import contact_detail, contact_row
from sandbox.zoho_books.custom_fields import read as read_custom
from sandbox.zoho_books.invoice_status import overdue_customers
from sandbox.zoho_books.listing import FilterMaker, Listing, Test, exact_filter, page_of, text_filters
from sandbox.zoho_books.persons import read_persons
from sandbox.zoho_books.records import Address, Contact, Tagged
from sandbox.zoho_books.refusals import Refusal, absent, invalid, name_taken
from sandbox.zoho_books.unique import check_unique, header_values, upserted
from sandbox.zoho_books.wire import Body

TYPES = frozenset({"customer", "vendor"})
SUB_TYPES = frozenset({"business", "individual"})
PLAIN = {
    "company_name": 200, "website": 1000, "language_code": 10, "facebook": 100, "twitter": 100, "owner_id": 20,
    "contact_number": 100, "payment_terms_label": 100,
}  # fmt: skip


def _postal(contact: Contact) -> Iterator[str]:
    for address in (contact.billing, contact.shipping, *contact.addresses):
        yield from address[1:]


def _person(name: str, contact: Contact) -> str:
    return str(getattr(contact.primary, name)) if contact.primary else ""


def _searching(call: Call, value: str) -> Test[Contact]:
    wanted = value.casefold()
    return lambda contact: wanted in contact.name.casefold() or wanted in contact.notes.casefold()


def _in_status(status: str) -> FilterMaker[Contact]:
    return lambda call, value: lambda contact: contact.status == status


def _overdue(call: Call, value: str) -> Test[Contact]:
    owing = overdue_customers(call.org, call.now)
    return lambda contact: contact.id in owing


def _duplicate(call: Call, value: str) -> Test[Contact]:
    def shares_address(contact: Contact) -> bool:
        email = _person("email", contact)
        return bool(email) and len(call.org.contacts.look_up("email", email.strip().casefold())) > 1

    return shares_address


LISTING: Listing[Contact] = Listing(
    key="contacts",
    report="Contacts",
    row=lambda call, contact: contact_row(call.org, contact),
    sorts=frozenset(
        {
            "contact_name", "first_name", "last_name", "email", "outstanding_receivable_amount", "created_time",
            "last_modified_time",
        }
    ),
    default_sort="contact_name",
    filters={
        **exact_filter("contact_type", lambda contact: contact.contact_type),
        **text_filters("contact_name", lambda call, contact: contact.name),
        **text_filters("company_name", lambda call, contact: contact.company_name),
        **text_filters("first_name", lambda call, contact: _person("first_name", contact)),
        **text_filters("last_name", lambda call, contact: _person("last_name", contact)),
        **text_filters("address", lambda call, contact: "\n".join(_postal(contact))),
        **text_filters("email", lambda call, contact: _person("email", contact)),
        **text_filters("phone", lambda call, contact: _person("phone", contact)),
        **exact_filter("zcrm_contact_id", lambda contact: contact.crm_contact_id),
        **exact_filter("zcrm_account_id", lambda contact: contact.crm_account_id),
        **exact_filter("zcrm_vendor_id", lambda contact: ""),
        "search_text": _searching,
    },
    named_filters={
        "Status.Active": _in_status("active"),
        "Status.Inactive": _in_status("inactive"),
        "Status.Duplicate": _duplicate,
        "Status.PortalEnabled": lambda call, value: lambda contact: contact.portal_enabled,
        "Status.PortalDisabled": lambda call, value: lambda contact: not contact.portal_enabled,
        "Status.Crm": lambda call, value: lambda contact: contact.crm_linked,
        "Status.CreditLimitExceed": lambda call, value: lambda contact: (
            contact.credit_limit is not None and contact.receivable > contact.credit_limit
        ),
        "Invoice.OverDue": _overdue,
        "Invoice.Unpaid": lambda call, value: lambda contact: contact.receivable > 0,
    },
)  # fmt: skip


def list_contacts(call: Call) -> Reply:
    return page_of(call, call.org.contacts, LISTING)


def get_contact(call: Call) -> Reply:
    return done("success", contact=contact_detail(call.org, found(call)))


def create_contact(call: Call) -> Reply:
    return create(call, call.body())


def create(call: Call, body: Body) -> Reply:
    org = call.org
    contact = _filled(call, body, _blank(call, body))
    org.contacts.put(contact, call.now)
    detail = contact_detail(org, contact)
    call.changed("contact", contact.id, "create", {"contact": detail})
    return created("The contact has been created", contact=detail)


def _blank(call: Call, body: Body) -> Contact:
    org = call.org
    body.required("contact_name", 200)
    billing, shipping = Address(org.new_id()), Address(org.new_id())
    return Contact(org.new_id(), "", call.now, call.now, org.base.id, billing, shipping)


def update_contact(call: Call) -> Reply:
    return update(call, call.body(), found(call))


def update(call: Call, body: Body, before: Contact) -> Reply:
    """What the body does not mention stays; `contact_persons`, if mentioned, is the whole new list."""
    after = replace(_filled(call, body, before), modified=call.now)
    return save(call, before, after, "Contact has been updated successfully", with_detail=True)


def upsert_contact(call: Call) -> Reply:
    """PUT without an id: the record of the unique field's value, or, asked to, a new one (sheet, section 5)."""
    body = call.body()
    existing = upserted(call, call.org.contacts, "contact", "Contact")
    return create(call, body) if existing is None else update(call, body, existing)


def _filled(call: Call, body: Body, contact: Contact) -> Contact:
    """The contact with everything the body says."""
    org = call.org
    texts = {name: body.text(name, longest=most) for name, most in PLAIN.items() if body.has(name)}
    after = replace(
        contact,
        name=_name(call, body, contact),
        contact_type=body.choice("contact_type", TYPES, contact.contact_type),
        sub_type=body.choice("customer_sub_type", SUB_TYPES, contact.sub_type),
        notes=body.text("notes", contact.notes, 36_000),
        currency_id=_currency_id(call, body, contact),
        payment_terms=_terms(body, contact.payment_terms),
        credit_limit=body.amount("credit_limit") if body.text("credit_limit") else contact.credit_limit,
        is_taxable=body.flag("is_taxable", contact.is_taxable),
        tax_id=body.id("tax_id", contact.tax_id),
        tax_exemption_id=body.id("tax_exemption_id", contact.tax_exemption_id),
        tax_authority_id=body.id("tax_authority_id", contact.tax_authority_id),
        portal_enabled=body.flag("is_portal_enabled", contact.portal_enabled),
        billing=read_address(body.part("billing_address"), contact.billing),
        shipping=read_address(body.part("shipping_address"), contact.shipping),
        persons=read_persons(call, body, contact.persons),
        custom=_custom(call, body, contact),
        tags=read_tags(call, body) if body.has("tags") else contact.tags,
        **texts,  # type: ignore[arg-type]
    )
    org.shares(after.tax_id)
    if body.has("payment_terms") and not body.has("payment_terms_label"):
        after = replace(after, payment_terms_label=terms_label(after.payment_terms))
    return after


def _name(call: Call, body: Body, contact: Contact) -> str:
    """Unique in the organisation, whoever has it (trap 4)."""
    if not body.has("contact_name"):
        return contact.name
    name = body.required("contact_name", 200)
    others = call.org.contacts.look_up("contact_name", name.casefold())
    if any(other.id != contact.id for other in others):
        raise name_taken(body.choice("contact_type", TYPES, contact.contact_type), name)
    return name


def _currency_id(call: Call, body: Body, contact: Contact) -> str:
    wanted = call.org.currency(body.id("currency_id", contact.currency_id)).id
    if wanted != contact.currency_id and contact.transactions:
        raise invalid("currency_id")
    return wanted


def _terms(body: Body, before: int) -> int:
    days = body.whole("payment_terms", before)
    if not -10 <= days <= 3650:
        raise invalid("payment_terms")
    return days


def terms_label(days: int) -> str:
    return "Due On Receipt" if days == 0 else f"Net {days}"


def _custom(call: Call, body: Body, contact: Contact) -> dict[str, str]:
    values = read_custom(body, call.org.fields_of("contact")) or {}
    check_unique(call, call.org.contacts, call.org.fields_of("contact"), values, contact.id)
    return {**contact.custom, **(values if contact.name else header_values(call, values))}


def read_tags(call: Call, body: Body) -> tuple[Tagged, ...]:
    """Reporting tags: options of tags that exist, one option of each (trap: these are no free labels)."""
    chosen: dict[str, str] = {}
    for row in body.rows("tags"):
        tag = call.org.tags.get(row.id("tag_id"))
        option_id = row.id("tag_option_id")
        if tag is None:
            raise invalid("tag_id")
        if option_id and option_id not in {option.id for option in tag.options}:
            raise invalid("tag_option_id")
        chosen[tag.id] = option_id
    return tuple(Tagged(tag_id, option_id) for tag_id, option_id in chosen.items() if option_id)


def delete_contact(call: Call) -> Reply:
    contact = found(call)
    if contact.transactions:
        raise Refusal(400, 3061, "Contacts with transactions cannot be deleted. Mark the contact as inactive instead.")
    call.org.contacts.drop(contact.id, call.now)
    call.org.comments.pop(contact.id, None)
    call.changed("contact", contact.id, "delete", {"contact": contact_detail(call.org, contact)})
    return done("The contact has been deleted.")


def activate_contact(call: Call) -> Reply:
    return _mark(call, "active")


def deactivate_contact(call: Call) -> Reply:
    return _mark(call, "inactive")


def _mark(call: Call, status: Literal["active", "inactive"]) -> Reply:
    before = found(call)
    after = replace(before, status=status, modified=call.now)
    return save(call, before, after, f"The contact has been marked as {status}.")


def put_tags(call: Call) -> Reply:
    before = found(call)
    after = replace(before, tags=read_tags(call, call.body()), modified=call.now)
    return save(call, before, after, "success")


def delete_tag(call: Call) -> Reply:
    before = found(call)
    left = tuple(tag for tag in before.tags if tag.tag_id != call.ids["tag_id"])
    if left == before.tags:
        raise absent("Tag")
    return save(call, before, replace(before, tags=left, modified=call.now), "success")


def list_refunds(call: Call) -> Reply:
    """Refunds of credit notes, which are not simulated: always none."""
    contact = found(call)
    context = {"page": 1, "per_page": 200, "has_more_page": False, "report_name": "Credit Note Refunds"}
    return done("success", creditnote_refunds=[], page_context=context | {"contact_id": contact.id})
