"""One row of a write: found or new, checked, stored, and told (sheet, sections 2 and 3)."""

from __future__ import annotations

from typing import Any

from sandbox.zoho_crm.call import Call
from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.record import Record, Values
from sandbox.zoho_crm.refusals import Document, RowRefusal, at_field, invalid_value, mandatory, several
from sandbox.zoho_crm.stamps import header_time
from sandbox.zoho_crm.values import Checker
from sandbox.zoho_crm.views import actors


class Rows:
    """Writes rows of one module on behalf of one call."""

    def __init__(self, call: Call, module: Module) -> None:
        self.call, self.org, self.module = call, call.org, module
        self.shelf = call.org.shelves[module.api_name]
        self._external, externals = external_names(call.header("x-external"), module.api_name)
        self._checker = Checker(call.org, externals, call.switches.changed_forms)

    # Finding

    def by_id(self, id_: object, path: str) -> Record:
        """The record a row means: by its id, or by the value of the external field that the header named."""
        record = self.by_external(id_) if self._external else self.org.find(self.module.api_name, id_)
        if record is None:
            raise RowRefusal("INVALID_DATA", "the id given seems to be invalid", at_field("id", path))
        return record

    def by_external(self, value: object) -> Record | None:
        one = self.module.fields.get(self._external)
        if one is None or not one.external or not isinstance(value, str):
            return None
        return next(iter(self.shelf.having(self._external, value)), None)

    @property
    def named_by(self) -> str:
        """Which key of a row names its record."""
        return self._external or "id"

    # Writing

    def insert(self, given: Document, path: str) -> Record:
        values = self._checked(given, path, {}, None)
        now, user = self.call.now, self.call.user.id
        owner = values.pop("Owner", None) or user
        record = Record(self.org.new_id(), now, now, user, user, owner, {})
        self.shelf.put(record, values)
        self.call.wrote(self.module.api_name, record, "create", values)
        return record

    def update(self, record: Record, given: Document, path: str) -> Record:
        """Of what is written, all or nothing; a record that others hold is left alone."""
        self.may_change(record)
        written = self._checked(given, path, record.values, record)
        differing = {name: value for name, value in written.items() if record.values.get(name) != value}
        if record.owner == differing.get("Owner"):
            del differing["Owner"]  # it is not among the values
        record.before = record.values
        record.owner = written.pop("Owner", None) or record.owner
        record.modified, record.modified_by = self.call.now, self.call.user.id
        self.shelf.put(record, record.values | written)
        self.call.wrote(self.module.api_name, record, "update" if differing else "noop", differing)
        return record

    def may_change(self, record: Record) -> None:
        if record.locked:
            raise RowRefusal("RECORD_LOCKED", "The record is locked", {"id": record.id})
        if record.approval != "approved":
            raise RowRefusal("NOT_APPROVED", "The record is not approved", {"id": record.id})
        since = header_time(self.call.header("if-unmodified-since"))
        if self.call.switches.if_unmodified_since and since is not None and record.modified > since:
            words = "record updated time has already passed if-unmodified-since time"
            raise RowRefusal("ALREADY_MODIFIED", words, actors(self.org, record), 412)

    def _checked(self, given: Document, path: str, before: Values, record: Record | None) -> Values:
        """The values a row writes; names that no field has are passed over, as are read-only ones."""
        values: Values = {}
        wrongs: list[RowRefusal] = []
        for name, one in self.module.fields.items():
            at = f"{path}.{name}"
            try:
                if name in given and not one.read_only:
                    values[name] = self._checker.value(one, given[name], at)
                if one.mandatory and values.get(name, before.get(name)) in (None, "", []):
                    raise mandatory(name, at)
            except RowRefusal as wrong:
                wrongs.append(wrong)
        if wrongs:
            raise several(wrongs)
        self._alone(values, path, record)
        return values

    def _alone(self, values: Values, path: str, record: Record | None) -> None:
        """A value of a unique field that another record has is refused."""
        for name, value in values.items():
            one = self.module.fields[name]
            others = self.shelf.having(name, value) if one.unique or one.external else []
            twin = next((other for other in others if record is None or other.id != record.id), None)
            if twin is not None:
                raise self._duplicate(name, f"{path}.{name}", twin)

    def _duplicate(self, name: str, path: str, twin: Record) -> RowRefusal:
        module = {"api_name": self.module.api_name, "id": self.module.id}
        details: dict[str, Any] = at_field(name, path, id=twin.id)
        details["duplicate_record"] = {"Owner": self.org.person(twin.owner), "module": module, "id": twin.id}
        return RowRefusal("DUPLICATE_DATA", "duplicate data", details)


def external_names(header: str, module: str) -> tuple[str, dict[str, str]]:
    """`X-EXTERNAL: Contacts.Books_Id,Contacts.Account_Name.Books_Account_Id`: of the record, and of its lookups."""
    own, lookups = "", {}
    for entry in header.split(","):
        match entry.strip().split("."):
            case [named, name] if named == module:
                own = name
            case [named, lookup, name] if named == module:
                lookups[lookup] = name
    return own, lookups


def entry_of(given: Any, path: str) -> Document:
    """A row that is an object."""
    if not isinstance(given, dict):
        raise invalid_value("data", path, expected_data_type="jsonobject")
    return given
