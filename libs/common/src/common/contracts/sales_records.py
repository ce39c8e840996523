"""What sales people keep of those they sell to: persons, who may belong to a customer, and deals. Stages and sources are the vendor's own words."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import AwareDatetime, SerializerFunctionWrapHandler, model_serializer

from common.contracts.neutral import Address, Amount, Neutral


class ContactPerson(Neutral):
    """Somebody of a customer, where persons are kept inside their customers."""

    id: str
    """By which it is a record of its own."""
    salutation: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    mobile: str | None = None
    title: str | None = None
    department: str | None = None
    is_primary: bool | None = None

    @model_serializer(mode="wrap")
    def _as_told(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was not told of one is not told of its record either."""
        return {name: value for name, value in whole(self).items() if name in self.model_fields_set}


class Person(Neutral):
    """Somebody by name: of a customer, of nobody, or of whom nobody knows yet whether they will buy."""

    id: str | None = None
    """As the programs of where it is kept name it."""
    name: str | None = None
    salutation: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    mobile: str | None = None
    title: str | None = None
    department: str | None = None
    company: str | None = None
    """As it is called where the person is kept."""
    customer_id: str | None = None
    is_primary: bool | None = None
    """Of all persons of the customer the first to be written to."""
    website: str | None = None
    status: str | None = None
    origin: str | None = None
    """How they came to us."""
    currency: str | None = None
    billing: Address | None = None
    shipping: Address | None = None
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class Deal(Neutral):
    """What may become a sale, and how far it is."""

    name: str | None = None
    stage: str | None = None
    amount: Amount | None = None
    currency: str | None = None
    exchange_rate: Amount | None = None
    closes_on: date | None = None
    probability: Amount | None = None
    """In per cent."""
    pipeline: str | None = None
    kind: str | None = None
    origin: str | None = None
    next_step: str | None = None
    customer_id: str | None = None
    customer: str | None = None
    person_id: str | None = None
    person: str | None = None
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
