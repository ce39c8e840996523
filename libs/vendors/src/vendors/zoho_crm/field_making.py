"""Fields that mappings ask for, made by the settings of the account (sheet, corrections): our own external one, and others by their names.

Those of one module are made together, five a call. What is there already is taken as it is, if it does what it is for: asked twice it is
made once. An answer names no field, and may be lost, so what came of the calls is read in the list of fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.failures import Bug, Failure, FailureClass, Rejected, Unknown
from common.http.call import Api, Call
from vendors.catalogue import AskedField, CatalogueField
from vendors.zoho_crm import errors, module_facts, wire
from vendors.zoho_crm.errors import ZC_CALL_WRONG, ZC_DUPLICATE, ZC_INVALID_VALUE
from vendors.zoho_crm.module_facts import ModuleFacts, ModuleField
from vendors.zoho_crm.module_plan import TargetModule
from vendors.zoho_crm.module_wire import CUSTOM, KEY
from vendors.zoho_crm.module_writes import reading_a_write
from vendors.zoho_crm.write_codes import ZC_FIELD_REFUSED, refused

# The vendor takes no more in one call, and no longer label.
AT_ONCE = 5
LONGEST_LABEL = 25
KEY_LENGTH = 100
# Ours -> the vendor's kind.
_KINDS = {
    "text": "text", "number": "double", "money": "currency", "date": "date", "datetime": "datetime", "boolean": "boolean", "email": "email",
    "phone": "phone", "url": "website",
}  # fmt: skip
# What is said of a field: its form, one that is there, and an edition whose fields are used up. All else is about the whole call.
_OF_A_FIELD = frozenset({ZC_INVALID_VALUE.name, ZC_DUPLICATE.name, ZC_CALL_WRONG.name})

Refusals = Mapping[str, Failure]


def label_of(name: str) -> str:
    """Of which the vendor makes the name: a space becomes an underscore."""
    return name.replace("_", " ")


def key_of(module: TargetModule) -> CatalogueField:
    return CatalogueField(KEY, label_of(module.key_field), "text", max_length=KEY_LENGTH)


async def made(module: TargetModule, asked: Sequence[AskedField], api: Api) -> tuple[ModuleFacts, Refusals]:
    """The module's fields as they are then, and why one is not as it was asked for, by its path.

    A read, a call for every five that are missing, and a second read if any were. A crash leaves fields that the next read finds.
    """
    facts = await module_facts.read(module.reader.module, api)
    wishes: dict[str, Mapping[str, Any]] = {}
    wrong = {one.path: why for one in asked if (why := _wished(module, one, facts, wishes))}
    if wrong or not wishes:
        return facts, wrong
    verdicts: dict[str, Failure] = {}
    names = list(wishes)
    for at in range(0, len(names), AT_ONCE):
        verdicts |= await _sent(module, {name: wishes[name] for name in names[at : at + AT_ONCE]}, api)
    facts = await module_facts.read(module.reader.module, api)
    return facts, {one.path: why for one in asked if (why := _missed(module, one, facts, verdicts))}


def _wished(
    module: TargetModule, one: AskedField, facts: ModuleFacts, wishes: dict[str, Mapping[str, Any]]
) -> Failure | None:
    """Puts it among the wishes, unless it is there; the refusal where it can be neither made nor taken as it is."""
    name = _name(module, one)
    if one.path != KEY and not one.path.startswith(CUSTOM):
        return refused(ZC_FIELD_REFUSED, f"{one.path} is none that can be made.")
    if (there := facts.fields.get(name)) is not None:
        return _misfit(one, there)
    if len(name) > LONGEST_LABEL or one.type not in _KINDS:
        return refused(ZC_FIELD_REFUSED, f"{name[:60]} as {one.type}: a name has {LONGEST_LABEL} letters at most.")
    wish = _wish(one, name)
    if wishes.setdefault(name, wish) != wish:
        return refused(ZC_FIELD_REFUSED, f"{name} is asked for in two ways.")
    return None


def _missed(module: TargetModule, one: AskedField, facts: ModuleFacts, verdicts: Refusals) -> Failure | None:
    """Why it is not there as it was asked for, whatever was answered."""
    name = _name(module, one)
    if (there := facts.fields.get(name)) is not None:
        return _misfit(one, there)
    return verdicts.get(name) or refused(ZC_FIELD_REFUSED, f"{name} was made under another name.")


def _name(module: TargetModule, one: AskedField) -> str:
    return module.key_field if one.path == KEY else one.path.removeprefix(CUSTOM)


def _wish(one: AskedField, name: str) -> Mapping[str, Any]:
    """Our own field is found by its value, so it takes each once."""
    wish: dict[str, Any] = {"field_label": label_of(name), "data_type": _KINDS[one.type]}
    if one.path == KEY:
        wish |= {"length": KEY_LENGTH, "unique": {"case_sensitive": False}, "external": {"type": "org", "show": True}}
    return wish


def _misfit(one: AskedField, there: ModuleField) -> Failure | None:
    """One that is there and cannot do what it is asked for."""
    if one.path == KEY and not _is_key(there):
        return refused(ZC_FIELD_REFUSED, f"{there.name} is there, and takes a value twice or is no single line.")
    if one.path != KEY and there.kind != _KINDS.get(one.type):
        return refused(ZC_FIELD_REFUSED, f"{there.name} is there already, as {there.kind}.")
    return None


def _is_key(there: ModuleField) -> bool:
    return there.writable and there.kind == "text" and (there.unique or there.external)


async def _sent(module: TargetModule, wishes: Mapping[str, Mapping[str, Any]], api: Api) -> Refusals:
    """One call; what was said against its fields, by their names. Of an outcome that nobody saw only the list of fields tells."""
    body = {"fields": list(wishes.values())}
    query = {"module": module.reader.module}
    try:
        answer = await api.call(Call("POST", "/settings/fields", "fields.create", query=query, json=body, writes=True))
        with reading_a_write(answer):
            rows = zip(wishes, wire.body_of(answer.body)["fields"], strict=True)
            told = {name: errors.of_row(answer.status, row, answer.date) for name, row in rows if _is_refused(row)}
    except (Rejected, Bug, Unknown) as failure:
        if failure.kind is not FailureClass.UNKNOWN and failure.code not in _OF_A_FIELD:
            raise
        told = dict.fromkeys(wishes, failure)
    return {name: _explained(failure, name) for name, failure in told.items()}


def _is_refused(row: Mapping[str, Any]) -> bool:
    return bool(row["status"] != "success")


def _explained(failure: Failure, name: str) -> Failure:
    if failure.code not in _OF_A_FIELD:
        return failure
    said = f"{failure.vendor_code} {failure.vendor_words}".strip()
    return refused(ZC_FIELD_REFUSED, f"It is {name}; Zoho CRM says: {said}.")
