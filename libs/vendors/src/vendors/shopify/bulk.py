"""A whole shop, as the vendor writes it into a file (sheet, section 2.3): one question that runs by itself, for ten points.

Read in pages, each order costs a question of its own besides its line in a list, because no list holds an order; a file holds all of them. So a
shop with more records than fit a few pages is read so the first time. In: nothing, or a cursor of ours. Out: pages. Durable: the operation's
name before anybody waits for it, and with each page how many records of the file were told.

A crash between the start of an operation and its name leaves one that runs: it is found again by its question. A crash later goes on behind
the last page that was stored; the file stays for seven days. While the operation runs the source waits like for a quota, and holds nothing.
Whatever becomes of it but a file that is as long as it says (refused, failed, canceled, gone): the shop is read by its pages.

The vendor runs no question with a list inside of a list, so refunds have their ids alone in the file: orders with refunds are told by id and
stamp, as lists tell all orders, and read one by one.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId
from common.contracts.messages import Coverage, Version
from common.failures import Bug, RateLimited
from common.http.call import Api, Call
from vendors.answers import reading
from vendors.shopify import queries, wire
from vendors.shopify.bulk_file import UnusableFile, grouped
from vendors.shopify.client import asked, told
from vendors.shopify.errors import SH_BULK_RUNNING
from vendors.shopify.limits import SEARCH_LAG
from vendors.shopify.listing import TOLD, ListMark
from vendors.shopify.orders import Thin, order, with_rounding
from vendors.shopify.people import customer
from vendors.vendor import Cursor, Page, State

FROM = {Entity("order"): 250, Entity("customer"): 5_000}
"""A shop with more of them is read by a file: beyond a page of orders, and of customers, of which lists tell all, beyond a minute of points."""
PAGE = 100
KEPT = timedelta(days=7)
# What changed since an operation began is read by the lists that follow, so an older one serves as well; it only has to be there.
LATELY = timedelta(hours=1)
BY_PAGES = Cursor('{"by":"pages"}')
_RUNS = frozenset({"CREATED", "RUNNING", "CANCELING"})
_A_SECOND = timedelta(seconds=1)


class ShopPages(Protocol):
    """How it is read otherwise."""

    def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]: ...


@dataclass(frozen=True, slots=True)
class BulkMark:
    """What a cursor says: which operation, and how much of its file was told."""

    operation: str
    told: int = 0
    newest: datetime | None = None

    @classmethod
    def of(cls, cursor: Cursor | None) -> BulkMark | None:
        """None where it is a cursor of pages."""
        try:
            parsed = json.loads(cursor or "{}")
            newest = datetime.fromisoformat(parsed["newest"]).astimezone(UTC) if parsed.get("newest") else None
            return cls(str(parsed["bulk"]), int(parsed["told"]), newest)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def cursor(self) -> Cursor:
        newest = {"newest": self.newest.isoformat()} if self.newest else {}
        return Cursor(json.dumps({"bulk": self.operation, "told": self.told} | newest, sort_keys=True))


@dataclass(frozen=True, slots=True)
class BulkFile:
    """What a completed operation has left."""

    began: datetime
    """Every record in it was read later."""
    records: int
    url: str

    @property
    def bound(self) -> datetime:
        return self.began - SEARCH_LAG - _A_SECOND


class ShopBulk:
    """Reads a whole shop for the first time."""

    def __init__(self, lists: ShopPages) -> None:
        self._lists = lists

    async def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        mark = BulkMark.of(since)
        if since is None and (mark := await _begun(entity, api)) is not None:
            # Stored before anybody waits for it.
            yield Page([], mark.cursor())
        if mark is not None:
            try:
                if (file := await _completed(mark, api)) is not None:
                    async for page in _told(entity, mark, file, api):
                        yield page
                    return
            except UnusableFile:
                pass
            since = BY_PAGES
            yield Page([], since)
        async for page in self._lists.pages(connection, entity, since, api, place):
            yield page


async def _begun(entity: Entity, api: Api) -> BulkMark | None:
    """None where the shop is small, or the vendor does not take the question now."""
    answer = await api.call(asked(queries.COUNTS[entity], f"{entity}s.count"))
    with reading(answer):
        if int(told(answer)["found"]["count"]) <= FROM[entity]:
            return None
    answer, question = await api.call(asked(queries.BULKS, "bulk.find")), queries.WHOLE[entity]
    with reading(answer):
        for one in wire.rows(told(answer)["bulkOperations"]):
            usable = one["status"] in ("CREATED", "RUNNING", "COMPLETED") and one["query"] == question
            began = wire.stamp(one, "createdAt")
            if usable and began is not None and answer.date < began + LATELY:
                return BulkMark(str(one["id"]))
    # It changes nothing in the shop, so nobody minds if it is begun twice.
    answer = await api.call(asked(queries.BULK_BEGIN, "bulk.begin", question=question))
    with reading(answer):
        made = told(answer)["bulkOperationRunQuery"]
        return None if made["userErrors"] else BulkMark(str(made["bulkOperation"]["id"]))


async def _completed(mark: BulkMark, api: Api) -> BulkFile | None:
    """None where nothing usable came of it; raises a failure that costs no attempt while it runs."""
    answer = await api.call(asked(queries.BULK, "bulk.look", id=mark.operation))
    with reading(answer):
        found: Mapping[str, Any] = told(answer)["bulkOperation"] or {"status": "GONE"}
        if found["status"] in _RUNS:
            words = f"{SH_BULK_RUNNING.meaning} {int(found['objectCount'])} lines so far."
            raise RateLimited(SH_BULK_RUNNING.name, words)
        if found["status"] != "COMPLETED":
            return None
        began, ended = wire.stamp(found, "createdAt"), wire.stamp(found, "completedAt")
        if began is None or ended is None:
            raise TypeError("A completed operation has both times.")
        file = BulkFile(began, int(found["rootObjectCount"]), str(found["url"] or ""))
    return file if answer.date < ended + KEPT else None


async def _told(entity: Entity, mark: BulkMark, file: BulkFile, api: Api) -> AsyncIterator[Page]:
    """The records behind those that were told, and at last the cursor from which lists go on (R11)."""
    number, states = 0, list[State]()
    if file.url:
        call = Call("GET", "/files/bulk", "bulk.file", file=file.url)
        async with aclosing(grouped(_lines(call, api))) as rows:
            async for row in rows:
                number += 1
                if number <= mark.told:
                    continue
                states.append(_state(entity, row, file))
                mark = _after(mark, number, states[-1])
                if len(states) == PAGE:
                    yield Page(states, mark.cursor(), about=file.records)
                    states = []
    if number != file.records:
        raise UnusableFile(f"It has {number} records of {file.records}.")
    until = min(mark.newest, file.bound) if mark.newest else None
    # Without `read_all_orders` a file of orders looks whole and is not.
    yield Page(states, ListMark(since=until).cursor() if until else BY_PAGES, complete=entity == "customer")


async def _lines(call: Call, api: Api) -> AsyncIterator[bytes]:
    """A file at an address that nobody told us to trust, or with a line larger than any answer, is none for us."""
    try:
        async for line in api.lines(call):
            yield line
    except Bug as error:
        raise UnusableFile(str(error)) from None


def _after(mark: BulkMark, number: int, state: State) -> BulkMark:
    newest = max(filter(None, (mark.newest, state.version.stamp if state.kind == "changed" else None)), default=None)
    return replace(mark, told=number, newest=newest)


def _state(entity: Entity, row: Mapping[str, Any], file: BulkFile) -> State:
    """R10: what a row says of its second is certain when that, and the lag, were over as the operation began."""
    record, moment = wire.number(row.get("id")), wire.stamp(row)
    if record is None:
        raise UnusableFile("The row names no record.")
    unread = Version(stamp=moment or file.began, settled=False)
    asks = State(entity, RecordId(record), "asked", unread, "ask", {}, file.began)
    if moment is None:
        return asks
    version = Version(stamp=moment, settled=moment < file.bound)
    try:
        coverage, parsed = _parsed(entity, row)
    except (wire.UnreadableBody, Thin):
        return asks
    return State(entity, RecordId(record), "changed", version, coverage, parsed, file.began)


def _parsed(entity: Entity, row: Mapping[str, Any]) -> tuple[Coverage, dict[str, Any]]:
    if entity == "customer":
        return "list", wire.fields(entity, row, customer)
    if row.get("refunds"):
        return "list", wire.fields(entity, row, TOLD[entity])
    return "detail", wire.fields(entity, with_rounding(row), order)
