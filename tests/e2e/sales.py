"""The account in Zoho CRM and the people who sell there, by the simulator's own pages: outside every budget, limit and fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.sandbox import SandboxProcess

Document = dict[str, Any]
# What an oracle compares, by either vendor's own names.
_OF_PERSON = (
    ("email", "Email"), ("first_name", "First_Name"), ("last_name", "Last_Name"), ("phone", "Phone"), ("mobile", "Mobile"),
    ("designation", "Title"), ("department", "Department"),
)  # fmt: skip
_OF_CONTACT = _OF_PERSON[:5]
_PLACE = (("city", "City"), ("state", "State"), ("country", "Country"))
# The vendor has one field for both lines of a street.
_LINES = ("address", "street2")


@dataclass
class Sales:
    """Who works in the CRM."""

    sandbox: SandboxProcess
    account: str = "demo"

    def people(self, do: str, **more: object) -> Document:
        return dict(self.sandbox.post(f"zoho-crm/{self.account}/people", {"do": do, **more}))

    def made(self, module: str, **values: object) -> str:
        return str(self.people("create", module=module, values=values)["id"])

    def edited(self, module: str, record: str, **values: object) -> None:
        self.people("edit", module=module, id=record, values=values)

    def switch(self, **switches: object) -> None:
        self.sandbox.post("limits", {"vendor": "zoho-crm", "account": self.account, **switches})

    def state(self) -> Document:
        told: Any = self.sandbox.get("state/zoho-crm", account=self.account)
        return dict(told["accounts"][self.account])

    def records(self, module: str) -> list[Document]:
        return list(self.state()["records"][module])

    def named(self, module: str, **values: object) -> Document | None:
        """The one record with these values; None where there is none, or several."""
        found = [one for one in self.records(module) if all(one.get(name) == value for name, value in values.items())]
        return found[0] if len(found) == 1 else None


def differences(customers: Iterable[Mapping[str, Any]], sales: Sales) -> list[str]:
    """An independent judge: what one side has and the other has not, each record with whom it belongs to, as multisets.

    It shares no code with the product: it knows the template by its documentation, and both vendors by their sheets.
    """
    state = sales.state()["records"]
    books, crm = _in_books(customers), _in_crm(state["Accounts"], state["Contacts"])
    return [
        *(f"in Books alone: {one} x{many}" for one, many in (books - crm).items()),
        *(f"in CRM alone: {one} x{many}" for one, many in (crm - books).items()),
    ]


def _in_books(customers: Iterable[Mapping[str, Any]]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for one in customers:
        if one["contact_type"] != "customer":
            continue
        if one["company_name"]:
            found["company", one["company_name"], one["website"] or "", *_addresses_of(one)] += 1
            for person in one["contact_persons"]:
                found["person", one["company_name"], *(person.get(name) or "" for name, _ in _OF_PERSON)] += 1
        else:
            primary: list[Mapping[str, Any]] = [p for p in one["contact_persons"] if p.get("is_primary_contact")]
            person = primary[0] if primary else {}
            found["alone", *(person.get(name) or "" for name, _ in _OF_CONTACT), *_addresses_of(one)] += 1
    return found


def _in_crm(accounts: Iterable[Document], contacts: Iterable[Document]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for one in accounts:
        places = (_place(one, "Billing_", "Code"), _place(one, "Shipping_", "Code"))
        found["company", one["Account_Name"], one.get("Website") or "", *places] += 1
    for one in contacts:
        if one.get("Account_Name"):
            found["person", one["Account_Name"]["name"], *(one.get(name) or "" for _, name in _OF_PERSON)] += 1
        else:
            places = (_place(one, "Mailing_", "Zip"), _place(one, "Other_", "Zip"))
            found["alone", *(one.get(name) or "" for _, name in _OF_CONTACT), *places] += 1
    return found


def _addresses_of(customer: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _address(customer.get("billing_address") or {}), _address(customer.get("shipping_address") or {})


def _address(found: Mapping[str, Any]) -> tuple[str, ...]:
    street = "\n".join(found[line] for line in _LINES if found.get(line))
    return (street, *(found.get(name) or "" for name, _ in _PLACE), found.get("zip") or "")


def _place(record: Mapping[str, Any], prefix: str, code: str) -> tuple[str, ...]:
    parts = (
        record.get(prefix + "Street"),
        *(record.get(prefix + name) for _, name in _PLACE),
        record.get(prefix + code),
    )
    return tuple(part or "" for part in parts)
