"""Who a customer of another system is in Books: by the id of a link, by the unique field that has its id there, or by the e-mail address.

Lists lag, so what one names is read by id. The unique field is no filter of a list; it is asked by an update that changes nothing, which does
not lag. Without such a field, whoever has no address is found by that id in the name, as it was given to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.failures import Rejected
from common.http.call import Api, Call
from vendors.acts import id_of_key
from vendors.answers import reading
from vendors.target_record import TargetRecord
from vendors.zoho_books import contact_wire, wire
from vendors.zoho_books.contact_plan import SHOP, field_of_key
from vendors.zoho_books.errors import ZB_INVALID_VALUE, ZB_NOT_FOUND
from vendors.zoho_books.invoice_codes import ZB_CUSTOMER_TWICE, refused
from vendors.zoho_books.organisation_lists import KEY_FIELDS
from vendors.zoho_books.pages import listed


async def found(key: str, api: Api) -> TargetRecord:
    if linked := id_of_key(key):
        there = [one for one in [await _detail(linked, api)] if one]
    elif key.startswith(SHOP):
        there = await _with_id(key.removeprefix(SHOP), KEY_FIELDS, api)
    elif field := field_of_key(key):
        there = await _with_id(key.removeprefix(f"{field}:"), (field,), api)
    else:
        there = [one for one in await _details(api, email=key) if contact_wire.has_email(one, key)]
    if len(there) > 1:
        active = [one for one in there if one["status"] == "active"]
        if len(active) != 1:
            raise refused(ZB_CUSTOMER_TWICE, "; ".join(f"{one['contact_name']} ({one['contact_id']})" for one in there))
        there = active
    return contact_wire.shown(there[0]) if there else TargetRecord(exists=False)


async def _with_id(id: str, fields: Sequence[str], api: Api) -> list[dict[str, Any]]:
    for field in fields:
        try:
            return [await _by_unique_field(field, id, api)]
        except Rejected as refusal:
            if refusal.code == ZB_NOT_FOUND.name:
                return []
            if refusal.code != ZB_INVALID_VALUE.name:
                raise
            # The organisation has no such field, or it takes a value twice.
    mark = f"({id})"
    return [one for one in await _details(api, contact_name_contains=mark) if str(one["contact_name"]).endswith(mark)]


async def _by_unique_field(field: str, id: str, api: Api) -> dict[str, Any]:
    """Without `X-Upsert` nobody is made by it."""
    headers = {"X-Unique-Identifier-Key": field, "X-Unique-Identifier-Value": id}
    answer = await api.call(Call("PUT", "/contacts", "contacts.find_by_key", json={}, headers=headers))
    with reading(answer):
        return dict(wire.body_of(answer.body)["contact"])


async def _details(api: Api, **query: str) -> list[dict[str, Any]]:
    rows = [row async for row in listed(api, "/contacts", "contacts", query={"contact_type": "customer", **query})]
    return [one for row in rows if (one := await _detail(str(row["contact_id"]), api))]


async def _detail(id: str, api: Api) -> dict[str, Any]:
    try:
        answer = await api.call(Call("GET", "/contacts/{id}", "contacts.read", path={"id": id}))
    except Rejected as refusal:
        if refusal.code != ZB_NOT_FOUND.name:
            raise
        return {}
    with reading(answer):
        return dict(wire.body_of(answer.body)["contact"])
