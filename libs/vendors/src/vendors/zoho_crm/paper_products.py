"""What the lines of a paper are on: products by their code, and one that stands for everything that has none.

That one is made by an upsert by its name, which is the vendor's own way to tell products apart: asked twice it is there once, and whoever
crashes between it and the paper leaves a product that the next paper finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from common.http.call import Api, Call
from vendors.acts import Act, Sending
from vendors.answers import reading
from vendors.zoho_crm import wire
from vendors.zoho_crm.columns import LINES
from vendors.zoho_crm.module_looks import quoted
from vendors.zoho_crm.reader import ModuleReader

PRODUCT = "Books invoice"
MOST_CODES = 50


async def with_lines(
    acts: Sequence[Act], reader: ModuleReader, products: dict[str, str], api: Api, sending: Sending
) -> list[Act]:
    """The acts with the vendor's own rows as their lines; what was learnt of products is kept in `products`."""
    lines = [line for act in acts for line in act.memory.get(LINES, ())]
    await _learn({str(line.get("sku") or "") for line in lines} - products.keys(), products, api, sending)
    there = {
        act.memory["id"]: await _rows_of(act, reader, api) for act in acts if LINES in act.values and "id" in act.memory
    }
    return [_with_rows(act, there.get(act.memory.get("id", ""), ()), products) for act in acts]


def _with_rows(act: Act, ids: Sequence[str], products: Mapping[str, str]) -> Act:
    """A row that is there stays the same row: without its id it would be one more."""
    if LINES not in act.values:
        return act
    rows = [_row(line, products) for line in act.memory[LINES]]
    rows = [row | ({"id": ids[at]} if at < len(ids) else {}) for at, row in enumerate(rows)]
    return replace(act, values={**act.values, LINES: rows})


def _row(line: Mapping[str, Any], products: Mapping[str, str]) -> dict[str, Any]:
    product = products.get(str(line.get("sku") or "")) or products[""]
    found = {
        "Product_Name": {"id": product},
        "Quantity": wire.number(str(line.get("quantity") or "1")),
        "List_Price": wire.number(str(line.get("rate") or "0")),
    }
    return found | ({"Description": str(line["name"])} if line.get("name") else {})


async def _rows_of(act: Act, reader: ModuleReader, api: Api) -> list[str]:
    """The ids of the lines that a paper has now."""
    call = Call("GET", f"/{reader.module}/{{id}}", f"{reader.entity}s.read", path={"id": act.memory["id"]})
    answer = await api.call(call)
    with reading(answer):
        rows = wire.body_of(answer.body)["data"][0].get(reader.lines) or [] if answer.body else []
        return [str(row["id"]) for row in rows]


async def _learn(codes: set[str], products: dict[str, str], api: Api, sending: Sending) -> None:
    wanted = sorted(code for code in codes if code)
    for at in range(0, len(wanted), MOST_CODES):
        part = wanted[at : at + MOST_CODES]
        found = await _queried("Product_Code", part, api)
        products |= {code: found.get(code.casefold(), "") for code in part}
    if not products.get("") and (codes or not products):
        found = await _queried("Product_Name", [PRODUCT], api)
        products[""] = found.get(PRODUCT.casefold()) or await _made(api, sending)


async def _queried(name: str, values: Sequence[str], api: Api) -> dict[str, str]:
    listed = ", ".join(map(quoted, values))
    query = f"select {name} from Products where {name} in ({listed}) order by id desc limit 0, 200"  # noqa: S608 - quoted
    answer = await api.call(Call("POST", "/coql", "products.find", json={"select_query": query}))
    if not answer.body:
        return {}
    with reading(answer):
        return {str(row[name]).casefold(): str(row["id"]) for row in wire.body_of(answer.body)["data"]}


async def _made(api: Api, sending: Sending) -> str:
    body = {"data": [{"Product_Name": PRODUCT}], "duplicate_check_fields": ["Product_Name"], "trigger": []}
    call = Call(
        "POST", "/Products/upsert", "products.upsert", json=body, writes=True, priority=sending.priority,
        before_send=sending.before_send,
    )  # fmt: skip
    answer = await api.call(call)
    with reading(answer):
        return str(wire.body_of(answer.body)["data"][0]["details"]["id"])
