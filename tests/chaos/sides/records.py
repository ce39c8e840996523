"""What both systems hold, in words that both have: three kinds of records, each known by a mark that nobody ever edits.

By the vendors' own documents alone. A value is compared without regard to case and to what is neither letter nor digit, because a vendor may
keep it in a form of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Document = dict[str, Any]
BOOKS, CRM = "books", "crm"
SIDES = (BOOKS, CRM)
COMPANY, PERSON, ALONE = "company", "person", "alone"
ADDRESS = "address"
# Each thing that is edited, as Books and as the CRM call it. An address is one thing: it travels whole.
OF_PERSON = {
    "email": ("email", "Email"),
    "first": ("first_name", "First_Name"),
    "last": ("last_name", "Last_Name"),
    "phone": ("phone", "Phone"),
    "mobile": ("mobile", "Mobile"),
}
THINGS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    COMPANY: {"name": ("company_name", "Account_Name"), "website": ("website", "Website"), ADDRESS: ("", "")},
    PERSON: {**OF_PERSON, "title": ("designation", "Title")},
    ALONE: {**OF_PERSON, ADDRESS: ("", "")},
}
PARTS = {"address": "Street", "city": "City", "zip": "Code"}
MODULES = {COMPANY: "Accounts", PERSON: "Contacts", ALONE: "Contacts"}


class Who(NamedTuple):
    """A record, wherever it is."""

    kind: str
    mark: str


@dataclass(frozen=True)
class Found:
    """A record at one side; `under` is the company's mark, `holder` the customer that a person of Books is in."""

    id: str
    values: Mapping[str, str]
    under: str = ""
    holder: str = ""


@dataclass
class Side:
    """All that one side has, and who is there more than once or has no mark."""

    found: dict[Who, Found] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    def put(self, who: Who, found: Found) -> None:
        if not who.mark or who in self.found:
            self.odd.append(f"{who} {found.id} {'is there twice' if who.mark else 'is nobody'}: {dict(found.values)}")
        else:
            self.found[who] = found

    def marked(self, beginning: str) -> Side:
        """Those of one run; who is odd is everybody's."""
        return Side({who: its for who, its in self.found.items() if who.mark.startswith(beginning)}, self.odd)


def plain(value: object) -> str:
    """Without what a vendor may change."""
    words = str(value or "").casefold().removeprefix("https://").removeprefix("http://")
    return "".join(letter for letter in words if letter.isalnum())


def in_books(customers: Iterable[Document]) -> Side:
    side = Side()
    for one in customers:
        mark, address = one["shipping_address"]["city"].strip(), _address(one["billing_address"], "", PARTS)
        persons = one["contact_persons"]
        if one["company_name"]:
            side.put(Who(COMPANY, mark), Found(one["contact_id"], {**_values(COMPANY, one, 0), ADDRESS: address}))
            for person in persons:
                found = Found(person["contact_person_id"], _values(PERSON, person, 0), mark, one["contact_id"])
                side.put(Who(PERSON, person["department"].strip()), found)
        else:
            first: Document = next((person for person in persons if person["is_primary_contact"]), {})
            values = {**_values(ALONE, first, 0), ADDRESS: address}
            side.put(
                Who(ALONE, mark),
                Found(first.get("contact_person_id", ""), values, holder=one["contact_id"]),
            )
    return side


def in_crm(records: Mapping[str, Iterable[Document]]) -> Side:
    side, marks = Side(), dict[str, str]()
    for one in records["Accounts"]:
        marks[one["id"]] = mark = (one.get("Shipping_City") or "").strip()
        address = _address(one, "Billing_", PARTS)
        side.put(Who(COMPANY, mark), Found(one["id"], {**_values(COMPANY, one, 1), ADDRESS: address}))
    for one in records["Contacts"]:
        if above := one.get("Account_Name"):
            mark = (one.get("Department") or "").strip()
            side.put(Who(PERSON, mark), Found(one["id"], _values(PERSON, one, 1), marks.get(above["id"], "")))
        else:
            address, mark = _address(one, "Mailing_", PARTS | {"zip": "Zip"}), (one.get("Other_City") or "").strip()
            side.put(Who(ALONE, mark), Found(one["id"], {**_values(ALONE, one, 1), ADDRESS: address}))
    return side


def wanted(kind: str, values: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    """The same for a CRM, by its own names."""
    for name, value in values.items():
        if name != ADDRESS:
            yield THINGS[kind][name][1], value
            continue
        prefix, code = ("Billing_", "Code") if kind == COMPANY else ("Mailing_", "Zip")
        for part, said in parts(value).items():
            yield prefix + (code if part == "zip" else PARTS[part]), said


def parts(number: str) -> dict[str, str]:
    """An address is edited whole, each part with the number of the edit."""
    return {"address": f"Street {number}", "city": f"City {number}", "zip": f"Z{number}"}


def said(name: str, value: str) -> str:
    """What a side shows after an edit."""
    return plain("".join(parts(value).values()) if name == ADDRESS else value)


def _values(kind: str, row: Document, side: int) -> dict[str, str]:
    return {name: plain(row.get(names[side])) for name, names in THINGS[kind].items() if name != ADDRESS}


def _address(row: Document, prefix: str, names: Mapping[str, str]) -> str:
    return plain("".join(str(row.get(prefix + names[part] if prefix else part) or "") for part in PARTS))
