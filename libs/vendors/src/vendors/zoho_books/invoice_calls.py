"""The calls about invoices and their payments: one an act, and what an answer says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from common.failures import Failure, Rejected
from common.http.call import Api, Call, VendorAnswer
from vendors.acts import Act, Done, Sending
from vendors.answers import reading
from vendors.target_record import TargetRecord
from vendors.zoho_books import credit_calls, invoice_wire, wire
from vendors.zoho_books.errors import ZB_NOT_FOUND
from vendors.zoho_books.invoice_paths import STATUS, is_credit
from vendors.zoho_books.organisation_facts import OrganisationFacts

_CHANGES: Mapping[str, tuple[str, str]] = {
    "revise": ("PUT", "/invoices/{id}"),
    "adjust": ("PUT", "/invoices/{id}"),
    "post": ("POST", "/invoices/{id}/status/sent"),
    "void": ("POST", "/invoices/{id}/status/void"),
    "void_double": ("POST", "/invoices/{id}/status/void"),
}

_GROUP_OF = dict.fromkeys(credit_calls.ACTIONS, "creditnotes")


def write(act: Act, facts: OrganisationFacts, sending: Sending) -> Call:
    """Nothing ever carries `send=true`: no customer gets mail because of a sync."""
    method, path, body, where = _addressed(act, facts)
    return Call(
        method, path, f"{_GROUP_OF.get(act.action, 'invoices')}.{act.action}", path=where, json=body, writes=True, priority=sending.priority,
        before_send=sending.before_send,
    )  # fmt: skip


def _addressed(act: Act, facts: OrganisationFacts) -> tuple[str, str, Any, Mapping[str, str]]:
    if act.action in credit_calls.ACTIONS:
        return credit_calls.addressed(act, facts)
    if act.action == "create":
        return "POST", "/invoices", invoice_wire.request(act), {}
    if act.action == "pay":
        return "POST", "/customerpayments", invoice_wire.payment_request(act, facts.unique.get("payment")), {}
    method, path = _CHANGES[act.action]
    body = invoice_wire.request(act) if method == "PUT" else None
    return method, path, body, {"id": act.memory["id"]}


def done(act: Act, answer: VendorAnswer) -> Done:
    """A status says only that it is done; a payment changes its invoice, and the act says what that is then."""
    if act.action in credit_calls.ACTIONS:
        return credit_calls.done(act, answer)
    if act.action in ("post", "void", "void_double", "pay"):
        return Done()
    found = wire.body_of(answer.body)["invoice"]
    return Done(invoice_wire.seen(found), id=str(found["invoice_id"]), stamp=wire.stamp(found))


async def found(key: str, api: Api) -> TargetRecord | Failure:
    """The invoice with our key: by the field where it has one, else by its reference. What a list shows of it lags; by id it does not."""
    if is_credit(key):
        return await credit_calls.found(key, api)
    try:
        details = [one for id in await _listed(key, api) if invoice_wire.has_key(one := await _detail(id, api), key)]
    except Failure as failure:
        return failure
    alive = [one for one in details if one[STATUS] != "void"] or details[:1]
    if not alive:
        return TargetRecord(exists=False)
    # R24: several are told, and not the first of them alone.
    first, *others = sorted(alive, key=_age)
    try:
        return invoice_wire.shown(first, await _payments(first, api), others)
    except Failure as failure:
        return failure


def _age(found: Mapping[str, Any]) -> tuple[datetime, str]:
    """Times have a second's resolution."""
    return wire.stamp(found, "created_time") or datetime.max.replace(tzinfo=UTC), str(found["invoice_id"])


async def _listed(key: str, api: Api) -> list[str]:
    for query in ({"custom_field": key}, {"reference_number_contains": f"({key})"}):
        answer = await api.call(Call("GET", "/invoices", "invoices.find", query=query))
        with reading(answer):
            ids = [str(row["invoice_id"]) for row in wire.body_of(answer.body)["invoices"]]
        if ids:
            return ids
    return []


async def _detail(id: str, api: Api) -> dict[str, Any]:
    try:
        answer = await api.call(Call("GET", "/invoices/{id}", "invoices.read", path={"id": id}))
    except Rejected as refusal:
        if refusal.code != ZB_NOT_FOUND.name:
            raise
        # The list has not yet followed its deletion.
        return {}
    with reading(answer):
        return dict(wire.body_of(answer.body)["invoice"])


async def _payments(invoice: Mapping[str, Any], api: Api) -> list[dict[str, Any]]:
    """Those of an invoice that has any."""
    if wire.amount(invoice.get("balance")) == wire.amount(invoice.get("total")):
        return []
    answer = await api.call(
        Call("GET", "/invoices/{id}/payments", "invoices.payments", path={"id": str(invoice["invoice_id"])})
    )
    with reading(answer):
        return list(wire.body_of(answer.body)["payments"])
