"""One organisation: its profile, its settings and everything it stores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sandbox.zoho_books.catalogue import Currency, Item, Named, ReportingTag, Tax, TaxGroup, User
from sandbox.zoho_books.custom_fields import CustomField
from sandbox.zoho_books.documents import CreditNote, Invoice, Payment
from sandbox.zoho_books.hooks import Hook, HookHistory, Rule
from sandbox.zoho_books.money import ZERO, TaxRounding, TaxShare, rounded
from sandbox.zoho_books.packing import Packer
from sandbox.zoho_books.records import Comment, Contact
from sandbox.zoho_books.refusals import invalid
from sandbox.zoho_books.shelf import Shelf
from sandbox.zoho_books.shelves import (
    contact_shelf,
    credit_note_shelf,
    invoice_shelf,
    item_shelf,
    paper_shelves,
    payment_shelf,
)
from sandbox.zoho_books.stamps import day_of, stamp
from sandbox.zoho_books.switches import Switches

SHELVES = ("contacts", "invoices", "payments", "items", "credit_notes")


@dataclass
class Organisation:
    """A tenant of the vendor: lives in one data centre, is seen by its users, has one base currency and time zone."""

    id: str
    account: str
    name: str
    dc: str
    country: str
    time_zone: str
    users: list[User]
    created: int
    tax_rounding: TaxRounding = "entity_level"
    fields: list[CustomField] = field(default_factory=list)
    field_options: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of fields to choose from, by their id
    currencies: dict[str, Currency] = field(default_factory=dict)
    taxes: dict[str, Tax] = field(default_factory=dict)
    tax_groups: dict[str, TaxGroup] = field(default_factory=dict)
    tax_authorities: dict[str, Named] = field(default_factory=dict)
    tax_exemptions: dict[str, Named] = field(default_factory=dict)
    tags: dict[str, ReportingTag] = field(default_factory=dict)
    comments: dict[str, list[Comment]] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    histories: dict[str, HookHistory] = field(default_factory=dict)
    hooks_sent: dict[str, int] = field(default_factory=dict)  # by day
    last_id: int = 0
    last_numbers: dict[str, int] = field(default_factory=dict)
    receivables_touch_contact: bool = False

    def __post_init__(self) -> None:
        self.contacts: Shelf[Contact] = contact_shelf()
        self.invoices: Shelf[Invoice] = invoice_shelf(self.customer_name)
        self.payments: Shelf[Payment] = payment_shelf(self.customer_name)
        self.items: Shelf[Item] = item_shelf(self.tax_name)
        self.credit_notes: Shelf[CreditNote] = credit_note_shelf(self.customer_name)
        self.papers = paper_shelves()

    # Ids, numbers, times

    def new_id(self) -> str:
        """Numeric strings of 18 digits; the first ones tell the organisation, as the vendor's do."""
        self.last_id += 1
        return f"{self.id[-5:]}{self.last_id * 2 + 1:013d}"

    def next_number(self, kind: str) -> int:
        self.last_numbers[kind] = number = self.last_numbers.get(kind, 0) + 1
        return number

    def stamp(self, at: int) -> str:
        return stamp(at, self.time_zone)

    def today(self, now: int) -> str:
        return day_of(now, self.time_zone)

    # Settings

    @property
    def base(self) -> Currency:
        return next(currency for currency in self.currencies.values() if currency.base)

    def currency(self, currency_id: str) -> Currency:
        found = self.currencies.get(currency_id or self.base.id)
        if found is None:
            raise invalid("currency_id")
        return found

    def rate_on(self, currency: Currency, day: str) -> Decimal:
        """The organisation's rate of the day, or of the last day before it that has one."""
        if currency.base:
            return Decimal(1)
        known = sorted((rate for rate in currency.rates if rate.day <= day), key=lambda rate: rate.day)
        first = sorted(currency.rates, key=lambda rate: rate.day)[:1]
        return (known[-1:] or first)[0].rate if currency.rates else Decimal(1)

    def shares(self, tax_id: str) -> tuple[TaxShare, ...]:
        """The taxes behind a tax or tax group id."""
        if not tax_id:
            return ()
        group = self.tax_groups.get(tax_id)
        ids = group.tax_ids if group else (tax_id,)
        if any(one not in self.taxes for one in ids):
            raise invalid("tax_id")
        return tuple(TaxShare(one, self.taxes[one].name, self.taxes[one].percentage) for one in ids)

    def fields_of(self, module: str) -> list[CustomField]:
        return [one for one in self.fields if one.module == module]

    def customer_name(self, customer_id: str) -> str:
        contact = self.contacts.get(customer_id)
        return contact.name if contact else ""

    def tax_name(self, tax_id: str) -> str:
        if tax_id in self.tax_groups:
            return self.tax_groups[tax_id].name
        return self.taxes[tax_id].name if tax_id in self.taxes else ""

    # The ledger: what a customer owes follows every invoice, payment and credit note

    def put_invoice(self, invoice: Invoice, now: int) -> None:
        before = self.invoices.get(invoice.id)
        self.invoices.put(invoice, now)
        self._post({invoice.customer_id, before.customer_id if before else ""}, now)

    def drop_invoice(self, invoice: Invoice, now: int) -> None:
        self.invoices.drop(invoice.id, now)
        self._post({invoice.customer_id}, now)

    def put_payment(self, payment: Payment, now: int) -> None:
        self.payments.put(payment, now)
        self._post({payment.customer_id}, now)

    def drop_payment(self, payment: Payment, now: int) -> None:
        self.payments.drop(payment.id, now)
        self._post({payment.customer_id}, now)

    def put_credit_note(self, note: CreditNote, now: int) -> None:
        self.credit_notes.put(note, now)
        self._post({note.customer_id}, now)

    def drop_credit_note(self, note: CreditNote, now: int) -> None:
        self.credit_notes.drop(note.id, now)
        self._post({note.customer_id}, now)

    def _post(self, customer_ids: set[str], now: int) -> None:
        for customer_id in sorted(customer_ids):
            contact = self.contacts.get(customer_id)
            if contact is not None:
                posted = self.posted(contact)
                moved = replace(posted, modified=now) if self.receivables_touch_contact else posted
                self.contacts.put(moved, now)

    def posted(self, contact: Contact) -> Contact:
        """The contact with its balances added up from the ledger."""
        invoices = self.invoices.look_up("customer_id", contact.id)
        payments = self.payments.look_up("customer_id", contact.id)
        notes = self.credit_notes.look_up("customer_id", contact.id)
        owed = [self._in_currency_of(contact, one.balance, one) for one in invoices if one.in_ledger]
        unused = [self._in_currency_of(contact, one.unused, one) for one in payments]
        unused += [self._in_currency_of(contact, one.balance, one) for one in notes if one.status == "open"]
        return replace(
            contact,
            receivable=sum(owed, ZERO),
            credits=sum(unused, ZERO),
            transactions=len(invoices) + len(payments) + len(notes),
        )

    def _in_currency_of(self, contact: Contact, amount: Decimal, of: Invoice | Payment | CreditNote) -> Decimal:
        """An amount of a document in its customer's currency, at the document's own rate."""
        if of.currency_id == contact.currency_id:
            return amount
        currency = self.currency(contact.currency_id)
        return rounded(amount * of.exchange_rate / self.rate_on(currency, of.date), currency.precision)

    # Snapshots

    def dump(self, packer: Packer) -> dict[str, Any]:
        found = dict(self.__dict__)
        for name in SHELVES:
            found[name] = packer.packed(name, found[name])
        return found | {"papers": {key: packer.packed("papers", shelf) for key, shelf in self.papers.items()}}

    @staticmethod
    def load(dumped: dict[str, Any], packer: Packer) -> Organisation:
        plain = {name: value for name, value in dumped.items() if name not in (*SHELVES, "papers")}
        made = Organisation(**plain)
        for name in SHELVES:
            getattr(made, name).restore(packer.unpacked(name, dumped[name]))
        for key, packed in dumped.get("papers", {}).items():
            made.papers[key].restore(packer.unpacked("papers", packed))
        made.warm()
        return made

    def versions(self) -> tuple[int, ...]:
        """Changes with every change of a record: what is remembered of a list is good as long as this is the same."""
        return tuple(shelf.version for shelf in self._shelves())

    def warm(self) -> None:
        """Build the orders most lists ask for."""
        self.contacts.warm("contact_name", "last_modified_time")
        self.invoices.warm("created_time")
        self.payments.warm("created_time")

    def follow(self, switches: Switches) -> None:
        """What the switches mean here: lists that lag need to know what was."""
        self.receivables_touch_contact = switches.receivables_touch_contact
        self.tax_rounding = "item_level" if switches.taxes_by_line else "entity_level"
        for shelf in self._shelves():
            shelf.keeps_past = switches.list_lag_s > 0

    def _shelves(self) -> list[Shelf[Any]]:
        return [*(getattr(self, name) for name in SHELVES), *self.papers.values()]
