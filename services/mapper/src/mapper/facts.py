"""Facts of a record, computed from what other records tell of it: always from all of their rows, never from what they were before.

Pure: rows and a day come in, values come out, with the next day on which the calendar alone changes one of them, and what they were made of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from common.contracts.facts import INVOICE, PAYMENT, stands_for
from common.contracts.ids import Entity, RecordId
from common.contracts.money import decimal_of

# What a person has not sent yet, and what was taken back, is nobody's debt and no sign of life.
NOT_COUNTED = frozenset({"draft", "void"})
A_DAY = timedelta(days=1)
NAMED = 20
RULE = "named_by"
"""In what a record tells of one that it names: how it came to name that one."""


class FeedRow(NamedTuple):
    """What one record tells of another, as far as facts need it."""

    entity: Entity
    record: RecordId
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What is so on a day."""

    values: Mapping[str, Any]
    next_on: date | None = None
    """The first later day on which something of it may be otherwise although nobody changes anything."""
    made_of: Mapping[str, Any] = field(default_factory=dict)
    """What was counted: for whoever asks why."""


@dataclass(frozen=True, slots=True)
class _Bill:
    """An invoice that counts, or a supplier's bill."""

    record: RecordId
    issued: date | None
    due: date | None
    currency: str
    total: Decimal
    balance: Decimal
    says_late: bool

    @property
    def paid(self) -> Decimal:
        """What is not to be paid any more: by money, or by a credit."""
        return self.total - self.balance

    @property
    def is_open(self) -> bool:
        return self.balance > 0

    def late(self, today: date) -> bool:
        """From the day after the one on which it is due; where no day is known, the source's own word counts."""
        return self.is_open and (self.due < today if self.due is not None else self.says_late)


def facts_of(rows: Iterable[FeedRow], today: date) -> RecordFacts:
    """Everything but what a mapping's own options decide."""
    listed = list(rows)
    counted = [row for row in listed if row.fields.get("status") not in NOT_COUNTED]
    bills = [_bill(row) for row in counted if stands_for(row.entity) == INVOICE]
    open_ones = [bill for bill in bills if bill.is_open]
    late = [bill for bill in open_ones if bill.late(today)]
    values = {
        "last_invoice_on": _iso(max((bill.issued for bill in bills if bill.issued), default=None)),
        "invoice_count": len(bills),
        **_sums("invoiced", bills, lambda bill: bill.total),
        **_sums("paid", bills, lambda bill: bill.paid),
        **_sums("outstanding", open_ones, lambda bill: bill.balance),
        **_sums("overdue", late, lambda bill: bill.balance),
        "payment_status": _status(bills, open_ones, late),
        "currencies": sorted({bill.currency for bill in bills if bill.currency}),
        "named_by": sorted({str(row.fields[RULE]) for row in listed if row.fields.get(RULE)}),
        "last_payment_on": _iso(max((day for row in listed if (day := _paid(row))), default=None)),
    }
    next_on = min((bill.due + A_DAY for bill in open_ones if bill.due is not None and bill.due >= today), default=None)
    made_of = {"invoices": _ids(bills), "open": _ids(open_ones), "late": _ids(late), RULE: values[RULE]}
    return RecordFacts(values, next_on, {"on": today.isoformat()} | {name: ids for name, ids in made_of.items() if ids})


def _bill(row: FeedRow) -> _Bill:
    told = row.fields
    return _Bill(
        record=row.record,
        issued=_day(told.get("issued_on")),
        due=_day(told.get("due_on")),
        currency=str(told.get("currency") or ""),
        total=decimal_of(told.get("total") or "0"),
        balance=decimal_of(told.get("balance") or "0"),
        says_late=told.get("status") == "overdue",
    )


def _sums(name: str, bills: Sequence[_Bill], amount_of: Callable[[_Bill], Decimal]) -> dict[str, Any]:
    """One amount where it is of one currency; amounts of several are never added up."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for bill in bills:
        sums[bill.currency] += amount_of(bill)
    amounts = {currency: format(amount, "f") for currency, amount in sorted(sums.items())}
    alone = next(iter(amounts.values()), "0") if len(amounts) < 2 else None
    return {name: alone, f"{name}_in": amounts}


def _status(bills: Sequence[_Bill], open_ones: Sequence[_Bill], late: Sequence[_Bill]) -> str:
    if late:
        return "overdue"
    if open_ones:
        return "open"
    return "paid" if bills else "none"


def _paid(row: FeedRow) -> date | None:
    return _day(row.fields.get("paid_on")) if stands_for(row.entity) == PAYMENT else None


def _ids(bills: Sequence[_Bill]) -> list[RecordId]:
    """The first of them, in the order of their ids; the journal is no list of invoices."""
    return sorted(bill.record for bill in bills)[:NAMED]


def _day(value: Any) -> date | None:
    return date.fromisoformat(value[:10]) if isinstance(value, str) and value else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
