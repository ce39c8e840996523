"""Custom modules made by the API: as many as the edition has, for 500 credits a call (corrections of the sheet)."""

from __future__ import annotations

from typing import Any

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.changing import entry_of
from sandbox.zoho_crm.editions import EDITIONS
from sandbox.zoho_crm.modules import Makes, Module
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.record import Shelf
from sandbox.zoho_crm.record_api import rows_of
from sandbox.zoho_crm.refusals import Document, RowRefusal, at_field, invalid_value, mandatory
from sandbox.zoho_crm.verdicts import judged, success

LONGEST = {"singular_label": 25, "plural_label": 25, "api_name": 50}


def create_modules(call: Call) -> Reply:
    """One in a call."""

    def judge(given: Any, path: str) -> Document:
        entry = entry_of(given, path)
        names = {name: _text(entry, name, path) for name in LONGEST}
        if not entry.get("profiles"):
            raise mandatory("profiles", f"{path}.profiles")
        refuse(call, names["api_name"], path)
        made = open_module(call.org, names["api_name"], _title(entry))
        made.singular, made.plural = names["singular_label"], names["plural_label"]
        call.noted("module", made.id, "create")
        return success("module created successfully", {"id": made.id})

    return judged(rows_of(call, "modules", 1), judge, 201, "modules")


def _text(entry: Document, name: str, path: str) -> str:
    value, at = entry.get(name), f"{path}.{name}"
    if value in (None, ""):
        raise mandatory(name, at)
    if not isinstance(value, str):
        raise invalid_value(name, at, expected_data_type="string")
    if len(value) > LONGEST[name]:
        raise invalid_value(name, at, maximum_length=LONGEST[name])
    return value


def _title(entry: Document) -> str:
    field = entry.get("display_field")
    label = field.get("field_label") if isinstance(field, dict) else None
    return label.strip().replace(" ", "_") if isinstance(label, str) and label.replace(" ", "").isalnum() else "Name"


def refuse(call: Call, api_name: str, path: str) -> None:
    at = at_field("api_name", f"{path}.api_name")
    if not api_name.isidentifier() or not api_name.isascii():
        raise invalid_value("api_name", f"{path}.api_name", expected_data_type="string")
    if api_name in call.org.modules:
        raise RowRefusal("DUPLICATE_DATA", "duplicate data", at)
    own = sum(module.custom for module in call.org.modules.values())
    if own >= EDITIONS[call.switches.edition].custom_modules:
        raise RowRefusal("NOT_ALLOWED", "the limit of custom modules is reached", at)


def open_module(org: Organisation, api_name: str, title: str = "Name") -> Module:
    """A custom module, whose records have a name."""
    make = Makes(org.new_id, org.enabled)
    named = [*make.text(f"{title}!"), make.one("Email", "email", 100), *make.currency()]
    org.modules[api_name] = make.module(api_name, title, named, custom=True)
    org.shelves[api_name] = Shelf()
    return org.modules[api_name]
