"""Queries answered (sheet, section 3.2): in pages, inactive ones only on demand, and behind the truth where lists lag."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from sandbox.quickbooks.call import Call
from sandbox.quickbooks.entities import BY_PATH, FILTERABLE, NAMED, READ_ONLY, WRITABLE
from sandbox.quickbooks.query_syntax import Condition, Query, parsed
from sandbox.quickbooks.record import Record, State
from sandbox.quickbooks.refusals import Document, bad_query, impossible_query
from sandbox.quickbooks.stamps import moment_of
from sandbox.quickbooks.views import NOTHING, display_name, full_name, shown

TIMES = ("metadata.createtime", "metadata.lastupdatedtime")
FLAGS = ("active", "job")
AMOUNTS = ("balance", "totalamt", "unappliedamt")
ATTACHED = "attachableref.entityref."
OF_PAPERS = frozenset({
    "DocNumber", "TxnDate", "DueDate", "CustomerRef", "TotalAmt", "Balance", "UnappliedAmt", "Line", "CurrencyRef", "CompanyName",
})  # fmt: skip


class Judge(NamedTuple):
    """One condition, its values read once."""

    name: str
    compares: Callable[[Any, list[Any]], bool]
    wanted: list[Any]


class Seen(NamedTuple):
    """A record as a list knows it."""

    record: Record
    state: State


def answered(call: Call, text: str) -> Document:
    """The QueryResponse of a query; raises Refusal."""
    asked = parsed(text)
    entity = BY_PATH.get(asked.entity.lower())
    if entity is None:
        raise bad_query(f"{asked.entity:.40} is no entity")
    _refuse_strangers(entity, asked)
    tests = [_compiled(one) for one in asked.conditions]
    found = [one for one in _candidates(call, entity, asked) if _fits(call, tests, one)]
    if asked.is_count:
        return {"totalCount": len(found)}
    _sort(call, found, asked)
    page = found[asked.start - 1 : asked.start - 1 + asked.most]
    if not page:
        return {}
    rows = [_row(call, one, asked.columns) for one in page]
    return {entity: rows, "startPosition": asked.start, "maxResults": len(rows)}


def _refuse_strangers(entity: str, asked: Query) -> None:
    known = {name.lower() for name in FILTERABLE[entity]}
    for name in [*(one.field for one in asked.conditions), *(name for name, _ in asked.order)]:
        if name.lower() not in known:
            raise impossible_query(f"Property {name:.60} not found or not queryable for Entity {entity}")
    shown_names = READ_ONLY | set(WRITABLE.get(entity, OF_PAPERS))
    for name in asked.columns:
        if name.partition(".")[0] not in shown_names:
            raise impossible_query(f"Property {name:.60} not found for Entity {entity}")


def _candidates(call: Call, entity: str, asked: Query) -> Iterable[Seen]:
    """Those that a condition on ids names, else all, as they were when the list was made."""
    shelf = call.company.shelves[entity]
    named = [one.wanted for one in asked.conditions if one.field.lower() == "id" and one.test in ("=", "in")]
    records = [shelf[id_] for id_ in dict.fromkeys(named[0]) if id_ in shelf] if named else list(shelf.values())
    for record in records:
        state = record.seen_at(call.seen_at)
        if state is not None:
            yield Seen(record, state)


def _compiled(condition: Condition) -> Judge:
    """Raises Refusal for a value that the field cannot have."""
    wanted = [_wanted(condition, text) for text in condition.wanted]
    return Judge(condition.field.lower(), TESTS[condition.test], wanted)


def _fits(call: Call, tests: list[Judge], one: Seen) -> bool:
    says_active = any(test.name == "active" for test in tests)
    if one.record.entity in NAMED and not says_active and not one.state.active:
        return False
    refs: list[Document | None] = [None]
    if one.record.entity == "Attachable":
        refs = [ref["EntityRef"] for ref in one.state.values.get("AttachableRef", ())] or [None]
    return any(all(_holds(call, one, test, ref) for test in tests) for ref in refs)


def _holds(call: Call, one: Seen, test: Judge, ref: Document | None) -> bool:
    value = _value(call, one, test.name, ref)
    return value is not None and test.compares(value, test.wanted)


def _value(call: Call, one: Seen, name: str, ref: Document | None = None) -> Any:
    """A field in the form in which it is compared."""
    record, state = one
    if name.startswith(ATTACHED):
        return ref[name.removeprefix(ATTACHED)].casefold() if ref else None
    if name in OWN:
        return OWN[name](call, record, state)
    found = next((value for key, value in state.values.items() if key.lower() == name), None)
    if name in FLAGS:
        return bool(found)
    if isinstance(found, dict):
        found = found.get("Address") or found.get("value")
    return found.casefold() if isinstance(found, str) else found


def _balance(call: Call, record: Record, state: State) -> Decimal:
    return state.values["Balance"] if record.entity == "Invoice" else call.company.owed.get(record.id, NOTHING)


OWN: dict[str, Callable[[Call, Record, State], Any]] = {
    "id": lambda _, record, state: record.id,
    "metadata.createtime": lambda _, record, state: float(record.created),
    "metadata.lastupdatedtime": lambda _, record, state: float(state.updated),
    "active": lambda _, record, state: state.active,
    "displayname": lambda _, record, state: display_name(state).casefold(),
    "fullyqualifiedname": lambda call, record, state: full_name(
        call.company, state.values, display_name(state)
    ).casefold(),
    "balance": _balance,
}


def _wanted(condition: Condition, text: str) -> Any:
    """What a condition compares with, in the same form; raises Refusal."""
    name = condition.field.lower()
    if name in TIMES:
        return _readable(condition, moment_of(text))
    if name in FLAGS:
        return _readable(condition, {"true": True, "false": False}.get(text.lower()))
    if name in AMOUNTS:
        return _amount(condition, text)
    return text.casefold()


def _amount(condition: Condition, text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    amount: Decimal = _readable(condition, found if found.is_finite() else None)
    return amount


def _readable(condition: Condition, read: Any) -> Any:
    if read is None:
        raise impossible_query(f"Invalid value for {condition.field:.60}: {condition.wanted[0]:.40}")
    return read


def _ordering(value: Any) -> Any:
    """Ids are ordered as numbers."""
    return (len(value), value) if isinstance(value, str) and value.isdigit() else (0, value)


def _like(value: Any, wanted: list[Any]) -> bool:
    pattern = ".*".join(re.escape(part) for part in str(wanted[0]).split("%"))
    return re.fullmatch(pattern, str(value), re.DOTALL) is not None


TESTS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "=": lambda value, wanted: bool(value == wanted[0]),
    "in": lambda value, wanted: value in wanted,
    "<": lambda value, wanted: bool(_ordering(value) < _ordering(wanted[0])),
    ">": lambda value, wanted: bool(_ordering(value) > _ordering(wanted[0])),
    "<=": lambda value, wanted: bool(_ordering(value) <= _ordering(wanted[0])),
    ">=": lambda value, wanted: bool(_ordering(value) >= _ordering(wanted[0])),
    "like": _like,
}


def _sort(call: Call, found: list[Seen], asked: Query) -> None:
    """Without a wish whoever was changed last comes first: a page taken later is a page of another list."""
    found.sort(key=lambda one: (-one.state.at, int(one.record.id)))
    for name, descends in reversed(asked.order):
        found.sort(key=lambda one: _place(_value(call, one, name.lower())), reverse=descends)


def _place(value: Any) -> tuple[bool, Any]:
    """Nothing comes first."""
    return (False, 0) if value is None else (True, _ordering(value))


def _row(call: Call, one: Seen, columns: list[str]) -> Document:
    whole = shown(call.company, one.record, one.state)
    if not columns:
        return whole
    names = {name.partition(".")[0] for name in columns} | {"Id", "domain", "sparse"}
    return {name: value for name, value in whole.items() if name in names} | {"sparse": True}
