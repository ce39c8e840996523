"""Lists: paging, sorting, and the documented filters and only those; what is not documented is ignored (sheet, 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Generic

from sandbox.zoho_books.call import Call, Reply
from sandbox.zoho_books.refusals import invalid
from sandbox.zoho_books.shelf import R, Shelf
from sandbox.zoho_books.shelves import folded
from sandbox.zoho_books.stamps import seconds_of
from sandbox.zoho_books.wire import Document, as_amount, as_day

MOST = 200
Test = Callable[[R], bool]
FilterMaker = Callable[[Call, str], Test[R]]


@dataclass(frozen=True)
class Listing(Generic[R]):
    """How one kind of record is listed. `filters` maps a parameter to the test its value asks for."""

    key: str
    report: str
    row: Callable[[Call, R], Document]
    sorts: frozenset[str]
    default_sort: str
    filters: Mapping[str, FilterMaker[R]]
    named_filters: Mapping[str, FilterMaker[R]] = field(default_factory=dict)
    default_order: str = "A"
    all_filter: str = "Status.All"


def page_of(call: Call, shelf: Shelf[R], listing: Listing[R]) -> Reply:
    """One page of a list, in the vendor's envelope."""
    page, per_page = whole(call, "page", 1), min(whole(call, "per_page", MOST), MOST)
    column, descending = _order(call, listing)
    start = (page - 1) * per_page
    window = _window(call, shelf, listing, column, start, start + per_page + 1, descending=descending)
    rows = [listing.row(call, record) for record in window[:per_page]]
    context = page_context(call, listing.report, page, per_page, more=len(window) > per_page)
    context |= {"applied_filter": call.param("filter_by") or listing.all_filter}
    context |= {"sort_column": column, "sort_order": "D" if descending else "A"}
    return Reply("success", {listing.key: rows, "page_context": context})


def page_context(call: Call, report: str, page: int, per_page: int, *, more: bool) -> Document:
    return {"page": page, "per_page": per_page, "has_more_page": more, "report_name": report}


def small_page(call: Call, key: str, report: str, rows: Iterable[Document], sort_column: str = "name") -> Reply:
    """One page of a list that is short and has one order."""
    page, per_page = whole(call, "page", 1), min(whole(call, "per_page", MOST), MOST)
    window = list(islice(rows, (page - 1) * per_page, page * per_page + 1))
    context = page_context(call, report, page, per_page, more=len(window) > per_page)
    context |= {"applied_filter": "Status.All", "sort_column": sort_column, "sort_order": "A"}
    return Reply("success", {key: window[:per_page], "page_context": context})


