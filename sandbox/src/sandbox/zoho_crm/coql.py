"""Queries answered (sheet, section 3; corrections): up to 2,000 rows a call, 100,000 by paging."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.zoho_crm.call import Call, Reply, module_of
from sandbox.zoho_crm.columns import TESTS, comparable, has_column, operand
from sandbox.zoho_crm.coql_syntax import Comparison, Joined, Query, parsed
from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.refusals import Document, Refusal, at_field, invalid_body, scope_mismatch
from sandbox.zoho_crm.scopes import allows
from sandbox.zoho_crm.views import value_of

Fits = Callable[[Record], bool]
COLUMNS, VALUES, JOINS, FURTHEST = 50, 50, 2, 100_000


def query(call: Call) -> Reply:
    text = call.document.get("select_query")
    if not isinstance(text, str):
        if text is None:
            raise Refusal(400, "MANDATORY_NOT_FOUND", "required field not found", api_name="select_query")
        raise invalid_body(**at_field("select_query", "$.select_query", expected_data_type="string"))
    asked = parsed(text)
    module = module_of(call.org, call.switches, asked.module)
    if call.scopes is not None and not allows(call.scopes, f"modules.{module.scope}.READ"):
        raise scope_mismatch()
    refuse_too_much(call, asked)
    refuse_strangers(call, module, asked)
    return _answered(call, module, asked)


def too_much(name: str, limit: int) -> Refusal:
    return Refusal(400, "LIMIT_EXCEEDED", f"the limit of {name} is exceeded", clause=name, limit=limit)


def refuse_too_much(call: Call, asked: Query) -> None:
    if asked.limit > call.switches.rows_of_a_query or asked.limit == 0:
        raise too_much("limit", call.switches.rows_of_a_query)
    if asked.offset + asked.limit > FURTHEST:
        raise too_much("offset", FURTHEST)
    if len(asked.columns) > COLUMNS:
        raise too_much("select", COLUMNS)
    for one in comparisons(asked.criterion):
        if isinstance(one.wanted, list) and len(one.wanted) > VALUES:
            raise too_much("in", VALUES)


def columns_of(asked: Query) -> list[str]:
    """Every column that a query names anywhere."""
    compared = [one.column for one in comparisons(asked.criterion)]
    return [*asked.columns, *compared, *(column for column, _ in asked.order)]


def refuse_strangers(call: Call, module: Module, asked: Query) -> None:
    names = columns_of(asked)
    for name in names:
        if not has_column(call.org, module, name):
            raise Refusal(400, "INVALID_QUERY", "invalid query formed", reason="invalid column", column_name=name)
    if len({name.partition(".")[0] for name in names if "." in name}) > JOINS:
        raise too_much("joins", JOINS)


def comparisons(criterion: Comparison | Joined) -> list[Comparison]:
    if isinstance(criterion, Comparison):
        return [criterion]
    return [*comparisons(criterion.first), *comparisons(criterion.second)]


def _answered(call: Call, module: Module, asked: Query) -> Reply:
    fits = compiled(call, module, asked.criterion)
    found = [record for record in candidates(call, module, asked.criterion) if fits(record)]
    found.sort(key=lambda record: (len(record.id), record.id))
    for column, descends in reversed(asked.order):
        found.sort(key=lambda record: _sortable(value_at(call, module, record, column)), reverse=descends)
    ends = asked.offset + asked.limit
    rows = [_row(call, module, record, asked.columns) for record in found[asked.offset : ends]]
    if not rows:
        return Reply(204)
    return Reply(200, {"data": rows, "info": {"count": len(rows), "more_records": len(found) > ends}})


def compiled(call: Call, module: Module, criterion: Comparison | Joined) -> Fits:
    """A test of records: what does not depend on the record is worked out once."""
    if isinstance(criterion, Joined):
        first, second = (compiled(call, module, one) for one in (criterion.first, criterion.second))
        if criterion.word == "and":
            return lambda record: first(record) and second(record)
        return lambda record: first(record) or second(record)
    column, test = criterion.column, TESTS[criterion.test]
    place, name = place_of(call, module, column)
    wanted = criterion.wanted
    if isinstance(wanted, list):
        wanted = [operand(place, name, one) for one in wanted]
    elif wanted is not None:
        wanted = operand(place, name, wanted)
    if place is module and "." not in column:
        return lambda record: test(comparable(record, record.values, name), wanted)
    return lambda record: test(value_at(call, module, record, column), wanted)


def candidates(call: Call, module: Module, criterion: Comparison | Joined) -> Iterable[Record]:
    """The records that can fit: those with one of the texts asked for, where the criterion is no more than that."""
    shelf = call.org.shelves[module.api_name]
    if isinstance(criterion, Comparison) and criterion.test in ("equals", "in"):
        one = module.fields.get(criterion.column)
        if one is not None and one.data_type in ("text", "email", "phone") and not one.read_only:
            wanted = criterion.wanted if isinstance(criterion.wanted, list) else [criterion.wanted]
            return {record.id: record for value in wanted for record in shelf.having(one.api_name, value)}.values()
    return shelf


def place_of(call: Call, module: Module, column: str) -> tuple[Module, str]:
    """The module a column lies in, through a lookup, and its name there."""
    first, _, second = column.partition(".")
    if not second:
        return module, first
    return place_of(call, call.org.modules[module.fields[first].lookup], second)


def value_at(call: Call, module: Module, record: Record | None, column: str) -> Any:
    if record is None:
        return None
    first, _, second = column.partition(".")
    if not second:
        return comparable(record, record.values, first)
    lookup = module.fields[first].lookup
    return value_at(call, call.org.modules[lookup], call.org.find(lookup, record.values.get(first)), second)


def _sortable(value: Any) -> tuple[int, Any]:
    """Nothing comes first."""
    return (0, 0) if value is None else (1, str(value) if isinstance(value, list) else value)


def _row(call: Call, module: Module, record: Record, columns: list[str]) -> Document:
    row: Document = {name: _shown(call, module, record, name) for name in columns}
    return row | {"id": record.id}


def _shown(call: Call, module: Module, record: Record, column: str) -> object:
    first, _, second = column.partition(".")
    if first == "id":
        return record.id
    if not second:
        return value_of(call.org, module, module.fields[first], record)
    lookup = module.fields[first].lookup
    other = call.org.find(lookup, record.values.get(first))
    return None if other is None else _shown(call, call.org.modules[lookup], other, second)
