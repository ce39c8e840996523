"""The fields that an organisation has added to a kind of record: its own list of them (`/settings/fields`), which knows those that no record
has a value for yet. Where the vendor does not let us read that list, the fields of the records on the first page of their list.

A value comes as text, whatever the field's type is; what says how a field may be used is its type.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from common.failures import Failure
from common.http.call import Api, Call
from common.http.door_codes import CALL_NOT_PERMITTED
from vendors.answers import reading
from vendors.catalogue import CatalogueField, FieldCatalogue, FieldType
from vendors.zoho_books import wire
from vendors.zoho_books.errors import ZB_CALL_WRONG, ZB_INVALID_VALUE, ZB_NO_ACCESS, ZB_NOT_FOUND
from vendors.zoho_books.listing import PER_PAGE, rows_of
from vendors.zoho_books.reader import RecordReader

# A grant without the scope of settings, a role that may not see them, an edition without that list or without that module in it.
NO_LIST = frozenset(
    code.name for code in (CALL_NOT_PERMITTED, ZB_NO_ACCESS, ZB_NOT_FOUND, ZB_INVALID_VALUE, ZB_CALL_WRONG)
)
_MOST_PAGES = 20
_TYPES: Mapping[str, FieldType] = {
    "number": "number", "decimal": "number", "percent": "number", "amount": "money", "date": "date",
    "email": "email", "url": "url", "phone": "phone", "dropdown": "choice",
}  # fmt: skip


async def learnt(reader: RecordReader, api: Api) -> FieldCatalogue:
    """The fields that all organisations have, and those of this one by their api names."""
    try:
        return FieldCatalogue((*reader.fields, *[field async for field in _listed(reader, api)]))
    except Failure as refusal:
        if refusal.code not in NO_LIST:
            raise
    return FieldCatalogue((*reader.fields, *await _seen(reader, api)), complete=False)


async def _listed(reader: RecordReader, api: Api) -> AsyncIterator[CatalogueField]:
    """The vendor's own fields share the list; those of the organisation have names of their own."""
    chosen = {"entity": reader.module, "filter_custom_fields": "true", "per_page": str(PER_PAGE)}
    for page in range(1, _MOST_PAGES + 1):
        answer = await api.call(Call("GET", "/settings/fields", "fields.list", query={**chosen, "page": str(page)}))
        with reading(answer):
            body = wire.body_of(answer.body)
            fields = [_field(row) for row in body["fields"] if str(row["api_name"]).startswith("cf_")]
            more = bool((body.get("page_context") or {}).get("has_more_page"))
        for field in fields:
            yield field
        if not more:
            return


def _field(row: Mapping[str, Any]) -> CatalogueField:
    name, label = str(row["api_name"]), wire.text(row.get("label"))
    kind = _TYPES.get(str(row.get("data_type")), "text")
    choices = tuple(
        str(one["name"]) for one in row.get("values") or () if isinstance(one, dict) and wire.text(one.get("name"))
    )
    return CatalogueField(f"custom.{name}", label or name, kind, in_list=False, choices=choices)


async def _seen(reader: RecordReader, api: Api) -> tuple[CatalogueField, ...]:
    """What a page of records shows; one that has a value nowhere on it stays unknown."""
    query = {"per_page": str(PER_PAGE), **reader.chosen}
    answer = await api.call(Call("GET", reader.path, f"{reader.word}s.list", query=query))
    with reading(answer):
        names = sorted({name for row in rows_of(answer, reader)[0] for name in wire.custom_values(row) or ()})
    return tuple(CatalogueField(f"custom.{name}", name, "text", in_list=False) for name in names)
