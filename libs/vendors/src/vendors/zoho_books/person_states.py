"""The states of contact persons, each made of a state of its customer (decision 68)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId
from common.contracts.messages import Version
from common.failures import Failure, Rejected
from common.http.call import Api
from vendors.vendor import Page, Source, State, Subject
from vendors.zoho_books import contact_persons
from vendors.zoho_books.errors import ZB_WEBHOOK_UNREADABLE

CUSTOMER, PERSON = Entity("customer"), Entity("person")
# So many customers are read before their persons are shown to somebody who waits.
_TOGETHER = 20


def whole(subject: Subject) -> Subject:
    """The record that has to be read for it."""
    if subject.entity != PERSON:
        return subject
    return Subject(CUSTOMER, RecordId(contact_persons.ids_of(subject.record)[0]))


def answer(subject: Subject, read: State | Failure) -> State | Failure:
    """What the answer to the read says of the subject. R12: a person who is missing there is gone as of that answer."""
    if subject.entity != PERSON or isinstance(read, Failure):
        return read
    if read.kind == "deleted":
        return replace(read, entity=PERSON, record=subject.record)
    if "persons" not in read.fields:
        return Rejected(ZB_WEBHOOK_UNREADABLE.name, "The answer tells of no contact persons.")
    found = contact_persons.of_customer(read.record, read.fields).get(subject.record)
    if found is None:
        gone = Version(stamp=read.observed_at, settled=True)
        return State(PERSON, subject.record, "deleted", gone, "gone", {}, read.observed_at)
    return replace(read, entity=PERSON, record=subject.record, fields=found)


async def pages(connection: Connection, customers: Source, api: Api) -> AsyncIterator[Page]:
    async for page in customers.pages(connection, CUSTOMER, None, api):
        whose = [Subject(CUSTOMER, one.record) for one in page.states if one.fields.get("company")]
        for at in range(0, len(whose), _TOGETHER):
            read = await customers.read(connection, whose[at : at + _TOGETHER], api)
            yield Page([one for answer in read for one in _each(answer)], None)
        yield Page([], None, complete=page.complete)


def _each(customer: State | Failure) -> Iterable[State]:
    if isinstance(customer, Failure):
        raise customer
    return (
        replace(customer, entity=PERSON, record=RecordId(record), fields=told)
        for record, told in contact_persons.of_customer(customer.record, customer.fields).items()
    )