def whole(call: Call, name: str, default: int) -> int:
    text = call.param(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not int(text[:9]) > 0 or len(text) > 9:
        raise invalid(name)
    return int(text)


def _order(call: Call, listing: Listing[R]) -> tuple[str, bool]:
    column = call.param("sort_column") or listing.default_sort
    if column not in listing.sorts:
        raise invalid("sort_column")
    order = call.param("sort_order") or (listing.default_order if not call.param("sort_column") else "A")
    if order not in ("A", "D"):
        raise invalid("sort_order")
    return column, order == "D"


def _window(
    call: Call, shelf: Shelf[R], listing: Listing[R], column: str, start: int, stop: int, *, descending: bool
) -> list[R]:
    """The rows of one page and one more; without filters they are cut out, with filters walked to."""
    tests = _tests(call, listing)
    if not tests and not call.switches.list_lag_s:
        return shelf.window(column, start, stop, descending=descending)
    asked = tuple((name, value) for name, value in call.request.query if name in listing.filters or name == "filter_by")
    key = (
        call.org.versions(),
        call.org.today(call.now),
        call.switches.list_lag_s and call.now,
        column,
        descending,
        asked,
    )
    return shelf.walked(key, start, stop, lambda: _found(call, shelf, listing, tests, column, descending=descending))


def _found(
    call: Call, shelf: Shelf[R], listing: Listing[R], tests: list[Test[R]], column: str, *, descending: bool
) -> Iterable[R]:
    lag = call.switches.list_lag_s
    as_of = call.now - lag if lag else None
    exact = next((name for name in listing.filters if shelf.has_look_up(name) and call.param(name)), None)
    records: Iterable[R]
    if exact is not None and as_of is None:
        few = shelf.look_up(exact, folded(call.param(exact)))
        records = sorted(few, key=lambda record: shelf.key(column, record), reverse=descending)
    else:
        records = shelf.walk(column, descending=descending, as_of=as_of)
    for test in tests:
        records = filter(test, records)
    return records


def _tests(call: Call, listing: Listing[R]) -> list[Test[R]]:
    tests = [make(call, call.param(name)) for name, make in listing.filters.items() if call.param(name)]
    named = call.param("filter_by")
    if named and named != listing.all_filter:
        if named not in listing.named_filters:
            raise invalid("filter_by")
        tests.append(listing.named_filters[named](call, named))
    return tests


# What filters are made of


def text_filters(name: str, read: Callable[[Call, R], str], *, variants: bool = True) -> dict[str, FilterMaker[R]]:
    """A text parameter, and its `_startswith` and `_contains` variants."""

    def equals(call: Call, value: str) -> Test[R]:
        wanted = folded(value)
        return lambda record: folded(read(call, record)) == wanted

    def starts(call: Call, value: str) -> Test[R]:
        wanted = value.casefold()
        return lambda record: read(call, record).casefold().startswith(wanted)

    def contains(call: Call, value: str) -> Test[R]:
        wanted = value.casefold()
        return lambda record: wanted in read(call, record).casefold()

    if not variants:
        return {name: equals}
    return {name: equals, f"{name}_startswith": starts, f"{name}_contains": contains}


def number_filters(name: str, read: Callable[[R], Decimal]) -> dict[str, FilterMaker[R]]:
    """A number parameter, and its four comparisons."""

    def comparing(compare: Callable[[Decimal, Decimal], bool]) -> FilterMaker[R]:
        def made(call: Call, value: str) -> Test[R]:
            wanted = as_amount(value, name)
            return lambda record: compare(read(record), wanted)

        return made

    return {
        name: comparing(lambda found, wanted: found == wanted),
        f"{name}_less_than": comparing(lambda found, wanted: found < wanted),
        f"{name}_less_equals": comparing(lambda found, wanted: found <= wanted),
        f"{name}_greater_than": comparing(lambda found, wanted: found > wanted),
        f"{name}_greater_equals": comparing(lambda found, wanted: found >= wanted),
    }


def day_filters(name: str, read: Callable[[Call, R], str]) -> dict[str, FilterMaker[R]]:
    """A date parameter, and its four ranges."""

    def comparing(suffix: str, compare: Callable[[str, str], bool]) -> FilterMaker[R]:
        def made(call: Call, value: str) -> Test[R]:
            wanted = as_day(value, name + suffix)
            return lambda record: compare(read(call, record), wanted)

        return made

    return {
        name: comparing("", lambda found, wanted: found == wanted),
        f"{name}_start": comparing("_start", lambda found, wanted: found >= wanted),
        f"{name}_end": comparing("_end", lambda found, wanted: found <= wanted),
        f"{name}_before": comparing("_before", lambda found, wanted: found < wanted),
        f"{name}_after": comparing("_after", lambda found, wanted: found > wanted),
    }


def exact_filter(name: str, read: Callable[[R], str]) -> dict[str, FilterMaker[R]]:
    """An id or a word that must be the same."""

    def made(call: Call, value: str) -> Test[R]:
        return lambda record: read(record) == value

    return {name: made}


def modified_filter(read: Callable[[R], int]) -> dict[str, FilterMaker[R]]:
    """`last_modified_time`: changed at that second or later. A `+` that was not encoded is no time."""

    def made(call: Call, value: str) -> Test[R]:
        since = seconds_of(value)
        if since is None:
            raise invalid("last_modified_time")
        return lambda record: read(record) >= since

    return {"last_modified_time": made}
