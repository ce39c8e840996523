"""Whole modules of Zoho CRM, and what has changed since a cursor: one list call a page of 200.

Both are listed by id, the oldest first: an edit moves no record there, and what is new comes at the end. So nothing slips from one page to
another but for one reason: pages are positions, by number for 2,000 records and by a token after that, so a record deleted meanwhile moves all
that follow it up by one, and one of them past the page that comes next. This cannot be seen; whoever misses a record therefore asks for it by
id (R12), and the next full listing has it.

What has changed is asked for by the header If-Modified-Since. R11: the cursor is the newest stamp seen, but never later than what was settled
when the listing began; whatever may still have changed within its second, or may not have reached the list yet, is so read again by the next one.
What was deleted is in no list but one of its own, which is asked at the end of each listing of changes, and how far that was told is kept
apart: the newest deletion says nothing of edits. Its rows only ask (R12): a record may be back from the recycle bin.

A page's token lives for a day and stands in the cursor of a whole listing; one that has died begins it anew (`source.py`). Beyond 100,000
records the vendor's lists show nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import Version
from common.failures import Rejected
from common.http.call import Call, VendorAnswer
from vendors.answers import reading, unreadable
from vendors.vendor import Cursor, Page, State
from vendors.zoho_crm import limits, wire
from vendors.zoho_crm.errors import ZC_LIST_TOO_LONG
from vendors.zoho_crm.reader import STAMP, ModuleReader, author_of
from vendors.zoho_crm.readers import READERS

PER_PAGE = 200
# The last page that is asked for by its number.
NUMBERED = 10
# R10: a stamp has a resolution of one second, and the list follows the records by its lag.
SETTLES_AFTER = timedelta(seconds=1) + limits.LIST_LAG


@dataclass(frozen=True, slots=True)
class CrmMark:
    """What a cursor says: settled up to `since`, deletions told up to `gone`; in the midst of a whole listing, also its next page, the
    token of it, and what was seen before."""

    since: datetime | None = None
    gone: datetime | None = None
    page: int = 1
    token: str = ""
    newest: datetime | None = None
    """The newest stamp of the pages before."""
    bound: datetime | None = None
    """What was settled when the whole listing began."""

    @classmethod
    def of(cls, cursor: Cursor | None) -> CrmMark:
        """A cursor that is none of ours starts from the beginning: that costs calls and loses nothing."""
        try:
            parsed = json.loads(cursor or "{}")
            moments = {name: _moment(parsed[name]) for name in _MOMENTS if parsed.get(name)}
            page, token = max(1, int(parsed.get("page", 1))), str(parsed.get("token", ""))
        except (ValueError, TypeError, AttributeError):
            return cls()
        return cls(page=page, token=token, **moments) if page <= NUMBERED or token else cls()

    def cursor(self) -> Cursor:
        parsed: dict[str, Any] = {name: at.isoformat() for name in _MOMENTS if (at := getattr(self, name)) is not None}
        parsed |= {"page": self.page} if self.page > 1 else {}
        return Cursor(json.dumps(parsed | ({"token": self.token} if self.token else {}), sort_keys=True))


_MOMENTS = ("since", "gone", "newest", "bound")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class ModuleListing:
    """One listing while it is read: which call comes next, and what an answer comes to."""

    def __init__(self, entity: Entity, cursor: Cursor | None) -> None:
        self.reader: ModuleReader = READERS[entity]
        self._entity = entity
        self._mark = mark = CrmMark.of(cursor)
        self._number, self._token = mark.page, mark.token
        self._newest, self._bound = mark.newest, mark.bound
        self._whole = mark.since is None and mark.page == 1
        self._ids: set[RecordId] = set()
        self.over = False

    @property
    def goes_on(self) -> bool:
        """Whether it began in the midst of a whole listing, by a token that may have died."""
        return bool(self._mark.token)

    @property
    def tells_changes(self) -> bool:
        return self._mark.since is not None

    def call(self) -> Call:
        """The next page."""
        where = {"page_token": self._token} if self._token else {"page": str(self._number)}
        order = {"per_page": str(PER_PAGE), "sort_by": "id", "sort_order": "asc"}
        query = {"fields": self.reader.names, **order, **self.reader.chosen, **where}
        return Call("GET", self.reader.path, f"{self._entity}s.list", query=query, headers=_since(self._mark.since))

    def page(self, answer: VendorAnswer) -> Page:
        """What this page tells; the reading then stands at the next one. No body: nothing there, or nothing newer."""
        states, more = list[State](), False
        if answer.body:
            with reading(answer):
                body = wire.body_of(answer.body)
                states = [self._state(row, answer) for row in _rows(body)]
                more, self._token = body["info"]["more_records"] is True, _following(body["info"])
        if more and not states:
            # It would go on like this for ever.
            raise unreadable(answer)
        self._bound = self._bound or answer.date - SETTLES_AFTER
        self._see(states, cut_short=more and len(states) < PER_PAGE)
        self.over, self._number = not more, self._number + 1
        if not more or self._number <= NUMBERED:
            self._token = ""
        elif not self._token:
            raise Rejected(ZC_LIST_TOO_LONG.name, ZC_LIST_TOO_LONG.meaning)
        fresh = [state for state in states if self._is_news(state)]
        complete = self.over and self._whole
        # What was deleted before a complete listing began is in none of its pages, and asked for because of that.
        return Page(fresh, self._next(self._bound if complete else self._mark.gone), complete=complete)

    def with_gone(self, page: Page, gone: Sequence[State]) -> Page:
        """The last page of what has changed, with what was deleted."""
        told = self._mark.gone or self._mark.since
        fresh = [state for state in gone if told is None or state.version.stamp > told]
        assert self._bound is not None
        until = min(max(state.version.stamp for state in fresh), self._bound) if fresh else None
        reached = max((at for at in (self._mark.gone, until) if at), default=None)
        return replace(page, states=[*page.states, *fresh], next=self._next(reached))

    def deleted(self, number: int) -> Call:
        """A page of what was deleted since that was told."""
        query = {"type": "all", "page": str(number), "per_page": str(PER_PAGE)}
        since = _since(self._mark.gone or self._mark.since)
        return Call("GET", f"{self.reader.path}/deleted", f"{self._entity}s.deleted", query=query, headers=since)

    def gone(self, answer: VendorAnswer) -> tuple[list[State], bool]:
        """What such a page tells, and whether there is another."""
        if not answer.body:
            return [], False
        with reading(answer):
            body = wire.body_of(answer.body)
            states = [self._gone(row, answer) for row in _rows(body)]
            return states, body["info"]["more_records"] is True and bool(states)

    def _gone(self, row: wire.Row, answer: VendorAnswer) -> State:
        known, moment = wire.record_id(row.get("id")), wire.stamp(row.get("deleted_time"))
        if known is None or moment is None:
            raise LookupError("The row names no record, or not when it was deleted.")
        asked = Version(stamp=moment, settled=False)
        return State(self._entity, RecordId(known), "asked", asked, "ask", {}, answer.date)

    def _state(self, row: wire.Row, answer: VendorAnswer) -> State:
        """A row's state. What says no more than its id has to be read."""
        known, moment = wire.record_id(row.get("id")), wire.stamp(row.get(STAMP))
        if known is None:
            raise LookupError("The row names no record.")
        try:
            parsed = self.reader.row(row) if moment is not None else None
        except wire.UnreadableRecord:
            parsed = None
        if moment is None or parsed is None:
            asked = Version(stamp=answer.date, settled=False)
            return State(self._entity, RecordId(known), "asked", asked, "ask", {}, answer.date)
        version = Version(stamp=moment, settled=answer.date >= moment + SETTLES_AFTER)
        return State(
            self._entity, RecordId(known), "changed", version, "list", parsed, answer.date, author=author_of(row)
        )  # fmt: skip

    def _is_news(self, state: State) -> bool:
        return self._mark.since is None or state.kind == "asked" or state.version.stamp > self._mark.since

    def _see(self, states: Sequence[State], *, cut_short: bool) -> None:
        """An id that comes twice, or a page with too few rows before the last: the order was not the one that nothing slips from."""
        ids = {state.record for state in states}
        self._whole = self._whole and not cut_short and len(ids) == len(states) and not ids & self._ids
        self._ids |= ids
        stamps = [state.version.stamp for state in states if state.kind == "changed"]
        self._newest = max([*stamps, *([self._newest] if self._newest else [])], default=None)

    def _next(self, gone: datetime | None) -> Cursor | None:
        """R11. A listing of changes goes on from where it began until it has ended; a whole one, from its next page."""
        mark = self._mark
        if not self.over:
            going_on = CrmMark(page=self._number, token=self._token, newest=self._newest, bound=self._bound)
            return (mark if mark.since is not None else going_on).cursor()
        assert self._bound is not None
        until = min(self._newest, self._bound) if self._newest else None
        reached = max((at for at in (mark.since, until) if at), default=None)
        return CrmMark(since=reached, gone=gone).cursor() if reached else None


def _since(moment: datetime | None) -> Mapping[str, str]:
    return {"if-modified-since": moment.isoformat(timespec="seconds")} if moment is not None else {}


def _rows(body: Mapping[str, Any]) -> list[wire.Row]:
    """The rows of a page; whether there are more has to be told."""
    rows, more = body["data"], body["info"]["more_records"]
    if not isinstance(rows, list) or not isinstance(more, bool) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("This is no page.")
    return rows


def _following(info: Mapping[str, Any]) -> str:
    token = info.get("next_page_token")
    return token if isinstance(token, str) else ""
