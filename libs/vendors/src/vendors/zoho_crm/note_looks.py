"""What was said of payments so far: the notes of a parent, read from the parent itself, which do not lag as searches do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from common.contracts.money import minor_digits
from common.failures import Failure
from common.http.call import Api, Call
from vendors.answers import reading
from vendors.target_record import TargetRecord
from vendors.zoho_crm import wire
from vendors.zoho_crm.module_looks import quoted
from vendors.zoho_crm.note_words import BACK, said_by
from vendors.zoho_crm.readers import BOOKS_ID, BOOKS_INVOICE_ID

INVOICE = "invoice"
AMOUNT, TIMES, PARENT, MODULE = "amount", "times", "parent", "module"
PAGE = 200
# Where the parent is, and by which field of ours it is found.
_PARENTS: Mapping[str, Sequence[tuple[str, str]]] = {
    INVOICE: (("Invoices", BOOKS_INVOICE_ID),),
    "customer": (("Accounts", BOOKS_ID), ("Contacts", BOOKS_ID)),
}
__all__ = ["AMOUNT", "BACK", "INVOICE", "MODULE", "PARENT", "TIMES"]


def key_of(entity: str, parent: str, share: str) -> str:
    return f"{entity}:{parent}/{share}"


def share_of(key: str) -> str:
    return key.rpartition("/")[2]


def figure(value: Any, currency: str) -> str:
    """5 and 5.00 are one amount: with the digits of its currency, or with all that it has."""
    amount, unit = Decimal(str(value or "0")), Decimal(1).scaleb(-minor_digits(currency))
    in_units = amount.quantize(unit)
    return format(in_units if in_units == amount else amount.normalize(), "f")


async def look(keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
    """Two calls a parent, whatever is asked of it."""
    parents: dict[str, list[str]] = {}
    for key in keys:
        parents.setdefault(key.rpartition("/")[0], []).append(key)
    found: dict[str, TargetRecord | Failure] = {}
    for parent, its in parents.items():
        try:
            found |= await _under(parent, its, api)
        except Failure as failure:
            found |= dict.fromkeys(its, failure)
    return found


async def _under(parent: str, keys: Sequence[str], api: Api) -> dict[str, TargetRecord]:
    entity, _, value = parent.partition(":")
    there = await _parent(entity, value, api)
    if there is None:
        return dict.fromkeys(keys, TargetRecord(exists=False))
    said: dict[str, tuple[int, str, str]] = {}
    for row in await _notes(*there, api):
        mark = said_by(wire.text(row.get("Note_Content")) or "")
        if mark is not None:
            share, times, amount = mark
            said[share] = max(said.get(share, (0, "", "")), (times, amount, str(row["id"])))
    return {key: _shown(said.get(share_of(key)), there) for key in keys}


def _shown(said: tuple[int, str, str] | None, there: tuple[str, str]) -> TargetRecord:
    if said is None:
        return TargetRecord(exists=False)
    times, amount, id = said
    seen = {AMOUNT: amount, TIMES: times, MODULE: there[0], PARENT: there[1]}
    return TargetRecord(exists=True, met=True, id=id, seen=seen)


async def _parent(entity: str, value: str, api: Api) -> tuple[str, str] | None:
    for module, field in _PARENTS[entity]:
        query = f"select id from {module} where {field} in ({quoted(value)}) order by id asc limit 0, 1"  # noqa: S608 - quoted
        rows = await _rows(Call("POST", "/coql", "notes.parent", json={"select_query": query}), api)
        if rows:
            return module, str(rows[0]["id"])
    return None


async def _notes(module: str, parent: str, api: Api) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for page in range(1, 11):
        query = {"fields": "Note_Title,Note_Content", "per_page": str(PAGE), "page": str(page), "sort_by": "id", "sort_order": "asc"}  # fmt: skip
        call = Call("GET", f"/{module}/{{id}}/Notes", "notes.list", path={"id": parent}, query=query)
        rows += (more := await _rows(call, api))
        if len(more) < PAGE:
            break
    return rows


async def _rows(call: Call, api: Api) -> list[Mapping[str, Any]]:
    answer = await api.call(call)
    if not answer.body:
        return []
    with reading(answer):
        return list(wire.body_of(answer.body)["data"])
