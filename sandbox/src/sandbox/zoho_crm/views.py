"""Records as the API shows them: lookups with names, people with names, times in the account's zone."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.zoho_crm.field import Field
from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.organisation import Organisation, full_name
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.refusals import Document

LONGEST_IN_LISTS = 500


def shown(org: Organisation, module: Module, record: Record) -> Document:
    """One record read by itself: every field."""
    row: Document = {"id": record.id}
    row |= {name: value_of(org, module, one, record) for name, one in module.fields.items()}
    return row | {"$approval_state": record.approval, "Locked__s": record.locked, "$converted": record.converted}


def row(org: Organisation, module: Module, record: Record, names: Iterable[str]) -> Document:
    """A row of a list: the fields asked for, without subforms, long text cut."""
    found: Document = {"id": record.id}
    for name in names:
        one = module.fields.get(name)
        if one is not None and not one.heavy:
            value = value_of(org, module, one, record)
            found[name] = value[:LONGEST_IN_LISTS] if isinstance(value, str) and one.data_type == "textarea" else value
    return found


def value_of(org: Organisation, module: Module, one: Field, record: Record) -> object:
    match one.api_name:
        case "Created_Time":
            return org.stamp(record.created)
        case "Modified_Time":
            return org.stamp(record.modified)
        case "Created_By":
            return org.person(record.created_by)
        case "Modified_By":
            return org.person(record.modified_by)
        case "Owner":
            owner = org.user(record.owner)
            return {"name": owner.name, "id": owner.id, "email": owner.email}
        case "Full_Name" if module.api_name == "Contacts":
            return full_name(record.values)
    return rendered(org, one, record.values.get(one.api_name))


def rendered(org: Organisation, one: Field, value: object) -> object:
    """A stored value in the API's form."""
    if one.data_type == "lookup":
        return reference(org, one.lookup, value)
    if one.data_type == "subform" and isinstance(value, list):
        return [line(org, one, entry) for entry in value]
    if one.data_type == "parent" and isinstance(value, tuple):
        return {"module": {"api_name": value[0]}, **(reference(org, value[0], value[1]) or {"id": value[1]})}
    if one.data_type == "multiselectpicklist":
        return list(value) if isinstance(value, list) else []
    return value


def reference(org: Organisation, module: str, id_: object) -> Document | None:
    """A lookup; one whose record is gone shows nothing."""
    record = org.find(module, id_)
    return None if record is None else {"name": org.title(module, record), "id": record.id}


def line(org: Organisation, one: Field, entry: Document) -> Document:
    """A row of a subform."""
    columns = {column.api_name: rendered(org, column, entry.get(column.api_name)) for column in one.columns}
    return {"id": entry["id"], **columns}


def actors(org: Organisation, record: Record) -> Document:
    """What every answer to a write tells of the record."""
    return {
        "Modified_Time": org.stamp(record.modified), "Modified_By": org.person(record.modified_by),
        "Created_Time": org.stamp(record.created), "id": record.id, "Created_By": org.person(record.created_by),
    }  # fmt: skip
