"""People who work at both sides: they enter records and edit them, one thing or two at a time, and all of it is on a list."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.chaos.sides.judge import Edit
from tests.chaos.sides.records import (
    ADDRESS,
    ALONE,
    BOOKS,
    COMPANY,
    CRM,
    MODULES,
    PERSON,
    SIDES,
    THINGS,
    Found,
    Side,
    Who,
    in_books,
    in_crm,
    parts,
    said,
    wanted,
)
from tests.contract.sandbox.zoho_crm.crm import Crm, account_of
from tests.e2e.road import Road
from tests.e2e.sales import Sales

SPELLINGS = {
    "email": "P{0}@Edit{0}.example", "phone": "+43 (1) {0}", "mobile": "+43 660 {0}", "website": "https://w{0}.example",
    "first": "ida e{0}", "last": "alder e{0}", "title": "Head of {0}", "name": "Works {0}", ADDRESS: "{0}",
}  # fmt: skip
TWO_AT_ONCE, ONE_OF = 4, 7
NEW_EVERY = 12
# The field by which a customer whom we make is found again, as a person makes it in Books.
KEY = {"do": "add_custom_field", "module": "contact", "label": "Zoho CRM id", "api_name": "cf_zoho_crm_id", "unique": True, "in_lists": True}  # fmt: skip


@dataclass
class People:
    """Everybody; `edits` is what they did, `under` whose persons are whose."""

    road: Road
    seed: int
    org: str = "demo"
    account: str = "demo"
    births: bool = True
    """Whether new records are entered now and then."""
    edits: list[Edit] = field(default_factory=list)
    under: dict[Who, str] = field(default_factory=dict)
    locked: Who | None = None
    _marks: int = 0
    _numbers: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(f"sides:{self.seed}")
        self.sales = Sales(self.road.sandbox, self.account)
        account = account_of(self.road.sandbox, self.sales.account)
        self._crm = Crm(account["base_url"], account["operator_token"])
        self.there: dict[str, Side] = {side: Side() for side in SIDES}

    # --- what is there

    def look(self) -> dict[str, Side]:
        """Both sides as their simulators hold them."""
        books: dict[str, dict[str, dict[str, list[dict[str, object]]]]] = self.road.sandbox.get(
            "state/zoho-books", account=self.org
        )  # type: ignore[assignment]
        everybody = {
            BOOKS: in_books(books["accounts"][self.org]["contacts"]),
            CRM: in_crm(self.sales.state()["records"]),
        }
        self.there = {name: side.marked(f"m{self.seed}n") for name, side in everybody.items()}
        return self.there

    def on_both(self) -> list[Who]:
        return sorted(set(self.there[BOOKS].found) & set(self.there[CRM].found))

    # --- what they do

    def act(self) -> None:
        """An edit of one record, and now and then a new one."""
        if self._chance.randrange(NEW_EVERY) == 0 and self.births:
            self.enter(self._chance.choice((COMPANY, PERSON, PERSON, ALONE)), self._chance.choice(SIDES))
        else:
            self.edit_somebody()

    def enter(self, kind: str, side: str) -> Who | None:
        """A new record at a side; a person under a company that is there."""
        firms = [one for one in self.there[side].found if one.kind == COMPANY]
        if kind == PERSON and not firms:
            kind = COMPANY
        self._marks += 1
        who = Who(kind, f"m{self.seed}n{self._marks}")
        values = {name: self._value(name) for name in THINGS[kind]}
        if kind == PERSON:
            firm = self._chance.choice(firms)
            self.under[who] = firm.mark
            self._enter_person(who, self.there[side].found[firm], values, side)
        elif side == BOOKS:
            self._enter_customer(who, values)
        else:
            mark = {"Shipping_City" if kind == COMPANY else "Other_City": who.mark}
            self.sales.made(MODULES[kind], **mark, **dict(wanted(kind, values)))
        self._note(who, side, dict.fromkeys(values, ""), values)
        return who

    def edit_somebody(self) -> None:
        side = self._chance.choice(SIDES)
        there = [one for one in self.there[side].found if not (side == CRM and one == self.locked)]
        if there:
            who = self._chance.choice(there)
            many = 2 if self._chance.randrange(ONE_OF) == 0 else 1
            self.edit(who, side, *self._chance.sample(sorted(THINGS[who.kind]), many))

    def edit_one(self, who: Who) -> None:
        """Anything of this record, at any side."""
        self.edit(who, self._chance.choice(SIDES), self._chance.choice(sorted(THINGS[who.kind])))

    def edit(self, who: Who, side: str, *things: str) -> None:
        """These things of a record, in one go; what stood there before is what its author has seen."""
        values = {name: self._value(name) for name in things}
        before = self._shown(who, side)
        if side == CRM:
            self.sales.edited(MODULES[who.kind], before.id, **dict(wanted(who.kind, values)))
        else:
            self._edit_in_books(who, before, values)
        self._note(who, side, before.values, values)

    # --- in Books

    def _enter_customer(self, who: Who, values: Mapping[str, str]) -> None:
        body: dict[str, object] = {
            "contact_name": f"{who.kind} {who.mark}", "contact_type": "customer", "shipping_address": {"city": who.mark},
            "billing_address": parts(values[ADDRESS]),
        }  # fmt: skip
        if who.kind == COMPANY:
            body |= {"company_name": values["name"], "website": values["website"]}
        else:
            body["contact_persons"] = [self._named(who, values) | {"is_primary_contact": True}]
        self.road.books.told("POST", "/contacts", body)

    def _enter_person(self, who: Who, firm: Found, values: Mapping[str, str], side: str) -> None:
        if side == BOOKS:
            body = self._named(who, values) | {"contact_id": firm.id, "department": who.mark}
            self.road.books.told("POST", "/contacts/contactpersons", body)
        else:
            named = dict(wanted(PERSON, values))
            self.sales.made("Contacts", Account_Name={"id": firm.id}, Department=who.mark, **named)

    def _edit_in_books(self, who: Who, found: Found, values: Mapping[str, str]) -> None:
        customer, own = found.holder or found.id, dict(values)
        if ADDRESS in own:
            self.road.customer_edited(customer, billing_address=parts(own.pop(ADDRESS)))
        if own and who.kind == COMPANY:
            self.road.customer_edited(customer, **self._named(who, own))
        elif own:
            path = f"/contacts/contactpersons/{found.id}"
            self.road.books.told("PUT", path, {"contact_id": customer, **self._named(who, own)})

    def _named(self, who: Who, values: Mapping[str, str]) -> dict[str, object]:
        return {THINGS[who.kind][name][0]: value for name, value in values.items() if name != ADDRESS}

    # --- the list

    def _shown(self, who: Who, side: str) -> Found:
        """The record as it is at this moment."""
        known = self.there[side].found[who]
        if side == BOOKS:
            told = self.road.books.told("GET", f"/contacts/{known.holder or known.id}")["contact"]
            return in_books([told]).found[who]
        module = MODULES[who.kind]
        return in_crm({"Accounts": [], "Contacts": [], module: [self._crm.read(module, known.id)]}).found[who]

    def _note(self, who: Who, side: str, before: Mapping[str, str], values: Mapping[str, str]) -> None:
        at = str(self.road.sandbox.get("clock")["now"])
        for name, value in values.items():
            self.edits.append(Edit(len(self.edits), who, name, side, before[name], said(name, value), at))

    def _value(self, name: str) -> str:
        self._numbers += 1
        return SPELLINGS[name].format(f"{self.seed}{self._numbers:05}")
