"""Fields of records as queries compare them, and the values they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.organisation import Organisation, full_name
from sandbox.zoho_crm.record import Record, Values
from sandbox.zoho_crm.stamps import seconds_of

TIMES = ("Created_Time", "Modified_Time")
Test = Callable[[Any, Any], bool]


def comparable(record: Record, values: Values, name: str) -> Any:
    """A field's value in a form that compares: text without case, instants as seconds, lookups by id."""
    match name:
        case "id":
            return record.id
        case "Created_Time":
            return record.created
        case "Modified_Time":
            return record.modified
        case "Owner" | "Created_By" | "Modified_By":
            return {"Owner": record.owner, "Created_By": record.created_by, "Modified_By": record.modified_by}[name]
        case "Full_Name":
            return full_name(values).casefold()
    return folded(values.get(name))


def folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def operand(module: Module, name: str, given: Any) -> Any:
    """What a query names, in the same form; None when it cannot be such a value."""
    one = module.fields.get(name)
    if one is None:
        return str(given)
    if one.data_type == "datetime":
        return seconds_of(str(given)) if name in TIMES else str(given)
    if one.data_type in ("integer", "bigint", "double", "currency", "percent"):
        return _number(given)
    if one.data_type == "boolean":
        return {"true": True, "false": False}.get(str(given).lower())
    return folded(str(given))


def _number(given: Any) -> Decimal | None:
    try:
        found = Decimal(str(given))
    except ArithmeticError:
        return None
    return found if found.is_finite() else None


def has_column(org: Organisation, module: Module, name: str) -> bool:
    """A field of the module, or through one of its lookups a field of another."""
    first, _, second = name.partition(".")
    if not second:
        return first == "id" or first in module.fields
    one = module.fields.get(first)
    return one is not None and bool(one.lookup) and has_column(org, org.modules[one.lookup], second)


def _ordered(test: Test) -> Test:
    """Nothing is neither more nor less than something; kinds that do not compare do not fit."""

    def compares(value: Any, wanted: Any) -> bool:
        try:
            return value is not None and wanted is not None and test(value, wanted)
        except TypeError:
            return False

    return compares


def _like(value: Any, pattern: Any) -> bool:
    """`x%`, `%x` and `%x%`; `%` elsewhere is itself."""
    if not isinstance(value, str) or not isinstance(pattern, str):
        return False
    core = pattern.strip("%")
    match pattern.startswith("%"), pattern.endswith("%"):
        case True, True:
            return core in value
        case True, False:
            return value.endswith(core)
        case False, True:
            return value.startswith(core)
    return value == core


def _between(value: Any, bounds: Sequence[Any]) -> bool:
    return (
        len(bounds) == 2
        and _ordered(lambda a, b: a >= b)(value, bounds[0])
        and _ordered(lambda a, b: a <= b)(value, bounds[1])
    )


TESTS: dict[str, Test] = {
    "equals": lambda value, wanted: value == wanted,
    "not_equal": lambda value, wanted: value != wanted,
    "starts_with": lambda value, wanted: isinstance(value, str) and value.startswith(str(wanted)),
    "greater_than": _ordered(lambda value, wanted: value > wanted),
    "greater_equal": _ordered(lambda value, wanted: value >= wanted),
    "less_than": _ordered(lambda value, wanted: value < wanted),
    "less_equal": _ordered(lambda value, wanted: value <= wanted),
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
    "between": _between,
    "like": _like,
    "not_like": lambda value, wanted: not _like(value, wanted),
    "is_null": lambda value, _: value is None,
    "is_not_null": lambda value, _: value is not None,
}
