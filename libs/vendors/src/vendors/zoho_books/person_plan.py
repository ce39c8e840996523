"""The next act that brings a contact person to a customer of Books: pure. The customer comes first (R23), and no other person of it is touched.

Who is meant is told by the link, else by the e-mail address among the persons of the customer, and without an address by the whole name.
Nobody is taken away: a person who has left the other system is still written to on invoices until somebody in Books says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from vendors.acts import Act, Look, Nothing, Skip, Step, Wait, Work, id_of_key
from vendors.target_record import TargetRecord
from vendors.zoho_books import contact_persons, knowing

CUSTOMER = "customer_id"
PATHS = ("email", "salutation", "first_name", "last_name", "phone", "mobile", "title", "department")
_PARENT = Entity("customer")


def key_of(customer: str, document: Mapping[str, Any]) -> tuple[str, str]:
    """By which field a person of the customer is found, and the key; both empty where by none."""
    email = str(document.get("email") or "").strip().casefold()
    if customer and email:
        return "email", f"{customer}/{email}"
    name = full_name(document)
    if customer and name:
        return "first_name" if document.get("first_name") else "last_name", f"{customer}/{name}"
    return "", ""


def full_name(document: Mapping[str, Any]) -> str:
    return " ".join(str(document.get(one) or "") for one in ("first_name", "last_name")).strip().casefold()


def next_step(work: Work) -> Step:
    if work.wish == "absent":
        return Nothing()
    if not work.is_writer:
        return Skip(SkipReason.SHARES_TARGET)
    return _linked(work) if id_of_key(work.key) else _of_customer(work)


def _linked(work: Work) -> Step:
    known = work.known.get(work.key, TargetRecord())
    if (known.exists is None or known.doubtful) and work.key not in work.fresh:
        return Look(work.key)
    if not known.exists:
        return Skip(SkipReason.NOT_AT_TARGET)
    return _changed(work.key, _wanted(work.document, known, empties=True), known) or Nothing()


def _of_customer(work: Work) -> Step:
    parent = RecordRef(entity=_PARENT, record=RecordId(str(work.document.get(CUSTOMER) or "")))
    if parent not in work.linked:
        return Wait(parent)
    customer = work.linked[parent]
    _, key = key_of(customer, work.document)
    known = work.known.get(key, TargetRecord())
    if knowing.at_rest(known, work.document):
        return Nothing()
    if (known.exists is None or known.doubtful) and key not in work.fresh:
        return Look(key)
    if known.exists:
        return _changed(key, _wanted(work.document, known), known) or Nothing()
    if known.met:
        return Skip(SkipReason.NOT_AT_TARGET)
    return _renamed(work, customer) or _new(key, customer, work)


def _renamed(work: Work, customer: str) -> Step | None:
    """Whoever has a new address is the same person, by the one that they are leaving."""
    for former in work.leaving:
        own, _, who = former.partition("/")
        key = f"{customer}/{who}"
        if own != str(work.document.get(CUSTOMER)):
            continue
        known = work.known.get(key, TargetRecord())
        if known.exists is None and key not in work.fresh:
            return Look(key)
        if known.exists:
            return _changed(key, _wanted(work.document, known), known)
    return None


def _new(key: str, customer: str, work: Work) -> Act:
    values = {path: value for path, value in _wanted(work.document, TargetRecord()).items() if value is not None}
    if not values.get("first_name"):
        # Books takes nobody without one.
        values["first_name"] = values.get("last_name") or values.get("email") or "-"
    return Act("create", key, values, counts_as="added", memory={CUSTOMER: customer})


def _changed(key: str, wanted: Mapping[str, Any], known: TargetRecord) -> Act | None:
    changed = knowing.differences(wanted, known)
    customer, person = contact_persons.ids_of(known.id)
    return Act("update", key, changed, memory={CUSTOMER: customer, "id": person}) if changed else None


def _wanted(document: Mapping[str, Any], known: TargetRecord, *, empties: bool = False) -> dict[str, Any]:
    """What the mapping fills, and of somebody who is linked also what it empties; a first name is never emptied, and a stand-in of ours stays."""
    wanted = {path: document[path] for path in PATHS if path in document and (empties or document[path] is not None)}
    return {path: value for path, value in wanted.items() if path != "first_name" or value}
