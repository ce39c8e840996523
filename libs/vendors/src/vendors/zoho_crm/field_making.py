"""Fields that a mapping asks for, made by the settings of the account (sheet, corrections): our own external one, and others by their names.

What is there already is taken as it is, if it does what it is for: asked twice it is made once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.failures import Bug, Failure, Rejected
from common.http.call import Api, Call
from vendors.catalogue import CatalogueField
from vendors.zoho_crm import module_facts
from vendors.zoho_crm.errors import ZC_CALL_WRONG, ZC_DUPLICATE, ZC_INVALID_VALUE
from vendors.zoho_crm.module_facts import ModuleFacts, ModuleField
from vendors.zoho_crm.module_plan import TargetModule
from vendors.zoho_crm.module_wire import CUSTOM, KEY
from vendors.zoho_crm.write_codes import ZC_FIELD_REFUSED, refused

# The vendor takes no longer label.
LONGEST_LABEL = 25
KEY_LENGTH = 100
# Ours -> the vendor's kind.
_KINDS = {
    "text": "text", "number": "double", "money": "currency", "date": "date", "datetime": "datetime", "boolean": "boolean", "email": "email",
    "phone": "phone", "url": "website",
}  # fmt: skip


def label_of(name: str) -> str:
    """Of which the vendor makes the name: a space becomes an underscore."""
    return name.replace("_", " ")


def key_of(module: TargetModule) -> CatalogueField:
    return CatalogueField(KEY, label_of(module.key_field), "text", max_length=KEY_LENGTH)


async def made(module: TargetModule, path: str, type: str, api: Api) -> CatalogueField:
    """Our own field is found by its value, so it takes each once."""
    name = module.key_field if path == KEY else path.removeprefix(CUSTOM)
    if path != KEY and not path.startswith(CUSTOM):
        raise refused(ZC_FIELD_REFUSED, f"{path} is none that can be made.")
    facts = await module_facts.read(module.reader.module, api)
    if name not in facts.fields:
        await _make(module, name, _asked(path, name, type), api)
        facts = await module_facts.read(module.reader.module, api)
    return _taken(module, path, type, facts, name)


def _asked(path: str, name: str, type: str) -> dict[str, Any]:
    if len(name) > LONGEST_LABEL or type not in _KINDS:
        raise refused(ZC_FIELD_REFUSED, f"{name[:60]} as {type}: a name has {LONGEST_LABEL} letters at most.")
    asked: dict[str, Any] = {"field_label": label_of(name), "data_type": _KINDS[type]}
    if path == KEY:
        asked |= {"length": KEY_LENGTH, "unique": {"case_sensitive": False}, "external": {"type": "org", "show": True}}
    return asked


async def _make(module: TargetModule, name: str, asked: Mapping[str, Any], api: Api) -> None:
    query = {"module": module.reader.module}
    call = Call("POST", "/settings/fields", "fields.create", query=query, json={"fields": [asked]}, writes=True)
    try:
        await api.call(call)
    except (Rejected, Bug) as failure:
        if failure.code == ZC_DUPLICATE.name:
            # Somebody has made it a moment ago.
            return
        raise _refusal(failure, name) from failure


def _refusal(failure: Failure, name: str) -> Failure:
    """A form that is refused, and an edition whose fields are used up."""
    if failure.code not in (ZC_INVALID_VALUE.name, ZC_CALL_WRONG.name):
        return failure
    said = f"{failure.vendor_code} {failure.vendor_words}".strip()
    return refused(ZC_FIELD_REFUSED, f"It is {name}; Zoho CRM says: {said}.")


def _taken(module: TargetModule, path: str, type: str, facts: ModuleFacts, name: str) -> CatalogueField:
    """As it is there now."""
    there = facts.fields.get(name)
    if there is None:
        raise refused(ZC_FIELD_REFUSED, f"{name} was made under another name.")
    if path == KEY:
        if not _is_key(there):
            raise refused(ZC_FIELD_REFUSED, f"{name} is there, and takes a value twice or is no single line.")
        return key_of(module)
    if there.kind != _KINDS.get(type):
        raise refused(ZC_FIELD_REFUSED, f"{name} is there already, as {there.kind}.")
    return module_facts.shown(there)


def _is_key(there: ModuleField) -> bool:
    return there.writable and there.kind == "text" and (there.unique or there.external)
