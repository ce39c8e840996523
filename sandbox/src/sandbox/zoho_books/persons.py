"""Contact persons: inside a contact's own requests, and by their own addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sandbox.zoho_books.call import Call, Reply, created, done
from sandbox.zoho_books.contact_store import found, save
from sandbox.zoho_books.contact_views import person_view
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.records import Contact, Person
from sandbox.zoho_books.refusals import absent, invalid
from sandbox.zoho_books.wire import Body, Document

MOST = 200
LENGTHS = {
    "salutation": 25, "first_name": 100, "last_name": 100, "email": 100, "phone": 50, "mobile": 30,
    "designation": 50, "department": 50, "skype": 50,
}  # fmt: skip


def read_persons(call: Call, body: Body, before: tuple[Person, ...]) -> tuple[Person, ...]:
    """The list of a contact's request: it replaces the old one, entries without an id are new (trap 5)."""
    if not body.has("contact_persons"):
        return before
    known = {person.id: person for person in before}
    found: list[Person] = []
    for row in body.rows("contact_persons", MOST):
        person_id = row.id("contact_person_id")
        if person_id and person_id not in known:
            raise absent("Contact person")
        found.append(_filled(row, known.get(person_id) or Person(call.org.new_id())))
    return with_primary(found)


def _filled(body: Body, person: Person) -> Person:
    said = {name: body.text(name, longest=most) for name, most in LENGTHS.items() if body.has(name)}
    if said.get("email") and not _is_address(said["email"]):
        raise invalid("email")
    preference = body.part("communication_preference")
    return person._replace(
        primary=body.flag("is_primary_contact", person.primary),
        portal=body.flag("enable_portal", person.portal),
        sms=preference.flag("is_sms_enabled", person.sms),
        whatsapp=preference.flag("is_whatsapp_enabled", person.whatsapp),
        **said,
    )


def _is_address(text: str) -> bool:
    name, at, domain = text.strip().rpartition("@")
    return bool(name and at and "." in domain) and not any(sign.isspace() for sign in text.strip())


def with_primary(persons: Sequence[Person]) -> tuple[Person, ...]:
    """Exactly one is primary: the last that was called so, or else the first."""
    if not persons:
        return ()
    named = [at for at, person in enumerate(persons) if person.primary]
    chosen = named[-1] if named else 0
    return tuple(person._replace(primary=at == chosen) for at, person in enumerate(persons))


def list_all(call: Call) -> Reply:
    """Every contact person of the organisation, contact by contact."""
    every = (
        person_row(contact, person)
        for contact in call.org.contacts.walk("contact_name", descending=False)
        for person in contact.persons
    )
    return small_page(call, "contact_persons", "Contact Persons", every, "contact_name")


def list_of_contact(call: Call) -> Reply:
    contact = found(call)
    rows = (person_row(contact, person) for person in contact.persons)
    return small_page(call, "contact_persons", "Contact Persons", rows, "contact_person_id")


def person_row(contact: Contact, person: Person) -> Document:
    return {"contact_id": contact.id, "contact_name": contact.name} | person_view(person)


def get_person(call: Call) -> Reply:
    contact, person = _named(call)
    return done("success", contact_person=person_row(contact, person))


def create_person(call: Call) -> Reply:
    body = call.body()
    contact = call.org.contacts.get(body.required("contact_id"))
    if contact is None:
        raise absent("Contact")
    body.required("first_name", LENGTHS["first_name"])
    if len(contact.persons) >= MOST:
        raise invalid("contact_persons")
    person = _filled(body, Person(call.org.new_id()))
    after = _stored(call, contact, [*contact.persons, person])
    shown = next(one for one in after.persons if one.id == person.id)
    return created("The contactperson has been Created", contact_person=[person_row(after, shown)])


def update_person(call: Call) -> Reply:
    contact, person = _named(call)
    body = call.body()
    if body.has("first_name"):
        body.required("first_name", LENGTHS["first_name"])
    changed = _filled(body, person)
    others = (one._replace(primary=one.primary and not changed.primary) for one in contact.persons)
    after = _stored(call, contact, [changed if one.id == person.id else one for one in others])
    shown = next(one for one in after.persons if one.id == person.id)
    return done("The contactperson details has been updated.", contact_person=[person_row(after, shown)])


def delete_person(call: Call) -> Reply:
    contact, person = _named(call)
    _stored(call, contact, [one for one in contact.persons if one.id != person.id])
    return done("The contact person has been deleted.")


def make_primary(call: Call) -> Reply:
    contact, person = _named(call)
    _stored(call, contact, [one._replace(primary=one.id == person.id) for one in contact.persons])
    return done("This contact person has been marked as your primary contact person.")


def _stored(call: Call, contact: Contact, persons: Sequence[Person]) -> Contact:
    after = replace(contact, persons=with_primary(persons), modified=call.now)
    save(call, contact, after, "")
    return after


def _named(call: Call) -> tuple[Contact, Person]:
    person_id = call.ids["contact_person_id"]
    for contact in _where(call, person_id):
        for person in contact.persons:
            if person.id == person_id:
                return contact, person
    raise absent("Contact person")


def _where(call: Call, person_id: str) -> Iterator[Contact]:
    if "contact_id" in call.ids:
        yield found(call)
    else:
        yield from call.org.contacts.look_up("person_id", person_id)
