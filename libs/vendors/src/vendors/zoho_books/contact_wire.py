"""Customers as Books takes and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendors.acts import Act
from vendors.target_record import TargetRecord
from vendors.zoho_books import wire
from vendors.zoho_books.contact_plan import ADDRESSES, CURRENCY, KEY, PARTS_OF_ADDRESS, PERSON, PERSON_ID, STATUS
from vendors.zoho_books.organisation_lists import CUSTOMER_FIELDS

_THEIRS = {
    "name": "contact_name",
    "company": "company_name",
    "website": "website",
    "billing": "billing_address",
    "shipping": "shipping_address",
}
_ADDRESS = {one: {"street": "address"}.get(one, one) for one in PARTS_OF_ADDRESS}


def request(act: Act) -> dict[str, Any]:
    """The contact itself; what is not mentioned stays."""
    values = act.values
    body: dict[str, Any] = {_THEIRS[path]: _sent(path, value) for path, value in values.items() if path in _THEIRS}
    if KEY in values:
        body["custom_fields"] = [{"api_name": act.memory["field"], "value": values[KEY]}]
    if act.action == "create":
        if currency := act.memory.get(CURRENCY):
            body["currency_id"] = currency
        body |= {"contact_type": "customer", "customer_sub_type": "business" if values.get("company") else "individual"}
        if person := _person(values):
            body["contact_persons"] = [person | {"is_primary_contact": True}]
    return body


def person_request(act: Act) -> dict[str, Any]:
    """The primary person alone; Books takes none without a first name."""
    values = {"email": act.memory["email"]} if act.action == "leave" else act.values
    body = {name: value for name, value in _person(values).items() if value or name != "first_name"}
    if act.action == "add_person":
        body = {"first_name": body.get("email") or "-"} | body | {"is_primary_contact": True}
    return body | {"contact_id": act.memory["id"]}


def person_in(told: Any) -> Mapping[str, Any]:
    """The answer about one person is a list of one, or the person itself."""
    found: Mapping[str, Any] = told[0] if isinstance(told, list) else told
    return found


def shown(found: Mapping[str, Any]) -> TargetRecord:
    return TargetRecord(exists=True, met=True, id=str(found["contact_id"]), seen=seen(found), stamp=wire.stamp(found))


def seen(found: Mapping[str, Any]) -> dict[str, Any]:
    """What a contact of Books is, by our paths; of its persons, the primary one."""
    person = _primary(found)
    told: dict[str, Any] = {
        path: wire.text(found.get(theirs)) for path, theirs in _THEIRS.items() if path not in ADDRESSES
    }
    told |= {path: _address(found.get(_THEIRS[path]) or {}) for path in ADDRESSES}
    told |= of_person(person)
    return told | {STATUS: str(found["status"]), KEY: _key(found), CURRENCY: wire.text(found.get("currency_code"))}


def _key(found: Mapping[str, Any]) -> str | None:
    """Its id elsewhere, in whichever of our fields it is."""
    custom = wire.custom_values(found) or {}
    return next((wire.text(custom[name]) for name in CUSTOMER_FIELDS if custom.get(name)), None)


def of_person(person: Mapping[str, Any]) -> dict[str, Any]:
    return {path: wire.text(person.get(path)) for path in PERSON} | {
        PERSON_ID: wire.text(person.get("contact_person_id"))
    }


def has_email(found: Mapping[str, Any], email: str) -> bool:
    return (wire.text(_primary(found).get("email")) or "").casefold() == email.casefold()


def _primary(found: Mapping[str, Any]) -> Mapping[str, Any]:
    persons = [one for one in found.get("contact_persons") or () if isinstance(one, Mapping)]
    return next((one for one in persons if one.get("is_primary_contact")), {})


def _person(values: Mapping[str, Any]) -> dict[str, Any]:
    return {path: values[path] or "" for path in PERSON if path in values}


def _sent(path: str, value: Any) -> Any:
    if path not in ADDRESSES:
        return value or ""
    return {theirs: value.get(ours) or "" for ours, theirs in _ADDRESS.items()}


def _address(found: Mapping[str, Any]) -> dict[str, str | None]:
    return {ours: wire.text(found.get(theirs)) for ours, theirs in _ADDRESS.items()}
