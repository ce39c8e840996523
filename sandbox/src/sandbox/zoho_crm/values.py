"""Values as they are sent, checked against their field and turned into what is stored (sheet, sections 2 and 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.zoho_crm.field import Field
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.refusals import RowRefusal, at_field, invalid_value, mandatory
from sandbox.zoho_crm.stamps import is_day, seconds_of

EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>().]{2,}\Z")
BARE = re.compile(r"[\s()./-]")
LARGEST = 10**16
FINEST = -20
TEXTS = ("text", "textarea", "phone", "website", "email")
NUMBERS = ("double", "currency", "percent")


class Checker:
    """Checks the values of one row; `externals` maps a lookup to the external field its record may be named by."""

    def __init__(self, org: Organisation, externals: Mapping[str, str], forms: tuple[str, ...] = ()) -> None:
        self._org, self._externals, self._forms = org, externals, forms

    def value(self, one: Field, given: Any, path: str) -> Any:
        """What is stored; None clears. Raises RowRefusal."""
        if given is None or given == "":
            return None
        if one.data_type in TEXTS:
            return self._text(one, given, path)
        if one.data_type in NUMBERS or one.data_type in ("integer", "bigint"):
            return _number(one, given, path)
        if one.data_type in ("lookup", "ownerlookup"):
            return self._reference(one, given, path)
        if one.data_type == "subform":
            return self._lines(one, given, path)
        if one.data_type == "parent":
            return self._parent(one, given, path)
        return _choice(one, given, path)

    def _text(self, one: Field, given: Any, path: str) -> str:
        if not isinstance(given, str):
            raise invalid_value(one.api_name, path, expected_data_type=one.data_type)
        if len(given) > one.length:
            raise invalid_value(one.api_name, path, maximum_length=one.length)
        if one.data_type == "email" and not EMAIL.match(given):
            raise invalid_value(one.api_name, path, expected_data_type="email")
        return self._formed(one, given)

    def _formed(self, one: Field, given: str) -> str:
        """The vendor may keep a value in a form of its own: a switch, since which ones is not known."""
        if "trim" in self._forms:
            given = given.strip()
        if "lower_email" in self._forms and one.data_type == "email":
            return given.lower()
        if "bare_phone" in self._forms and one.data_type == "phone":
            return BARE.sub("", given)
        if "title_names" in self._forms and one.api_name in ("First_Name", "Last_Name"):
            return given.title()
        return given

    def _reference(self, one: Field, given: Any, path: str) -> str:
        """The id of a record that is there, by its id or by the external field that the header named."""
        if not isinstance(given, dict):
            raise invalid_value(one.api_name, path, expected_data_type="jsonobject")
        if one.data_type == "ownerlookup":
            found: Any = next((user for user in self._org.users if user.id == given.get("id")), None)
        elif (name := self._externals.get(one.api_name)) and name in given:
            found = next(iter(self._org.shelves[one.lookup].having(name, given[name])), None)
        else:
            found = self._org.find(one.lookup, given.get("id"))
        if found is None:
            details = at_field("id", f"{path}.id")
            raise RowRefusal("INVALID_DATA", "the id given seems to be invalid", details)
        return str(found.id)

    def _lines(self, one: Field, given: Any, path: str) -> list[dict[str, Any]]:
        if not isinstance(given, list):
            raise invalid_value(one.api_name, path, expected_data_type="jsonarray")
        if len(given) > one.length:
            raise invalid_value(one.api_name, path, maximum_length=one.length)
        return [self._line(one, entry, f"{path}[{at}]") for at, entry in enumerate(given)]

    def _line(self, one: Field, given: Any, path: str) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise invalid_value(one.api_name, path, expected_data_type="jsonobject")
        stored: dict[str, Any] = {"id": self._org.new_id()}
        for column in one.columns:
            at = f"{path}.{column.api_name}"
            stored[column.api_name] = self.value(column, given.get(column.api_name), at)
            if column.mandatory and stored[column.api_name] is None:
                raise mandatory(column.api_name, at)
        if stored.get("Total") is None and isinstance(stored.get("List_Price"), int | Decimal):
            stored["Total"] = Decimal(stored["List_Price"]) * Decimal(stored["Quantity"])
        return stored

    def _parent(self, one: Field, given: Any, path: str) -> tuple[str, str]:
        """What a note hangs on."""
        module = given.get("module") if isinstance(given, dict) else None
        name = module.get("api_name") if isinstance(module, dict) else None
        if not isinstance(name, str) or self._org.find(name, given.get("id")) is None:
            raise invalid_value(one.api_name, path, expected_data_type="jsonobject")
        return name, given["id"]


def _number(one: Field, given: Any, path: str) -> int | Decimal:
    whole = one.data_type in ("integer", "bigint")
    if isinstance(given, bool) or not isinstance(given, int if whole else int | Decimal):
        raise invalid_value(one.api_name, path, expected_data_type=one.data_type)
    if abs(given) >= LARGEST or (isinstance(given, Decimal) and int(given.as_tuple().exponent) < FINEST):
        raise invalid_value(one.api_name, path, maximum_length=16)
    return given


def _choice(one: Field, given: Any, path: str) -> Any:
    """Yes or no, days, instants, and values of a list."""
    match one.data_type:
        case "boolean" if isinstance(given, bool):
            return given
        case "date" if isinstance(given, str) and is_day(given):
            return given
        case "datetime" if isinstance(given, str) and seconds_of(given) is not None:
            return given
        case "picklist" if isinstance(given, str):
            return _listed(one, given, path)
        case "multiselectpicklist" if isinstance(given, list):
            return [_listed(one, entry, path) for entry in given]
    expected = {"picklist": "picklist", "multiselectpicklist": "jsonarray"}.get(one.data_type, one.data_type)
    raise invalid_value(one.api_name, path, expected_data_type=expected)


def _listed(one: Field, given: Any, path: str) -> Any:
    if given not in one.options:
        raise invalid_value(one.api_name, path, supported_values=list(one.options))
    return given
