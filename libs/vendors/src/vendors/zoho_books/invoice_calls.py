"""The calls about invoices and their payments: one an act, and what an answer says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.failures import Failure, Rejected
from common.http.call import Api, Call, VendorAnswer
from vendors.acts import Act, Done, Sending
from vendors.answers import reading
from vendors.target_record import TargetRecord
from vendors.zoho_books import invoice_wire, wire
from vendors.zoho_books.errors import ZB_NOT_FOUND
from vendors.zoho_books.invoice_codes import ZB_INVOICE_TWICE, refused
from vendors.zoho_books.invoice_paths import STATUS
from vendors.zoho_books.organisation_facts import OrganisationFacts

_CHANGES: Mapping[str, tuple[str, str]] = {
    "revise": ("PUT", "/invoices/{id}"),
    "adjust": ("PUT", "/invoices/{id}"),
    "post": ("POST", "/invoices/{id}/status/sent"),
    "void": ("POST", "/invoices/{id}/status/void"),
}


def write(act: Act, facts: OrganisationFacts, sending: Sending) -> Call:
    """Nothing ever carries `send=true`: no customer gets mail because of a sync."""
    method, path, body, where = _addressed(act, facts)
    return Call(
        method, path, f"invoices.{act.action}", path=where, json=body, writes=True, priority=sending.priority,
        before_send=sending.before_send,
    )  # fmt: skip


def _addressed(act: Act, facts: OrganisationFacts) -> tuple[str, str, Any, Mapping[str, str]]:
    if act.action == "create":
        return "POST", "/invoices", invoice_wire.request(act), {}
    if act.action == "pay":
        return "POST", "/customerpayments", invoice_wire.payment_request(act, facts.unique.get("payment")), {}
    method, path = _CHANGES[act.action]
    body = invoice_wire.request(act) if method == "PUT" else None
    return method, path, body, {"id": act.memory["id"]}


def done(act: Act, answer: VendorAnswer) -> Done:
    """A status says only that it is done; a payment changes its invoice, and the act says what that is then."""
    if act.action in ("post", "void", "pay"):
        return Done()
    found = wire.body_of(answer.body)["invoice"]
    return Done(invoice_wire.seen(found), id=str(found["invoice_id"]), stamp=wire.stamp(found))


async def found(key: str, api: Api) -> TargetRecord | Failure:
    """The invoice with our key: by the field where it has one, else by its reference. What a list shows of it lags; by id it does not."""
    try:
        details = [one for id in await _listed(key, api) if invoice_wire.has_key(one := await _detail(id, api), key)]
    except Failure as failure:
        return failure
    alive = [one for one in details if one[STATUS] != "void"] or details[:1]
    if len(alive) > 1:
        # R24: several are a question, and not the first of them.
        return refused(ZB_INVOICE_TWICE, ", ".join(str(one["invoice_number"]) for one in alive))
    if not alive:
        return TargetRecord(exists=False)
    try:
        return invoice_wire.shown(alive[0], await _payments(alive[0], api))
    except Failure as failure:
        return failure


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
