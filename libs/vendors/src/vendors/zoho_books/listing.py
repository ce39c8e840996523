"""Whole accounts of Zoho Books: one list call a page of 200, everything or what has changed since a cursor.

Everything is listed by the time of creation, the oldest first: an edit moves no record there, and what is new comes at the end. So
nothing slips from one page to another but for one reason: a record deleted behind our back moves all that follow it forward by one,
and one of them past the page that we ask for next. The vendor's pages have numbers only and tell no total (`extent.py`), so this cannot be seen;
whoever misses a record therefore asks for it by id (R12), and the next full listing has it. The same mends what slips where the vendor
sorts by nothing that stays (names of items and of accounts).

What has changed is asked for where the vendor has a filter for it (invoices), else listed the newest first until what is known begins
(contacts; sheet, section 4), else read whole. R11: the cursor is the newest stamp seen, but never later than what was settled when the
listing began; whatever may still have changed within its second, or may not have reached the list yet, is so read again by the next
one. Rows without stamps show none: there it is what was settled when the listing began.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import Version
from common.http.call import Call, VendorAnswer
from vendors.answers import reading, unreadable
from vendors.vendor import Cursor, Page, State
from vendors.zoho_books import limits, wire
from vendors.zoho_books.reader import RecordReader
from vendors.zoho_books.readers import READERS, fields

PER_PAGE = 200
# R10: a stamp has a resolution of one second, and the list follows the records by its lag.
SETTLES_AFTER = timedelta(seconds=1) + limits.LIST_LAG
_STAMP_FORMAT = "%Y-%m-%dT%H:%M:%S%z"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a cursor says: settled up to `since`; in the midst of a full listing, also its page and what was seen before that."""

    since: datetime | None = None
    page: int = 1
    newest: datetime | None = None
    """The newest stamp of the pages before."""
    bound: datetime | None = None
    """What was settled when the full listing began."""

    @classmethod
    def of(cls, cursor: Cursor | None) -> Mark:
        """A cursor that is none of ours starts from the beginning: that costs calls and loses nothing."""
        try:
            parsed = json.loads(cursor or "{}")
            moments = {n: _moment(parsed[n]) for n in ("since", "newest", "bound") if parsed.get(n)}
            return cls(page=max(1, int(parsed.get("page", 1))), **moments)
        except (ValueError, TypeError, AttributeError):
            return cls()

    def cursor(self) -> Cursor:
        parsed = {n: m.isoformat() for n in ("since", "newest", "bound") if (m := getattr(self, n)) is not None}
        return Cursor(json.dumps(parsed | ({"page": self.page} if self.page > 1 else {}), sort_keys=True))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class ListReading:
    """One listing while it is read: which call comes next, and what an answer comes to."""

    def __init__(self, entity: Entity, cursor: Cursor | None) -> None:
        self._entity, self.reader = entity, READERS[entity]
        self._mark = mark = Mark.of(cursor)
        self._number, self._newest, self._bound = mark.page, mark.newest, mark.bound
        self._whole = mark.since is None and mark.page == 1
        self._newest_first = mark.since is not None and self.reader.changes == "newest"
        self._ids: set[RecordId] = set()
        self.over = False

    @property
    def lists_everything(self) -> bool:
        return self._mark.since is None

    @property
    def page_number(self) -> int:
        """Of the page that comes next."""
        return self._number

    def call(self, page: int | None = None) -> Call:
        """The next page, or another one."""
        reader = self.reader
        order = {"sort_column": reader.order, "sort_order": "A"}
        if self._newest_first:
            order = {"sort_column": "last_modified_time", "sort_order": "D"}
        elif self._mark.since is not None and reader.changes == "filter":
            order["last_modified_time"] = self._mark.since.strftime(_STAMP_FORMAT)
        query = {"page": str(page or self._number), "per_page": str(PER_PAGE), **order, **reader.chosen}
        return Call("GET", reader.path, f"{reader.word}s.list", query=query)

    def page(self, answer: VendorAnswer) -> Page:
        """What this page tells; the reading then stands at the next one."""
        with reading(answer):
            rows, more = rows_of(answer, self.reader)
            states = [state for row in rows if (state := _state(self._entity, row, self.reader, answer)) is not None]
        if more and not rows:
            # It would go on like this for ever.
            raise unreadable(answer)
        self._bound = self._bound or answer.date - SETTLES_AFTER
        fresh = [state for state in states if self._is_news(state)]
        self._see(states, cut_short=more and len(rows) < PER_PAGE)
        self.over = not more or (self._newest_first and len(fresh) < len(states))
        self._number += 1
        return Page(fresh, self._next(), complete=self.over and self._whole)

    def _is_news(self, state: State) -> bool:
        return self._mark.since is None or state.kind == "asked" or state.version.stamp > self._mark.since

    def _see(self, states: Sequence[State], *, cut_short: bool) -> None:
        """An id that comes twice, or a page with too few rows before the last: the order was not the one that nothing slips from."""
        ids = {state.record for state in states}
        self._whole = self._whole and not cut_short and len(ids) == len(states) and not ids & self._ids
        self._ids |= ids
        stamps = [state.version.stamp for state in states if state.kind == "changed"]
        self._newest = max([*stamps, *([self._newest] if self._newest else [])], default=None)

    def _next(self) -> Cursor | None:
        """R11. A listing of changes goes on from where it began until it has ended; one of everything, from its next page."""
        mark = self._mark
        if not self.over:
            going_on = Mark(page=self._number, newest=self._newest, bound=self._bound)
            return (mark if mark.since is not None else going_on).cursor()
        assert self._bound is not None
        until = min(self._newest, self._bound) if self._newest else None
        if not self.reader.stamped:
            until = self._bound
        reached = max((moment for moment in (mark.since, until) if moment), default=None)
        return Mark(since=reached).cursor() if reached else None


def rows_of(answer: VendorAnswer, reader: RecordReader) -> tuple[list[dict[str, Any]], bool]:
    """The rows of a page, and whether there are more pages; both have to be told."""
    body = wire.body_of(answer.body)
    rows = next((body[key] for key in reader.keys if key in body), None)
    more = body["page_context"]["has_more_page"]
    if not isinstance(rows, list) or not isinstance(more, bool) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("This is no page.")
    return rows, more


def _state(entity: Entity, row: Mapping[str, Any], reader: RecordReader, answer: VendorAnswer) -> State | None:
    """A row's state; None for a record of another kind that shares the list. What says no more than its id has to be read."""
    known = wire.record_id(row, reader.id_name)
    if known is None:
        raise LookupError("The row names no record.")
    if not wire.is_of(entity, row):
        return None
    record, moment = RecordId(known), reader.moment(row)
    try:
        parsed = fields(entity, row) if moment is not None else None
    except wire.Unreadable:
        parsed = None
    if moment is None or parsed is None:
        asked = Version(stamp=answer.date, settled=False)
        return State(entity, record, "asked", asked, "ask", {}, answer.date)
    version = Version(stamp=moment, settled=answer.date >= moment + SETTLES_AFTER)
    return State(entity, record, "changed", version, "list", parsed, answer.date)
