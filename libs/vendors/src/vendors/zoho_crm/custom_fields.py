"""The fields of a module as an account's settings list them: those that every account has, and all the others by their api names.

A value comes as text, whatever the field's type is; what says how a field may be used is its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.failures import Failure
from common.http.call import Api, Call
from vendors.answers import reading
from vendors.catalogue import CatalogueField, FieldCatalogue, FieldType
from vendors.zoho_crm import wire
from vendors.zoho_crm.errors import ZC_NO_ACCESS, ZC_SCOPE_MISSING
from vendors.zoho_crm.reader import ModuleReader

# A profile or a grant that may not see the settings.
NO_LIST = frozenset({ZC_NO_ACCESS.name, ZC_SCOPE_MISSING.name})
TYPES: Mapping[str, FieldType] = {
    "integer": "number", "bigint": "text", "double": "number", "percent": "number", "currency": "money", "date": "date",
    "datetime": "datetime", "email": "email", "phone": "phone", "website": "url", "picklist": "choice",
}  # fmt: skip
# What holds records of its own, or a file.
NO_VALUE = frozenset(
    {"subform", "fileupload", "imageupload", "profileimage", "multireminder", "event_reminder", "ALARM"}
)


async def learnt(reader: ModuleReader, api: Api) -> FieldCatalogue:
    """One call; where the settings are closed to us, what every account has."""
    call = Call("GET", "/settings/fields", "fields.list", query={"module": reader.module})
    try:
        answer = await api.call(call)
    except Failure as refusal:
        if refusal.code not in NO_LIST:
            raise
        return FieldCatalogue(reader.catalogue, complete=False)
    with reading(answer):
        rows = wire.body_of(answer.body)["fields"] if answer.body else []
        own = [_field(row) for row in rows if _is_own(reader, row)]
    return FieldCatalogue((*reader.catalogue, *own))


def _is_own(reader: ModuleReader, row: Mapping[str, Any]) -> bool:
    name = str(row["api_name"])
    return name not in reader.known and wire.is_told(name) and row.get("data_type") not in NO_VALUE


def _field(row: Mapping[str, Any]) -> CatalogueField:
    name, label = str(row["api_name"]), row.get("field_label")
    choices = tuple(
        str(one["display_value"])
        for one in row.get("pick_list_values") or ()
        if isinstance(one, dict) and one.get("display_value")
    )
    kind = TYPES.get(str(row.get("data_type")), "text")
    return CatalogueField(
        f"custom.{name}",
        str(label or name),
        kind,
        in_list=False,
        choices=choices if kind == "choice" else (),
        writable=row.get("read_only") is not True,
    )
