"""Money: a decimal and a currency, never a float."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, field_serializer, field_validator

# Currencies whose smallest unit is not a hundredth (ISO 4217); all others have two digits.
_DIGITS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_digits(currency: str) -> int:
    """How many digits the currency's smallest unit has behind the point."""
    return _DIGITS.get(currency, 2)


def decimal_of(value: object) -> Decimal:
    """A finite decimal from a string, an int or a Decimal; a float is refused, because it has already lost the cent."""
    if isinstance(value, bool | float):
        raise ValueError(f"money is never a {type(value).__name__}: pass a string or a Decimal")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"not a decimal number: {type(value).__name__} of {len(str(value))} characters") from error
    if not number.is_finite():
        raise ValueError("money is a finite number")
    return number


class Money(BaseModel):
    """An amount in one currency; sums and comparisons across currencies are errors."""

    model_config = ConfigDict(frozen=True)

    amount: Decimal
    currency: str

    @field_validator("amount", mode="before")
    @classmethod
    def _never_a_float(cls, value: Any) -> Decimal:
        return decimal_of(value)

    @field_validator("currency")
    @classmethod
    def _three_letters(cls, value: str) -> str:
        if len(value) != 3 or not value.isascii() or not value.isalpha() or not value.isupper():
            raise ValueError("a currency is three capital letters (ISO 4217)")
        return value

    @field_serializer("amount")
    def _as_string(self, amount: Decimal) -> str:
        return format(amount, "f")

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        return cls(amount=decimal_of(amount), currency=currency)

    @classmethod
    def of_minor(cls, units: int, currency: str) -> Self:
        return cls(amount=Decimal(units).scaleb(-minor_digits(currency)), currency=currency)

    @property
    def minor(self) -> int:
        """The amount in smallest units; an amount between two units is an error, not a rounding."""
        units = self.amount.scaleb(minor_digits(self.currency))
        if units != units.to_integral_value():
            raise ValueError(f"{self.currency} has {minor_digits(self.currency)} digits behind the point: round first")
        return int(units)

    def rounded(self) -> Self:
        """To the currency's smallest unit, half to even."""
        step = Decimal(1).scaleb(-minor_digits(self.currency))
        return self.model_copy(update={"amount": self.amount.quantize(step, rounding=ROUND_HALF_EVEN)})

    def __add__(self, other: Money) -> Self:
        return self.model_copy(update={"amount": self.amount + self._same_currency(other).amount})

    def __sub__(self, other: Money) -> Self:
        return self.model_copy(update={"amount": self.amount - self._same_currency(other).amount})

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same_currency(other).amount

    def _same_currency(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other
