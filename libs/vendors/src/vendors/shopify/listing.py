"""Whole shops, and what has changed since a cursor, by pages that a cursor of the vendor's names.

Lists are sorted by the time of the last change, the oldest first: what changes while it is read moves to the end and is met again there, so
nothing slips. They are answers of a search, which lags minutes behind the records: a listing of changes therefore begins so much earlier than
what was seen (R11), and asks for what it was told before once more. Customers are filtered by whole days, whatever the time in the question
says: what is older than the cursor is dropped here.

Without `read_all_orders` the vendor shows the orders of sixty days and says nothing of the others: a listing of orders is never `complete`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import Version
from common.http.call import Call, VendorAnswer
from vendors.answers import reading
from vendors.shopify import queries, wire
from vendors.shopify.client import asked, told
from vendors.shopify.limits import SEARCH_LAG
from vendors.shopify.people import customer
from vendors.vendor import Cursor, Page, State

_A_SECOND = timedelta(seconds=1)
LISTS = {"order": ("orders", queries.ORDERS), "customer": ("customers", queries.CUSTOMERS)}


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": wire.number(row["id"]), "updated_at": wire.when(row, "updated_at")}


TOLD = {"order": _named, "customer": customer}
"""What a row of a list tells."""


@dataclass(frozen=True, slots=True)
class ListMark:
    """What a cursor says: told up to `since`; in the midst of a listing, also the vendor's own cursor and what was seen before that."""

    since: datetime | None = None
    after: str = ""
    newest: datetime | None = None
    bound: datetime | None = None
    """What the search had certainly seen when the listing began."""

    @classmethod
    def of(cls, cursor: Cursor | None) -> ListMark:
        """A cursor that is none of ours starts from the beginning: that costs calls and loses nothing."""
        try:
            parsed = json.loads(cursor or "{}")
            moments = {
                n: datetime.fromisoformat(parsed[n]).astimezone(UTC)
                for n in ("since", "newest", "bound")
                if parsed.get(n)
            }
            return cls(after=str(parsed.get("after", "")), **moments)
        except (ValueError, TypeError, AttributeError):
            return cls()

    def cursor(self) -> Cursor:
        parsed = {n: m.isoformat() for n in ("since", "newest", "bound") if (m := getattr(self, n)) is not None}
        return Cursor(json.dumps(parsed | ({"after": self.after} if self.after else {}), sort_keys=True))


class ShopListing:
    """One listing while it is read: which call comes next, and what an answer comes to."""

    def __init__(self, entity: Entity, cursor: Cursor | None) -> None:
        self._entity = entity
        self._name, self._query = LISTS[entity]
        self._mark = mark = ListMark.of(cursor)
        self._after, self._newest, self._bound = mark.after, mark.newest, mark.bound
        self._whole = entity == "customer" and mark.since is None and not mark.after
        self.over = False

    def call(self) -> Call:
        """The next page."""
        since = self._mark.since
        search = f"updated_at:>='{since.strftime('%Y-%m-%dT%H:%M:%SZ')}'" if since else None
        return asked(self._query, f"{self._name}.list", after=self._after or None, query=search)

    def page(self, answer: VendorAnswer) -> Page:
        """What this page tells; the reading then stands at the next one."""
        with reading(answer):
            found = told(answer)[self._name]
            states = [self._state(row, answer) for row in found["nodes"]]
            more, self._after = found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"]
            if not isinstance(more, bool) or (more and not isinstance(self._after, str)):
                raise TypeError("This is no page.")
        # A second less: what changes within the second of a stamp has that stamp, too.
        self._bound = self._bound or answer.date - SEARCH_LAG - _A_SECOND
        self._newest = max(
            [
                *(one.version.stamp for one in states if one.kind == "changed"),
                *([self._newest] if self._newest else []),
            ],
            default=None,
        )
        self.over = not more
        since = self._mark.since
        fresh = [one for one in states if since is None or one.version.stamp > since]
        return Page(fresh, self._next(), complete=self.over and self._whole)

    def _state(self, row: Mapping[str, Any], answer: VendorAnswer) -> State:
        """Of orders the name and the stamp: each is read by id where it is not known in this version. Customers are told whole."""
        record, moment = wire.number(row.get("id")), wire.stamp(row)
        if record is None:
            raise LookupError("The row names no record.")
        if moment is None:
            unread = Version(stamp=answer.date, settled=False)
            return State(self._entity, RecordId(record), "asked", unread, "ask", {}, answer.date)
        # R10: what a search shows of a second is certain when that, and the lag, are over.
        version = Version(stamp=moment, settled=answer.date > moment + SEARCH_LAG + _A_SECOND)
        try:
            parsed = wire.fields(self._entity, row, TOLD[self._entity])
        except wire.UnreadableBody:
            return State(self._entity, RecordId(record), "asked", version, "ask", {}, answer.date)
        return State(self._entity, RecordId(record), "changed", version, "list", parsed, answer.date)

    def _next(self) -> Cursor | None:
        """R11: once it has ended, the newest stamp seen, and not later than what the search had certainly seen when it began."""
        mark, bound = self._mark, self._bound
        assert bound is not None
        if not self.over:
            return ListMark(mark.since, self._after, self._newest, bound).cursor()
        until = min(self._newest, bound) if self._newest else None
        reached = max((moment for moment in (mark.since, until) if moment), default=None)
        return ListMark(since=reached).cursor() if reached else None
