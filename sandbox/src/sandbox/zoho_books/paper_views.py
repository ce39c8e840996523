"""Papers as the vendor lists and shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from sandbox.zoho_books.call import Call, Reply
from sandbox.zoho_books.custom_fields import rows
from sandbox.zoho_books.listing import (
    FilterMaker,
    Listing,
    Test,
    day_filters,
    exact_filter,
    modified_filter,
    number_filters,
    page_of,
    text_filters,
)
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.papers import AMOUNTS, LINE_AMOUNTS, LINE_RATES, PAPERS, RATES, Paper, PaperKind
from sandbox.zoho_books.refusals import absent
from sandbox.zoho_books.wire import Document, number, plain

Shown = Callable[[Call], Reply]


def paper_routes() -> list[tuple[str, str, Shown]]:
    """Scope, template and function of every list and every record."""
    found: list[tuple[str, str, Shown]] = []
    for key, kind in PAPERS.items():
        listing = _listing(key, kind)
        found.append((kind.scope, f"/{key}", partial(_list, key, listing)))
        found.append((kind.scope, f"/{key}/{{{kind.id_name}}}", partial(_get, key, kind)))
    return found


def _list(key: str, listing: Listing[Paper], call: Call) -> Reply:
    return page_of(call, call.org.papers[key], listing)


def _get(key: str, kind: PaperKind, call: Call) -> Reply:
    paper = call.org.papers[key].get(call.ids[kind.id_name])
    if paper is None:
        raise absent(kind.title)
    shown = paper_detail(call.org, kind, paper)
    return Reply("success", shown if kind.bare else {kind.word: shown})


def paper_row(org: Organisation, kind: PaperKind, paper: Paper) -> Document:
    """One row of the list."""
    shown = {kind.id_name: paper.id} | {name: _value(org, paper, name) for name in kind.row}
    return shown | _stamps(org, paper) if kind.stamped else shown


def paper_detail(org: Organisation, kind: PaperKind, paper: Paper) -> Document:
    """The whole record."""
    names = (*kind.row, *kind.more)
    shown = {kind.id_name: paper.id} | {name: _value(org, paper, name) for name in names}
    return shown | {"custom_fields": rows(org.fields_of(kind.module), paper.custom)} | _stamps(org, paper)


def _stamps(org: Organisation, paper: Paper) -> Document:
    return {"created_time": org.stamp(paper.created), "last_modified_time": org.stamp(paper.modified)}


def _value(org: Organisation, paper: Paper, name: str) -> Any:
    if name == "currency_code":
        return org.currency(str(paper.columns.get("currency_id") or "")).code
    found = paper.columns.get(name, "")
    if isinstance(found, list):
        return [
            {inner: _exact(inner, value, LINE_AMOUNTS, LINE_RATES) for inner, value in row.items()} for row in found
        ]
    return _exact(name, found, AMOUNTS, RATES)


def _exact(name: str, value: Any, amounts: frozenset[str], rates: frozenset[str]) -> Any:
    if value == "" or name not in amounts | rates:
        return value
    return number(Decimal(str(value))) if name in amounts else plain(Decimal(str(value)))


def _text(name: str, call: Call, paper: Paper) -> str:
    return str(paper.columns.get(name, ""))


def _sum(name: str, paper: Paper) -> Decimal:
    return Decimal(str(paper.columns.get(name) or "0"))


def _listing(key: str, kind: PaperKind) -> Listing[Paper]:
    filters: dict[str, FilterMaker[Paper]] = {}
    for name in kind.texts:
        filters |= text_filters(name, partial(_text, name))
    for name in kind.days:
        # Journals call their day otherwise than their filter.
        filters |= day_filters("date" if name == "journal_date" else name, partial(_text, name))
    for name in kind.sums:
        filters |= number_filters(name, partial(_sum, name))
    for name in kind.exact:
        filters |= exact_filter(name, partial(_exactly, name))
    if kind.by_time:
        filters |= modified_filter(_modified)
    return Listing(
        key=key,
        report=kind.report,
        row=lambda call, paper: paper_row(call.org, kind, paper),
        sorts=frozenset(kind.sorts),
        default_sort=kind.default_sort,
        filters=filters,
        named_filters=_named_filters(kind.statuses),
        all_filter=kind.all_filter,
    )


def _modified(paper: Paper) -> int:
    return paper.modified


def _exactly(name: str, paper: Paper) -> str:
    return str(paper.columns.get(name, ""))


def _named_filters(statuses: tuple[str, ...]) -> Mapping[str, FilterMaker[Paper]]:
    return {"Status." + status.title().replace("_", ""): partial(_with_status, status) for status in statuses}


def _with_status(status: str, call: Call, value: str) -> Test[Paper]:
    return lambda paper: paper.columns.get("status") == status
