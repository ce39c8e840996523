"""The criteria of a bulk read: one comparison, or a group of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.zoho_crm.columns import TESTS, comparable, operand
from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.refusals import Refusal

Fits = Callable[[Record], bool]
COMPARATORS = (
    "equal", "not_equal", "in", "not_in", "less_than", "less_equal", "greater_than", "greater_equal", "between",
    "starts_with",
)  # fmt: skip
MOST, DEEPEST = 25, 5


def fits_of(module: Module, given: Any, depth: int = 0) -> Fits:
    """A test of records; raises Refusal."""
    if given is None:
        return lambda _: True
    if not isinstance(given, dict) or depth > DEEPEST:
        raise Refusal(400, "INVALID_CRITERIA", "The criteria is invalid")
    if "group" in given:
        return _group(module, given, depth)
    return _single(module, given)


def _group(module: Module, given: dict[str, Any], depth: int) -> Fits:
    operator, group = str(given.get("group_operator")).lower(), given["group"]
    if operator not in ("and", "or"):
        raise Refusal(
            400, "GROUP_OPERATOR_NOT_SUPPORTED", "The group operator is not supported", supported=["and", "or"]
        )
    if not isinstance(group, list) or not group:
        raise Refusal(400, "INVALID_CRITERIA", "The criteria is invalid")
    if len(group) > MOST:
        raise Refusal(400, "CRITERIA_LIMIT_EXCEEDED", "Too many criteria", max_limit=MOST)
    parts = [fits_of(module, one, depth + 1) for one in group]
    every = all if operator == "and" else any
    return lambda record: every(part(record) for part in parts)


def _single(module: Module, given: dict[str, Any]) -> Fits:
    field, word, value = given.get("field"), given.get("comparator"), given.get("value")
    name = field.get("api_name") if isinstance(field, dict) else given.get("api_name")
    if not isinstance(name, str) or (name != "id" and name not in module.fields):
        raise Refusal(400, "FIELD_IN_CRITERIA_NOT_SUPPORTED", "A field of the criteria is not supported")
    if word not in COMPARATORS:
        raise Refusal(400, "INVALID_CRITERIA", "The criteria is invalid", comparator=str(word))
    many = word in ("in", "not_in", "between")
    if many != isinstance(value, list):
        raise Refusal(400, "COMPARATOR_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE", "The value does not fit its comparator")
    wanted = [operand(module, name, one) for one in value] if isinstance(value, list) else operand(module, name, value)
    test = TESTS["equals" if word == "equal" else word]
    return lambda record: test(comparable(record, record.values, name), wanted)
