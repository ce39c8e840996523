"""Records as flat tuples of plain values, for snapshots: a hundred thousand invoices in a second, where pickling took four.

Decimals become text and come back shared: most amounts, quantities and rates occur many times.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from sandbox.zoho_books.catalogue import Item
from sandbox.zoho_books.custom_fields import NO_VALUES
from sandbox.zoho_books.documents import Allocation, CreditNote, Invoice, Line, Payment, Refund
from sandbox.zoho_books.money import Discount, TaxAmount
from sandbox.zoho_books.papers import Paper
from sandbox.zoho_books.records import Address, Contact, Person, Tagged

Change = Callable[[Any], Any]


class Form(NamedTuple):
    """How one kind of value is written and read."""

    write: Change
    read: Change


class Amounts(dict[str, Decimal]):
    """Text to Decimal, each made once."""

    def __missing__(self, text: str) -> Decimal:
        made = self[text] = Decimal(text)
        return made


def _rows(kind: Callable[..., Any], columns: Mapping[str, Form], names: tuple[str, ...]) -> Form:
    """A tuple of named tuples, some of whose columns are not plain."""
    writes = [(names.index(name), form.write) for name, form in columns.items()]
    reads = [(names.index(name), form.read) for name, form in columns.items()]

    def write(rows: Iterable[Any]) -> Any:
        return tuple([_changed(row, writes) for row in rows])

    def read(rows: Iterable[Any]) -> Any:
        return tuple([kind(*_changed(row, reads)) for row in rows])

    return Form(write, read)


def _changed(row: Iterable[Any], changes: list[tuple[int, Change]]) -> tuple[Any, ...]:
    if not changes:
        return tuple(row)
    values = list(row)
    for at, change in changes:
        values[at] = change(values[at])
    return tuple(values)


class Packer:
    """Writes and reads all kinds of records; one for each snapshot, since it remembers the amounts it has read."""

    def __init__(self) -> None:
        amount = Form(str, Amounts().__getitem__)
        discount = Form(
            lambda one: (str(one.value), one.is_percentage), lambda pair: Discount(amount.read(pair[0]), pair[1])
        )
        tags = _rows(Tagged, {}, Tagged._fields)
        address = Form(lambda one: one and tuple(one), lambda one: one and Address(*one))
        parts = _rows(Allocation, {"amount": amount, "withheld": amount}, Allocation._fields)
        lines = {"rate": amount, "quantity": amount, "discount": discount, "tags": tags}
        custom = Form(dict, lambda values: values or NO_VALUES)
        maybe = Form(lambda one: None if one is None else str(one), lambda one: None if one is None else Decimal(one))
        common = {"custom": custom, "tags": tags, "allocations": parts}
        taxes = _rows(TaxAmount, {"amount": amount}, TaxAmount._fields)
        documents = {"lines": _rows(Line, lines, Line._fields), "taxes": taxes}
        money = dict.fromkeys(
            (
                "exchange_rate", "sub_total", "discount_total", "tax_total", "total", "shipping", "adjustment", "paid",
                "credited", "written_off", "withheld", "amount", "bank_charges", "rate", "receivable", "credits",
            ),
            amount,
        )  # fmt: skip
        forms = {
            **common, **documents, **money, "discount": discount, "credit_limit": maybe, "billing": address,
            "shipping_address": address, "addresses": _rows(Address, {}, Address._fields),
            "persons": _rows(Person, {}, Person._fields),
            "refunds": _rows(Refund, {"amount": amount}, Refund._fields),
        }  # fmt: skip
        self._kinds = {
            "contacts": _Kind(Contact, forms | {"shipping": address}),
            "invoices": _Kind(Invoice, forms),
            "payments": _Kind(Payment, forms),
            "items": _Kind(Item, forms),
            "credit_notes": _Kind(CreditNote, forms),
            "papers": _Kind(Paper, forms),
        }

    def packed(self, shelf: str, records: Iterable[Any]) -> bytes:
        kind = self._kinds[shelf]
        return marshal.dumps([kind.write(record) for record in records])

    def unpacked(self, shelf: str, packed: bytes) -> dict[str, Any]:
        kind = self._kinds[shelf]
        found = (kind.read(row) for row in marshal.loads(packed))  # noqa: S302 - our own snapshot
        return {record.id: record for record in found}


class _Kind:
    """One class of records: its fields in order, and the forms of those that are not plain."""

    def __init__(self, kind: type[Any], forms: Mapping[str, Form]) -> None:
        names: tuple[str, ...] = kind.__slots__
        self._kind, self._fields = kind, attrgetter(*names)
        self._writes = [(at, forms[name].write) for at, name in enumerate(names) if name in forms]
        self._reads = [(at, forms[name].read) for at, name in enumerate(names) if name in forms]

    def write(self, record: Any) -> tuple[Any, ...]:
        return _changed(self._fields(record), self._writes)

    def read(self, row: tuple[Any, ...]) -> Any:
        return self._kind(*_changed(row, self._reads))
