"""How one module is read: what a row of the table in `readers.py` says, and what a record of it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vendors.catalogue import CatalogueField
from vendors.zoho_crm import wire
from vendors.zoho_crm.columns import Column, CrmField
from vendors.zoho_crm.wire import Row, UnreadableRecord

STAMP, AUTHOR = "Modified_Time", "Modified_By"
_TIMES = (
    CrmField("Created_Time", "created_at", "Created Time", "datetime", writable=False),
    CrmField(STAMP, "updated_at", "Modified Time", "datetime", writable=False),
)


@dataclass(frozen=True, slots=True)
class ModuleReader:
    """One module of the CRM as records of one kind."""

    entity: str
    module: str
    title: str
    """As people see it."""
    columns: tuple[Column, ...]
    lines: str = ""
    """The subform that has the lines of a paper; only a read by id tells it."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """What a list has to be asked for besides, so that it has all of them."""
    larger: bool = False
    """Whether only editions from Professional up have it."""
    ours: str = ""
    """The field of our own that has the record's id at the other system. Lists tell it, so that matching by it costs no read a record."""

    @property
    def path(self) -> str:
        return f"/{self.module}"

    @property
    def every(self) -> tuple[Column, ...]:
        return (*self.columns, *_TIMES)

    @property
    def names(self) -> str:
        """What a list is asked for; a field that the account does not have is left out of its answer."""
        names = [name for column in self.every for name in column.names]
        return ",".join(dict.fromkeys([*names, *([self.ours] if self.ours else []), AUTHOR]))

    @property
    def catalogue(self) -> tuple[CatalogueField, ...]:
        """The fields that every account's records have."""
        return tuple(column.field() for column in self.every)

    @property
    def detail_only(self) -> frozenset[str]:
        """A list names its fields, and which ones an account has added only its settings know."""
        return frozenset({"custom", *(["lines"] if self.lines else [])})

    @property
    def known(self) -> frozenset[str]:
        """The vendor's names of what the columns tell."""
        return frozenset({*(name for column in self.every for name in column.names), self.lines})

    def row(self, found: Row) -> dict[str, Any]:
        """What a row of a list tells."""
        parsed = self._told(found)
        if self.ours:
            parsed["custom"] = {self.ours: self._own(found)}
        return wire.fields(self.entity, parsed)

    def _own(self, found: Row) -> str | None:
        """An account that has no such field has no value of it."""
        try:
            return wire.plain(found.get(self.ours))
        except _ODD as error:
            raise self._unreadable() from error

    def detail(self, found: Row) -> dict[str, Any]:
        """What a record read by id tells: all there is, under the vendor's names where we have none."""
        parsed = self._told(found)
        try:
            parsed["custom"] = {
                name: wire.plain(value)
                for name, value in found.items()
                if name not in self.known and wire.is_told(name)
            } | ({self.ours: self._own(found)} if self.ours else {})
            if self.lines and isinstance(found.get(self.lines), list):
                parsed["lines"] = [_line(line) for line in found[self.lines]]
        except _ODD as error:
            raise self._unreadable() from error
        return wire.fields(self.entity, parsed)

    def _told(self, found: Row) -> dict[str, Any]:
        try:
            return {name: value for column in self.every for name, value in column.told(found).items()}
        except _ODD as error:
            raise self._unreadable() from error

    def _unreadable(self) -> UnreadableRecord:
        return UnreadableRecord(f"The {self.entity} is of a form that the vendor's sheet does not know.")


_ODD = (TypeError, AttributeError, ArithmeticError, LookupError, ValueError)


def author_of(found: Row) -> str:
    """Who has made this version; empty where the answer does not say."""
    author = found.get(AUTHOR)
    return str(author.get("id") or "") if isinstance(author, Mapping) else ""


def _line(line: Row) -> dict[str, Any]:
    """One line of a paper; what is sold stands in it as a lookup."""
    product = line.get("Product_Name")
    return {
        "sku": wire.text(product.get("Product_Code")) if product else None,
        "name": wire.part(product, "name"),
        "quantity": wire.amount(line.get("Quantity")) or "0",
        "rate": wire.amount(line.get("List_Price")) or "0",
        "discount": wire.amount(line.get("Discount")),
        "tax": wire.amount(line.get("Tax")),
        "total": wire.amount(line.get("Total")),
    }
