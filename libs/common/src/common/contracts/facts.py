"""Facts: what is computed of a record from other records that tell of it, in neutral words. A customer's are made of its documents,
and so are a supplier's.

The list is closed. Each fact says which fields of which records it is made of: so a source that has no such records does not offer it, and
records that no mapping needs are not asked for. What audiences tell of a customer is a fact too, and nobody reads it for that: it is kept by whoever
hears of it. Amounts of several currencies are never added up: the fact without a currency then has no
value, and the one by currency has all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from common.contracts.ids import Entity

FACTS_ROOT = "facts"
FactType = Literal["date", "number", "money", "choice", "tags", "boolean", "text", "parts"]
PAYMENT_STATUSES = ("none", "paid", "open", "overdue")
"""Nothing was ever invoiced; nothing is left to be paid; something is, in time; something is, and late."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact, as people map it: `facts.<name>`."""

    name: str
    label: str
    type: FactType
    reads: Mapping[Entity, tuple[str, ...]]
    """The fields that it is made of, by the record's kind."""
    choices: tuple[str, ...] = ()
    by_currency: bool = False
    """It holds a value for each currency: `facts.<name>.EUR`."""
    of_gathered: bool = False
    """Only of records that exist by being named."""

    @property
    def path(self) -> str:
        return f"{FACTS_ROOT}.{self.name}"


INVOICE, PAYMENT = Entity("invoice"), Entity("payment")
AUDIENCE_EVENT = Entity("audience_event")
"""What an audience tells of a member: a row of our own, and no record of any source."""
CUSTOMER_ACTIVITY = Entity("customer_activity")
"""The same as a record of each customer of whom it tells, where a leg writes events one by one."""
_STAND_FOR = {Entity("bill"): INVOICE, Entity("supplier_payment"): PAYMENT}
_HEARD = {AUDIENCE_EVENT: ("at", "kind")}
_COUNTED = {INVOICE: ("status", "issued_on")}
_SUMS = {INVOICE: ("status", "currency", "total")}
_PAID = {INVOICE: ("status", "currency", "total", "balance")}
_OPEN = {INVOICE: ("status", "currency", "balance")}
_LATE = {INVOICE: ("status", "currency", "balance", "due_on")}

FACTS: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact("last_invoice_on", "Date of the last invoice", "date", _COUNTED),
        Fact("invoice_count", "Number of invoices", "number", _COUNTED),
        Fact("invoiced", "Invoiced, where all of it is in one currency", "money", _SUMS),
        Fact("invoiced_in", "Invoiced, by currency", "money", _SUMS, by_currency=True),
        Fact("paid", "Paid or credited, where all of it is in one currency", "money", _PAID),
        Fact("paid_in", "Paid or credited, by currency", "money", _PAID, by_currency=True),
        Fact("outstanding", "To be paid, where all of it is in one currency", "money", _OPEN),
        Fact("outstanding_in", "To be paid, by currency", "money", _OPEN, by_currency=True),
        Fact("overdue", "To be paid and late, where all of it is in one currency", "money", _LATE),
        Fact("overdue_in", "To be paid and late, by currency", "money", _LATE, by_currency=True),
        Fact("payment_status", "Payment status", "choice", _LATE, choices=PAYMENT_STATUSES),
        Fact("currencies", "Currencies of the invoices", "tags", {INVOICE: ("status", "currency")}),
        Fact("named_by", "How its invoices name it", "tags", {INVOICE: ("status",)}, of_gathered=True),
        Fact("last_payment_on", "Date of the last payment", "date", {PAYMENT: ("paid_on",)}),
        Fact("inactive", "Inactive, by the mapping's `inactive_if` and `inactive_after`", "boolean", _COUNTED),
        Fact("activity", "Newest activity at audiences", "parts", _HEARD),
        Fact("standing", "Standing at audiences, in a word", "text", _HEARD),
        Fact("open_rate", "Share of mails that were opened", "number", _HEARD),
        Fact("click_rate", "Share of mails in which something was clicked", "number", _HEARD),
    )
}
FROM_AUDIENCES = frozenset(name for name, fact in FACTS.items() if AUDIENCE_EVENT in fact.reads)


def stands_for(entity: Entity) -> Entity:
    """To a supplier its bills, and what was paid for them, are what invoices and payments are to a customer; every other kind is itself."""
    return _STAND_FOR.get(entity, entity)


def kept_fields(entity: Entity) -> tuple[str, ...]:
    """What facts need of a record of this kind."""
    found = (name for fact in FACTS.values() for name in fact.reads.get(stands_for(entity), ()))
    return tuple(dict.fromkeys(found))


def needed(names: Iterable[str]) -> frozenset[Entity]:
    """The kinds of records that these facts are made of, or what stands for them."""
    return frozenset(entity for name in names for entity in FACTS[name].reads)
