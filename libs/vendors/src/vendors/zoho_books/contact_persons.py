"""Contact persons: kept inside their customers, told by whatever tells a customer whole, and records of their own to us (decision 68).

No list has them, and nothing says when one of them was changed but the stamp of the customer. So a person is known by the id of the
customer and its own, is read by reading the customer, and has the customer's version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from vendors.zoho_books import wire

_NAMES = {
    "salutation": "salutation", "first_name": "first_name", "last_name": "last_name", "email": "email",
    "phone": "phone", "mobile": "mobile", "designation": "title", "department": "department",
}  # fmt: skip
_OF_CUSTOMER = ("company", "updated_at")
ONE_CALL_EACH = (
    "Zoho Books has no list of contact persons: each customer with a company name is read once by itself, a call each, and again when it has changed "
    "and no webhook told of it. Persons of customers without a company name are known where their customer is read for another reason."
)


def remarks(connection: Connection, entity: Entity) -> Sequence[str]:
    """What a first reading costs is said before it begins."""
    return (ONE_CALL_EACH,) if entity == "person" else ()


def record_of(customer: str, person: str) -> str:
    """By which a person is a record: the customer's id, because no read shows a person without it, and its own."""
    return f"{customer}-{person}"


def ids_of(record: str) -> tuple[str, str]:
    """The customer's and the person's."""
    customer, _, person = record.partition("-")
    return customer, person


def told(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The persons in a contact of the vendor's."""
    customer = wire.record_id(found, "contact_id") or ""
    return [
        {"id": record_of(customer, id), **told_one(row)}
        for row in found["contact_persons"]
        if isinstance(row, dict) and (id := wire.record_id(row, "contact_person_id"))
    ]


def told_one(row: Mapping[str, Any]) -> dict[str, Any]:
    """One of them, as far as its row says."""
    primary = {"is_primary": row["is_primary_contact"] in (True, "true")} if "is_primary_contact" in row else {}
    return wire.renamed(row, _NAMES) | primary


def of_customer(record: str, fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a customer's neutral fields say of each of its persons, by their records; of a customer that tells of none, nothing."""
    shared = {name: fields[name] for name in _OF_CUSTOMER if name in fields}
    return {one["id"]: dict(one) | shared | {"customer_id": record} for one in fields.get("persons") or ()}
