"""Seeded invoices and the payments that settle them: paid, part-paid, late, open, draft and void."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from sandbox.zoho_books.catalogue import Item
from sandbox.zoho_books.documents import Allocation, Invoice, Line, Payment
from sandbox.zoho_books.invoice_status import settled
from sandbox.zoho_books.invoice_views import invoice_terms
from sandbox.zoho_books.lines import charges
from sandbox.zoho_books.money import ZERO, rounded, totals
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.records import Contact

LAST_DAY = date(2026, 6, 20)
FAR = "2032-12-31"  # due so late that it is not overdue while this program lives
DAY_S = 86_400
EPOCH = date(1970, 1, 1)
QUANTITIES = tuple(Decimal(one) for one in ("1", "2", "3", "5", "10", "1.5"))
MODES = ("banktransfer", "creditcard", "cash", "check")


def add_invoices(
    org: Organisation, chance: random.Random, contacts: Sequence[Contact], count: int, *, trouble: bool
) -> None:
    """`count` invoices spread over the customers; with trouble a part of them is late."""
    if not contacts:
        return
    invoices: dict[str, Invoice] = {}
    payments: dict[str, Payment] = {}
    maker = Maker(org, chance, list(org.items), trouble=trouble)
    for at in range(count):
        invoice, payment = maker.invoice(at, contacts[at * 7 % len(contacts)])
        invoices[invoice.id] = invoice
        if payment is not None:
            payments[payment.id] = payment
    org.invoices.restore(invoices)
    org.payments.restore(payments)
    org.last_numbers["invoice"] = count
    org.last_numbers["payment"] = len(payments)


@lru_cache(maxsize=4_096)
def iso(day: date) -> str:
    """A day as text; one string for all documents of the day, of which there are many."""
    return day.isoformat()


class Maker:
    """Makes invoices, one after the other."""

    def __init__(self, org: Organisation, chance: random.Random, items: list[Item], *, trouble: bool) -> None:
        self._org, self._chance, self._items, self._trouble = org, chance, items, trouble
        self._paid = 0
        # What an item costs in each currency, worked out once.
        self._rates: dict[tuple[str, str], Decimal] = {}

    def invoice(self, at: int, customer: Contact) -> tuple[Invoice, Payment | None]:
        org, day = self._org, LAST_DAY - timedelta(days=self._chance.randrange(0, 700))
        currency = org.currencies[customer.currency_id]
        created = (day - EPOCH).days * DAY_S + 8 * 3600 + at % 30_000
        invoice = Invoice(
            id=org.new_id(),
            number=f"INV-{at + 1:06d}",
            customer_id=customer.id,
            created=created,
            modified=created,
            currency_id=currency.id,
            exchange_rate=org.rate_on(currency, iso(day)),
            date=iso(day),
            due_date=iso(day + timedelta(days=30)),
            lines=tuple(self._line(customer.currency_id) for _ in range(1 + at % 3)),
            sub_total=ZERO,
            discount_total=ZERO,
            tax_total=ZERO,
            total=ZERO,
            status="sent",
            payment_terms=30,
            payment_terms_label="Net 30",
            reference_number=f"PO-{at * 13 % 99_991:05d}" if at % 2 else "",
        )
        return self._settled(at, self._figured(invoice), day)

    def _line(self, currency_id: str) -> Line:
        item = self._items[self._chance.randrange(len(self._items))]
        quantity = QUANTITIES[self._chance.randrange(len(QUANTITIES))]
        rate = self._rate(item, currency_id)
        return Line(self._org.new_id(), item.id, item.name, "", rate, quantity, item.unit, tax_id=item.tax_id)

    def _rate(self, item: Item, currency_id: str) -> Decimal:
        key = (item.id, currency_id)
        if key not in self._rates:
            currency = self._org.currencies[currency_id]
            self._rates[key] = rounded(item.rate / self._org.rate_on(currency, "2026-01-01"), currency.precision)
        return self._rates[key]

    def _figured(self, invoice: Invoice) -> Invoice:
        figures = totals(charges(self._org, invoice.lines), invoice_terms(self._org, invoice))
        invoice.sub_total, invoice.tax_total, invoice.total = figures.sub_total, figures.tax_total, figures.total
        invoice.discount_total, invoice.taxes = figures.discount, figures.taxes
        return invoice

    def _settled(self, at: int, invoice: Invoice, day: date) -> tuple[Invoice, Payment | None]:
        """Of twenty: one draft, one void, two not due; with trouble two late, two paid in part; the others are paid."""
        match at % 20:
            case 3:
                return replace(invoice, status="draft"), None
            case 7:
                return replace(invoice, status="void"), None
            case 11 | 15:
                return replace(invoice, due_date=FAR), None
            case 2 | 13 if self._trouble:
                return invoice, None
            case 5 if self._trouble:
                later = replace(invoice, due_date=FAR)
                return self._with_payment(later, day, rounded(invoice.total / 3, self._digits(invoice)))
            case 18 if self._trouble:
                return self._with_payment(invoice, day, rounded(invoice.total / 2, self._digits(invoice)))
        return self._with_payment(invoice, day, invoice.total)

    def _digits(self, invoice: Invoice) -> int:
        return self._org.currencies[invoice.currency_id].precision

    def _with_payment(self, invoice: Invoice, day: date, amount: Decimal) -> tuple[Invoice, Payment]:
        self._paid += 1
        paid_on = day + timedelta(days=self._paid % 9)
        at = (paid_on - EPOCH).days * DAY_S + 12 * 3600 + self._paid % 30_000
        part = Allocation(self._org.new_id(), invoice.id, amount, iso(paid_on))
        payment = Payment(
            self._org.new_id(), str(self._paid), invoice.customer_id, at, at, invoice.currency_id,
            invoice.exchange_rate, iso(paid_on), MODES[self._paid % len(MODES)], amount, (part,),
        )  # fmt: skip
        invoice = replace(invoice, paid=amount, last_payment_date=iso(paid_on), modified=at)
        return settled(invoice), payment
