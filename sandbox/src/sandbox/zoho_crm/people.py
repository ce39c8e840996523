"""What people do in the CRM's own pages: edit, merge, convert, lock, change the edition, switch the Books sync on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandbox.zoho_crm.call import Call
from sandbox.zoho_crm.changing import Rows
from sandbox.zoho_crm.converting import converted
from sandbox.zoho_crm.custom_modules import open_module
from sandbox.zoho_crm.metadata import field_of
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.record_api import remove
from sandbox.zoho_crm.refusals import Document, RowRefusal
from sandbox.zoho_crm.switches import Switches

Wanted = dict[str, Any]


class People:
    """One wish of somebody with a browser; raises ValueError for what cannot be."""

    def __init__(self, call: Call, wanted: Wanted) -> None:
        self._call, self._wanted, self._org = call, wanted, call.org
        self._acts: dict[str, Callable[[], Document]] = {
            "create": self._create, "edit": self._edit, "delete": self._delete, "merge": self._merge,
            "convert": self._convert, "lock": self._lock, "unlock": self._unlock, "submit": self._submit,
            "approve": self._approve, "native_sync": self._native_sync, "add_field": self._add_field,
            "add_module": self._add_module,
        }  # fmt: skip

    def act(self) -> Document:
        act = self._acts.get(str(self._wanted.get("do")))
        if act is None:
            raise ValueError(f"do is one of {', '.join([*self._acts, 'change_edition'])}")
        try:
            return act()
        except RowRefusal as wrong:
            raise ValueError(f"{wrong.code} {wrong.details}") from wrong

    # Records

    def _module(self) -> str:
        name = str(self._wanted.get("module", "Contacts"))
        if name not in self._org.modules:
            raise ValueError(f"there is no module {name}")
        return name

    def _record(self, id_: object, module: str | None = None) -> Record:
        found = self._org.find(module or self._module(), id_)
        if found is None:
            raise ValueError(f"there is no record {id_}")
        return found

    def _values(self) -> Document:
        values = self._wanted.get("values", {})
        if not isinstance(values, dict):
            raise ValueError("values is an object")
        return values

    def _rows(self) -> Rows:
        return Rows(self._call, self._org.modules[self._module()])

    def _create(self) -> Document:
        return {"id": self._rows().insert(self._values(), "$").id}

    def _edit(self) -> Document:
        return {"id": self._rows().update(self._record(self._wanted.get("id")), self._values(), "$").id}

    def _delete(self) -> Document:
        """Into the recycle bin, or for good with `"permanent": true`."""
        record = self._record(self._wanted.get("id"))
        kind = "permanent" if self._wanted.get("permanent") is True else "recycle"
        remove(self._call, self._module(), record, kind)
        return {"id": record.id, "type": kind}

    def _merge(self) -> Document:
        """The others become the one: what it lacks it takes over, what led to them leads to it, and they are gone for good."""
        module, one = self._module(), self._record(self._wanted.get("into"))
        others = self._wanted.get("ids")
        if not isinstance(others, list) or not others or one.id in others:
            raise ValueError("ids is a list of other records")
        found = [self._record(id_) for id_ in others]
        taken: Document = {}
        for other in found:
            lacking = {name: value for name, value in other.values.items() if one.values.get(name) in (None, "")}
            taken = {**lacking, **taken}
            self._lead_to(module, other.id, one.id)
            remove(self._call, module, other, "permanent")
        one.modified, one.modified_by = self._call.now, self._call.user.id
        self._org.shelves[module].put(one, {**one.values, **{k: v for k, v in taken.items() if v is not None}})
        self._call.wrote(module, one, "update", taken)
        return {"id": one.id, "merged": [other.id for other in found]}

    def _lead_to(self, module: str, former: str, survivor: str) -> None:
        for name, shelf in self._org.shelves.items():
            lookups = [field.api_name for field in self._org.modules[name].fields.values() if field.lookup == module]
            for record in shelf:
                moved = {field: survivor for field in lookups if record.values.get(field) == former}
                if record.values.get("Parent_Id") == (module, former):
                    moved["Parent_Id"] = (module, survivor)  # type: ignore[assignment]
                if moved:
                    shelf.put(record, record.values | moved)

    def _convert(self) -> Document:
        lead = self._record(self._wanted.get("id"), "Leads")
        return converted(self._call, lead, {"Deals": self._wanted.get("deal")}, "$")

    def _lock(self) -> Document:
        return self._mark(locked=True)

    def _unlock(self) -> Document:
        return self._mark(locked=False)

    def _submit(self) -> Document:
        return self._mark(approval="pending")

    def _approve(self) -> Document:
        return self._mark(approval="approved")

    def _mark(self, **marks: object) -> Document:
        record = self._record(self._wanted.get("id"))
        for name, value in marks.items():
            setattr(record, name, value)
        return {"id": record.id, **marks}

    # Settings

    def _native_sync(self) -> Document:
        self._org.native_sync = self._wanted.get("on", True) is True
        return {"native_sync": self._org.native_sync}

    def _add_field(self) -> Document:
        """A custom field, outside the edition's number."""
        module = self._org.modules[self._module()]
        label, kind = str(self._wanted.get("label") or ""), str(self._wanted.get("data_type", "text"))
        made = field_of(self._org.new_id(), label, kind, self._wanted, "$")
        if not label or made.api_name in module.fields:
            raise ValueError("label is missing or taken")
        if isinstance(self._wanted.get("lookup"), str) and kind == "lookup":
            made = replace(made, lookup=self._wanted["lookup"])
        module.add(made)
        return {"id": made.id, "api_name": made.api_name}

    def _add_module(self) -> Document:
        """A custom module, whose records have a name."""
        api_name = str(self._wanted.get("api_name") or "")
        if not api_name.isidentifier() or api_name in self._org.modules:
            raise ValueError("api_name is missing, taken, or no name")
        open_module(self._org, api_name)
        return {"api_name": api_name}


def edition_changed(switches: Switches, wanted: Wanted) -> Switches:
    """What the subscription page does; records of modules that the edition lacks stay, unseen."""
    return switches.changed({key: wanted[key] for key in ("edition", "users") if key in wanted})
