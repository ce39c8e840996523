"""What an order needs in Books besides its invoice, made there: items, taxes and groups of them, and the customers of guests.

Each is one insert with a name that Books takes once, so a repeated one is refused, and then it is there (R24).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from common.failures import Failure, Rejected, Transient
from common.http.call import Api, Call, VendorAnswer
from vendors.acts import Act, Done, Sending
from vendors.answers import reading
from vendors.target_record import TargetRecord
from vendors.zoho_books import guest_contacts, organisation_lists, wire
from vendors.zoho_books.errors import ZB_NAME_TAKEN, ZB_NOT_FOUND
from vendors.zoho_books.invoice_codes import ZB_BEING_MADE, ZB_CUSTOMER_TWICE, refused
from vendors.zoho_books.invoice_wire import exact
from vendors.zoho_books.lookups import CONTACT, named
from vendors.zoho_books.organisation_facts import GUEST, ITEMS, TAXES, OrganisationFacts, item_name, tax_name

_PATHS: Mapping[str, tuple[str, str, str]] = {
    "make_item": ("/items", "item", "item_id"),
    "make_tax": ("/settings/taxes", "tax", "tax_id"),
    "make_group": ("/settings/taxgroups", "tax_group", "tax_group_id"),
    "make_guest": ("/contacts", "contact", "contact_id"),
}
REACTIVATE = "reactivate"
ACTIONS = frozenset({*_PATHS, REACTIVATE})
_LISTS: Mapping[str, str] = {"item ": ITEMS, "tax ": TAXES}


def write(act: Act, sending: Sending) -> Call:
    if act.action == REACTIVATE:
        path, where, body = "/contacts/{id}/active", {"id": str(act.memory["id"])}, None
    else:
        path, where, body = _PATHS[act.action][0], {}, _BODIES.get(act.action, dict)(act.values)
    return Call(
        "POST", path, f"orders.{act.action}", path=where, json=body, writes=True, priority=sending.priority,
        before_send=sending.before_send,
    )  # fmt: skip


def _item(values: Mapping[str, Any]) -> Any:
    return exact(dict(values))


def _guest(values: Mapping[str, Any]) -> dict[str, Any]:
    body = {name: value for name, value in values.items() if name != "email"}
    body |= {"contact_type": "customer", "customer_sub_type": "individual"}
    if email := values.get("email"):
        body["contact_persons"] = [{"email": email, "first_name": email, "is_primary_contact": True}]
    return body


_BODIES: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "make_item": _item,
    "make_tax": _item,
    "make_guest": _guest,
}


def done(act: Act, answer: VendorAnswer, facts: OrganisationFacts) -> Done:
    """What we have made is known here at once: lists lag."""
    if act.action == REACTIVATE:
        facts.inactive.discard(act.memory["id"])
        return Done(id=act.memory["id"])
    _, part, id_name = _PATHS[act.action]
    id = str(wire.body_of(answer.body)[part][id_name])
    facts.made[act.key] = id
    return Done(id=id)


def taken(refusal: Rejected) -> Failure:
    """Somebody has made it a moment ago."""
    if refusal.code != ZB_NAME_TAKEN.name:
        return refusal
    words = f"{ZB_BEING_MADE.meaning} {refusal.vendor_words or ''}".strip()
    return Transient(ZB_BEING_MADE.name, words, vendor_status=refusal.vendor_status, vendor_code=refusal.vendor_code)


def landed(act: Act, seen: TargetRecord) -> Done | None:
    if not seen.exists or (act.action == REACTIVATE and seen.seen.get("status") != "active"):
        return None
    return Done(seen.seen, id=seen.id)


def is_ours(key: str) -> bool:
    """Whether a key names one of these, and no order."""
    return key.startswith((*_LISTS, GUEST, CONTACT))


async def look(key: str, api: Api) -> TargetRecord | Failure:
    """As it is now: a customer by id, all others by a list."""
    if key.startswith(CONTACT):
        return await _contact(key.removeprefix(CONTACT), api)
    if key.startswith(GUEST):
        found = await guest_contacts.found(key, api)
        if len(found) > 1:
            return refused(ZB_CUSTOMER_TWICE, named(found))
        return _shown(found[0].id if found else "")
    part = next(part for prefix, part in _LISTS.items() if key.startswith(prefix))
    facts = await organisation_lists.renewed(OrganisationFacts(), [part], api)
    return _shown(_listed(key, facts))


def _listed(key: str, facts: OrganisationFacts) -> str:
    """By the names that they are remembered by."""
    items = {item_name(sku): id for sku, id in facts.items.items()}
    taxes = {tax_name(frozenset(made)): id for id, made in sorted(facts.groups.items(), reverse=True)}
    taxes |= {tax_name(frozenset({one})): id for id, one in facts.taxes.items()}
    return (items | taxes).get(key, "")


def _shown(id: str) -> TargetRecord:
    return TargetRecord(exists=True, met=True, id=id) if id else TargetRecord(exists=False)


async def _contact(id: str, api: Api) -> TargetRecord:
    try:
        answer = await api.call(Call("GET", "/contacts/{id}", "contacts.read", path={"id": id}))
    except Rejected as refusal:
        if refusal.code != ZB_NOT_FOUND.name:
            raise
        return TargetRecord(exists=False)
    with reading(answer):
        found = wire.body_of(answer.body)["contact"]
    told = {
        "status": str(found["status"]),
        "name": str(found["contact_name"]),
        "currency": str(found.get("currency_code") or ""),
    }
    return TargetRecord(exists=True, met=True, id=id, seen=told)
