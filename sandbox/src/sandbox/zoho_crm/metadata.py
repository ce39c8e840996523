"""Modules and fields as the settings tell them, and fields made by the API (sheet, section 3; corrections)."""

from __future__ import annotations

import re
from typing import Any

from sandbox.zoho_crm.call import Call, Reply, in_edition, module_of
from sandbox.zoho_crm.changing import entry_of
from sandbox.zoho_crm.field import CAN_BE_UNIQUE, Field
from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.record_api import rows_of
from sandbox.zoho_crm.refusals import (
    Document,
    Refusal,
    RowRefusal,
    at_field,
    invalid_body,
    invalid_value,
    mandatory,
    missing_param,
)
from sandbox.zoho_crm.verdicts import judged, success

AT_ONCE = 5
LABEL = 25
LENGTHS = {"text": 255, "textarea": 2_000, "email": 100, "phone": 30, "website": 450, "integer": 9, "bigint": 18}
KINDS = (*LENGTHS, "double", "currency", "percent", "boolean", "date", "datetime", "picklist", "multiselectpicklist")


def list_modules(call: Call) -> Reply:
    edition = call.switches.edition
    return Reply(
        200, {"modules": [one.document() for one in call.org.modules.values() if in_edition(one.api_name, edition)]}
    )


def get_module(call: Call) -> Reply:
    return Reply(200, {"modules": [call.module.document()]})


def asked_module(call: Call) -> Module:
    """The module that the query names."""
    name = call.param("module")
    if not name:
        raise missing_param("module")
    return module_of(call.org, call.switches, name)


def list_fields(call: Call) -> Reply:
    return Reply(200, {"fields": [one.document() for one in asked_module(call).fields.values()]})


def get_field(call: Call) -> Reply:
    found = [one for one in asked_module(call).fields.values() if one.id == call.ids["field_id"]]
    if not found:
        raise invalid_body(resource_path_index=2)
    return Reply(200, {"fields": [found[0].document()]})


def create_fields(call: Call) -> Reply:
    """Five in a call, each for itself; beyond what the edition has, none."""
    module = asked_module(call)
    rows = rows_of(call, "fields")
    if len(rows) > AT_ONCE:
        words = "the number of fields in one request exceeds the limit"
        raise Refusal(400, "LIMIT_EXCEEDED", words, limit=AT_ONCE, **at_field("fields", "$.fields"))

    def judge(given: Any, path: str) -> Document:
        made = _made(call, module, entry_of(given, path), path)
        module.add(made)
        call.org.shelves[module.api_name].forget_indexes()
        return success("field created", {"id": made.id})

    return judged(rows, judge, 201, "fields")


def _made(call: Call, module: Module, given: Document, path: str) -> Field:
    label, kind = _label(given, path), given.get("data_type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise invalid_value("data_type", f"{path}.data_type", supported_values=list(KINDS))
    made = field_of(call.org.new_id(), label, kind, given, path)
    if made.api_name in module.fields:
        raise RowRefusal("DUPLICATE_DATA", "duplicate data", at_field("field_label", f"{path}.field_label"))
    refuse_beyond(call, module, made)
    return made


def _label(given: Document, path: str) -> str:
    label, at = given.get("field_label"), f"{path}.field_label"
    if label in (None, ""):
        raise mandatory("field_label", at)
    if not isinstance(label, str):
        raise invalid_value("field_label", at, expected_data_type="text")
    if len(label) > LABEL:
        raise invalid_value("field_label", at, maximum_length=LABEL)
    return label


def field_of(id_: str, label: str, kind: str, given: Document, path: str) -> Field:
    """The field that a wish describes; only some types can be unique, and only single lines external."""
    api_name = re.sub(r"\W+", "_", label.strip(), flags=re.ASCII).strip("_") or f"Field_{id_}"
    unique, external = given.get("unique"), given.get("external")
    told = external.get("type") if isinstance(external, dict) else ""
    if isinstance(unique, dict) and unique and kind not in CAN_BE_UNIQUE:
        raise invalid_value("unique", f"{path}.unique", supported_values=sorted(CAN_BE_UNIQUE))
    if told and (kind != "text" or told not in ("org", "user")):
        raise invalid_value("external", f"{path}.external", supported_values=["org", "user"])
    sensitive = str(unique.get("case_sensitive", unique.get("casesensitive"))) if isinstance(unique, dict) else ""
    length = given.get("length")
    return Field(
        id_, api_name, label, kind, length if isinstance(length, int) and 0 < length <= 255 else LENGTHS.get(kind, 255),
        custom=True, unique=isinstance(unique, dict) and bool(unique), external=str(told or ""),
        case_sensitive=sensitive.lower() == "true", options=_options(kind, given.get("pick_list_values"), path),
    )  # fmt: skip


def _options(kind: str, given: Any, path: str) -> tuple[str, ...]:
    if "picklist" not in kind:
        return ()
    entries = given if isinstance(given, list) else []
    found = tuple(str(one["display_value"]) for one in entries if isinstance(one, dict) and one.get("display_value"))
    if not found:
        raise mandatory("pick_list_values", f"{path}.pick_list_values")
    return found


def refuse_beyond(call: Call, module: Module, made: Field) -> None:
    """The edition's number of custom fields, and that of external ones."""
    own = [one for one in module.fields.values() if one.custom]
    full = len(own) >= call.switches.fields_allowed
    if made.external:
        full = full or sum(bool(one.external) for one in own) >= call.switches.external_fields
    if full:
        details: Document = {"limit": call.switches.fields_allowed, "api_name": "fields", "json_path": "$.fields"}
        raise RowRefusal("LIMIT_EXCEEDED", "the custom field limit of the module is exceeded", details)
