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


class DocumentLine(Neutral):
    """One line of an invoice, an order or a bill."""

    sku: str | None = None
    name: str | None = None
    quantity: Amount
    rate: Amount
    discount: Amount | None = None
    tax: Amount | None = None
    total: Amount | None = None
