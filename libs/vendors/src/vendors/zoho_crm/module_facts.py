"""The fields of a module as the account's settings list them, for whoever writes there: kinds, lengths, choices, and which take a value once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.failures import Failure
from common.http.call import Api, Call
from vendors.answers import reading
from vendors.catalogue import CatalogueField
from vendors.zoho_crm import wire
from vendors.zoho_crm.custom_fields import NO_LIST, NO_VALUE, TYPES


@dataclass(frozen=True, slots=True)
class ModuleField:
    """One field."""

    name: str
    kind: str
    """The vendor's own word."""
    label: str = ""
    length: int = 0
    writable: bool = True
    mandatory: bool = False
    unique: bool = False
    external: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What is known of a module."""

    fields: Mapping[str, ModuleField] = field(default_factory=dict)
    known: bool = True
    """False: the settings are closed to us, and what the vendor takes only it can say."""

    def has(self, name: str) -> bool:
        return not self.known or name in self.fields

    def refuses_twice(self, name: str) -> bool:
        """Whether no two records have the same value of it; a record with a value that another one has would become that other one."""
        one = self.fields.get(name)
        return one is not None and (one.unique or one.external)


async def read(module: str, api: Api) -> ModuleFacts:
    """One call."""
    try:
        answer = await api.call(Call("GET", "/settings/fields", "fields.list", query={"module": module}))
    except Failure as refusal:
        if refusal.code not in NO_LIST:
            raise
        return ModuleFacts(known=False)
    with reading(answer):
        rows = wire.body_of(answer.body)["fields"] if answer.body else []
        return ModuleFacts({one.name: one for one in map(field_of, rows)})


def field_of(row: Mapping[str, Any]) -> ModuleField:
    external = row.get("external")
    choices = [one.get("display_value") for one in row.get("pick_list_values") or () if isinstance(one, dict)]
    return ModuleField(
        str(row["api_name"]),
        str(row["data_type"]),
        label=str(row.get("field_label") or ""),
        length=int(row.get("length") or 0),
        writable=row.get("read_only") is not True,
        mandatory=row.get("system_mandatory") is True,
        unique=bool(row.get("unique")),
        external=isinstance(external, dict) and bool(external.get("type")),
        choices=tuple(str(one) for one in choices if one),
    )


def shown(one: ModuleField) -> CatalogueField:
    """A field that an account has added, as people see it."""
    kind = TYPES.get(one.kind, "text")
    return CatalogueField(
        f"custom.{one.name}", one.label or one.name, kind, in_list=False, max_length=(one.length or None) if kind == "text" else None,
        choices=one.choices if kind == "choice" else (), writable=one.writable,
    )  # fmt: skip


def has_value(one: ModuleField) -> bool:
    """Whether it is one that holds a value, and is told as one of the account's own."""
    return wire.is_told(one.name) and one.kind not in NO_VALUE
