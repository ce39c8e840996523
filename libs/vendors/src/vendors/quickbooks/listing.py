"""Whole companies: a query a page of a thousand, in the order of ids.

An edit moves nobody in that order, and whoever is new comes at the end. A customer that is merged away while pages are read moves all that follow
forward by one, and one of them past the page that is asked for next; the vendor's pages have positions only, so nothing shows that. Whoever
misses a record asks for it by id (R12), and the next whole listing has it.

A list may be behind: what it shows is settled (R10) only where its lag is over, and the cursor claims no more than that (R11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import Version
from common.http.call import Call, VendorAnswer
from vendors.answers import reading
from vendors.quickbooks import queries, wire
from vendors.quickbooks.marks import SETTLES_AFTER, QboMark, reached
from vendors.vendor import Page, State

CUSTOMER = Entity("customer")


class WholeCompany:
    """One listing while it is read: which call comes next, and what an answer comes to."""

    def __init__(self, mark: QboMark) -> None:
        self._start, self._newest, self._bound = mark.start, mark.newest, mark.bound
        self._whole = mark.start == 1
        self._ids: set[RecordId] = set()
        self.over = False

    def call(self) -> Call:
        return queries.listed(self._start)

    def page(self, answer: VendorAnswer) -> Page:
        """What this page tells; the reading then stands at the next one."""
        with reading(answer):
            rows = rows_of(wire.body_of(answer.body)["QueryResponse"])
            states = states_of(rows, answer)
        self._bound = self._bound or answer.date - SETTLES_AFTER
        ids = {state.record for state in states}
        # An id that comes twice: the order was not the one in which nothing slips.
        self._whole = self._whole and len(ids) == len(states) and not ids & self._ids
        self._ids |= ids
        self._newest = newest_of(states, self._newest)
        self.over = len(rows) < queries.PER_PAGE
        self._start += len(rows)
        if self.over:
            return Page(states, reached(None, self._newest, self._bound), complete=self._whole)
        return Page(states, QboMark(None, self._start, self._newest, self._bound).cursor())


def rows_of(told: Any) -> list[dict[str, Any]]:
    """The customers of an answer, of which there may be none."""
    rows = told.get("Customer", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("These are no customers.")
    return rows


def newest_of(states: Sequence[State], before: Any = None) -> Any:
    stamps = [state.version.stamp for state in states if state.kind == "changed"]
    return max([*stamps, *([before] if before else [])], default=None)


def states_of(rows: Sequence[Mapping[str, Any]], answer: VendorAnswer) -> list[State]:
    """What rows tell, without the projects. What says no more than its id has to be read."""
    return [row_state(row, answer) for row in rows if wire.is_customer(row)]


def row_state(row: Mapping[str, Any], answer: VendorAnswer) -> State:
    record, version = named(row), wire.version(row, answer.date, SETTLES_AFTER)
    try:
        parsed = wire.customer(row) if version is not None else None
    except wire.UnreadableBooks:
        parsed = None
    if version is None or parsed is None:
        return asked(record, answer)
    return State(CUSTOMER, record, "changed", version, "list", parsed, answer.date)


def named(row: Mapping[str, Any]) -> RecordId:
    record = wire.record_id(row.get("Id"))
    if record is None:
        raise LookupError("The row names no record.")
    return RecordId(record)


def asked(record: RecordId, answer: VendorAnswer) -> State:
    """Only a read by id decides (R12)."""
    return State(CUSTOMER, record, "asked", Version(stamp=answer.date, settled=False), "ask", {}, answer.date)
