"""What all neutral records are made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from common.contracts.money import decimal_of

Amount = Annotated[Decimal, BeforeValidator(decimal_of), PlainSerializer(lambda d: format(d, "f"), return_type=str)]


class Neutral(BaseModel):
    """A record that nobody changes after it was read; unknown fields are an error of the source that wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Address(Neutral):
    """A postal address, each part as the source has it."""

    attention: str | None = None
    street: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    phone: str | None = None


class DocumentLine(Neutral):
    """One line of an invoice or a bill."""

    sku: str | None = None
    name: str | None = None
    quantity: Amount
    rate: Amount
    discount: Amount | None = None
    tax: Amount | None = None
    total: Amount | None = None
