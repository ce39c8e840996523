"""How the fields of a record are told: a column names the vendor's word and ours, and its type says how the value is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vendors.catalogue import CatalogueField, FieldType
from vendors.zoho_crm import wire
from vendors.zoho_crm.wire import Row

LINES = "lines"
_PARTS = ("street", "city", "state", "zip", "country")
_NO_ADDRESS = dict.fromkeys(("attention", "street", "street2", "city", "state", "zip", "country", "phone"))


@dataclass(frozen=True, slots=True)
class CrmField:
    """One field of a record."""

    theirs: str
    ours: str
    label: str
    type: FieldType = "text"
    part: str = ""
    """Of a lookup, what is told of the record that it leads to."""
    writable: bool = True
    may_lack: bool = False
    """Accounts with one currency have no field for it: it is left out there, and no fault of a record's."""

    @property
    def names(self) -> tuple[str, ...]:
        """What a list has to be asked for."""
        return (self.theirs,)

    def field(self) -> CatalogueField:
        return CatalogueField(self.ours, self.label, self.type, writable=self.writable)

    def told(self, found: Row) -> dict[str, Any]:
        """Under our name; nothing where the record does not mention it."""
        return {self.ours: self._value(found[self.theirs])} if self.theirs in found else {}

    def plain(self, value: Any) -> Any:
        """A value of a document in the form in which a record tells it."""
        return wire.text(value) if self.part else self._value(value)

    def given(self, plain: Any) -> dict[str, Any]:
        """As the vendor takes it; None is how it is emptied."""
        if self.part:
            return {self.theirs: {self.part: plain} if plain else None}
        return {self.theirs: wire.number(plain) if self.type in ("money", "number") and plain is not None else plain}

    def _value(self, value: Any) -> Any:
        if self.part:
            return wire.part(value, self.part)
        read: Callable[[Any], Any] = _READ.get(self.type) or wire.text
        return read(value)


@dataclass(frozen=True, slots=True)
class AddressColumns:
    """The five columns of an address, which are told as one."""

    ours: str
    label: str
    theirs: Mapping[str, str]
    """Our part -> the vendor's field."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.theirs.values())

    def field(self) -> CatalogueField:
        return CatalogueField(self.ours, self.label, "address")

    def told(self, found: Row) -> dict[str, Any]:
        """The vendor has one field for both lines of a street."""
        parts = {ours: wire.text(found[theirs]) for ours, theirs in self.theirs.items() if theirs in found}
        return {self.ours: parts | _lines(parts.get("street"))} if parts else {}

    def plain(self, value: Any) -> dict[str, str | None]:
        """What the vendor has no field for is left out: to whom, and the telephone."""
        parts = {part: wire.text(value.get(part)) for part in (*_PARTS, "street2")} if value else {}
        street = "\n".join(line for line in (parts.get("street"), parts.get("street2")) if line)
        return _NO_ADDRESS | parts | {"street": None, "street2": None} | _lines(street)

    def given(self, plain: Mapping[str, str | None]) -> dict[str, Any]:
        """As the vendor takes it; None is how a part is emptied."""
        street = "\n".join(line for line in (plain["street"], plain["street2"]) if line)
        return {theirs: (street or None) if ours == "street" else plain[ours] for ours, theirs in self.theirs.items()}


def _lines(street: str | None) -> dict[str, str | None]:
    first, _, second = (street or "").partition("\n")
    return {"street": first.strip(), **({"street2": second.strip()} if second.strip() else {})} if first.strip() else {}


def address(ours: str, label: str, prefix: str = "", code: str = "Code") -> AddressColumns:
    """By the vendor's prefix; what it calls the postal code differs by module."""
    theirs = ("Street", "City", "State", code, "Country")
    return AddressColumns(ours, label, {part: prefix + name for part, name in zip(_PARTS, theirs, strict=True)})


@dataclass(frozen=True, slots=True)
class LinesColumn:
    """The lines of a paper that is written, compared by their quantities and prices alone; a list has none."""

    theirs: str
    ours: str = LINES
    names: tuple[str, ...] = ()
    writable: bool = True

    def field(self) -> CatalogueField:
        return CatalogueField(self.ours, "Lines", "parts", in_list=False)

    def told(self, found: Row) -> dict[str, Any]:
        """By the reader's own word for them."""
        return {}

    def plain(self, value: Any) -> list[dict[str, str]]:
        return [{name: _number(line.get(name)) for name in ("quantity", "rate")} for line in value or ()]

    def given(self, plain: Any) -> dict[str, Any]:
        return {self.theirs: plain}


Column = CrmField | AddressColumns | LinesColumn


def _number(value: Any) -> str:
    """100 and 100.00 are one price."""
    return format(Decimal(str(value or "0")).normalize(), "f")


def _moment(value: Any) -> str | None:
    moment = wire.stamp(value)
    if value and moment is None:
        raise ValueError("This is no time.")
    return moment.isoformat() if moment else None


_READ: Mapping[FieldType, Callable[[Any], Any]] = {
    "datetime": _moment,
    "money": wire.amount,
    "number": wire.amount,
}
