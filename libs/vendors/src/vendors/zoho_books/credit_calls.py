"""The calls about credit notes of refunds: one an act, what an answer says, and how one is found again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from common.failures import Failure
from common.http.call import Api, Call, VendorAnswer
from vendors.acts import Act, Done
from vendors.answers import reading
from vendors.target_record import TargetRecord
from vendors.zoho_books import wire
from vendors.zoho_books.invoice_codes import ZB_CREDIT_TWICE, refused
from vendors.zoho_books.invoice_paths import APPLIED, BALANCE, CREDIT, GIVEN, STATUS, refund_of
from vendors.zoho_books.invoice_wire import amount_of, exact, mode_of
from vendors.zoho_books.organisation_facts import OrganisationFacts

ACTIONS = frozenset({"credit", "give_back", "apply"})


def addressed(act: Act, facts: OrganisationFacts) -> tuple[str, str, Any, Mapping[str, str]]:
    """Method, path, body and what stands in the path."""
    if act.action == "credit":
        return "POST", "/creditnotes", _request(act, facts), {}
    id = {"id": act.memory["id"]}
    if act.action == "apply":
        invoices = [{"invoice_id": act.memory["invoice"], "amount_applied": act.values[APPLIED]}]
        return "POST", "/creditnotes/{id}/invoices", exact({"invoices": invoices}), id
    path, told = next((path, told) for path, told in act.values.items() if path.startswith(GIVEN))
    body = {
        "date": told["date"], "refund_mode": mode_of(told["mode"]), "amount": told["amount"],
        "reference_number": path.removeprefix(GIVEN), "exchange_rate": act.memory["exchange_rate"],
    }  # fmt: skip
    return "POST", "/creditnotes/{id}/refunds", exact(body), id


def _request(act: Act, facts: OrganisationFacts) -> Any:
    content, field = act.values[CREDIT], facts.unique.get("creditnote")
    body = {name: value for name, value in content.items() if name != "key"}
    custom = [{"api_name": field.name, "value": refund_of(content["key"])}] if field else []
    return exact(body | ({"custom_fields": custom} if custom else {}))


def done(act: Act, answer: VendorAnswer) -> Done:
    """Money that went back and credits that were set off change the note, and the act says what it is then."""
    if act.action != "credit":
        return Done()
    found = wire.body_of(answer.body)["creditnote"]
    return Done(_seen(found, ()), id=str(found["creditnote_id"]))


async def found(key: str, api: Api) -> TargetRecord | Failure:
    """The credit note of a refund, by its reference: the list lags, and by id it does not."""
    try:
        details = [one for id in await _listed(key, api) if (one := await _detail(id, api))]
        alive = [one for one in details if one[STATUS] != "void"] or details[:1]
        if len(alive) > 1:
            return refused(ZB_CREDIT_TWICE, ", ".join(str(one["creditnote_number"]) for one in alive))
        if not alive:
            return TargetRecord(exists=False)
        note = alive[0]
        return TargetRecord(
            exists=True, met=True, id=str(note["creditnote_id"]), seen=_seen(note, await _given(note, api)), stamp=wire.stamp(note)
        )  # fmt: skip
    except Failure as failure:
        return failure


async def _listed(key: str, api: Api) -> list[str]:
    answer = await api.call(
        Call("GET", "/creditnotes", "creditnotes.find", query={"reference_number_contains": f"({key})"})
    )
    with reading(answer):
        return [str(row["creditnote_id"]) for row in wire.body_of(answer.body)["creditnotes"]]


async def _detail(id: str, api: Api) -> dict[str, Any]:
    answer = await api.call(Call("GET", "/creditnotes/{id}", "creditnotes.read", path={"id": id}))
    with reading(answer):
        return dict(wire.body_of(answer.body)["creditnote"])


async def _given(note: Mapping[str, Any], api: Api) -> list[dict[str, Any]]:
    """What went back of it; of one that nothing was taken from yet, nothing did."""
    if amount_of(note, "balance") == amount_of(note, "total"):
        return []
    where = {"id": str(note["creditnote_id"])}
    answer = await api.call(Call("GET", "/creditnotes/{id}/refunds", "creditnotes.refunds", path=where))
    with reading(answer):
        return list(wire.body_of(answer.body)["creditnote_refunds"])


def _seen(note: Mapping[str, Any], given: Any) -> dict[str, Any]:
    applied = sum((Decimal(amount_of(one, "amount")) for one in note.get("invoices") or ()), Decimal(0))
    return {
        CREDIT: {"reference_number": str(note["reference_number"])}, STATUS: str(note["status"]),
        "total": amount_of(note, "total"), "tax": amount_of(note, "tax_total"), BALANCE: amount_of(note, "balance"),
        "exchange_rate": amount_of(note, "exchange_rate"), **({APPLIED: f"{applied:f}"} if applied else {}),
        **{
            GIVEN + (wire.text(one.get("reference_number")) or f"by hand {one['creditnote_refund_id']}"):
            {"amount": amount_of(one, "amount"), "mode": str(one["refund_mode"]), "date": str(one["date"])}
            for one in given
        },
    }  # fmt: skip
