"""The vendor's folder in one file: a card index that lists its cards by the time of their last change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from common.codes import Code
from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId, VendorName
from common.contracts.messages import Receipt, Version
from common.contracts.records import RECORDS
from common.failures import Failure, FailureClass, Rejected
from common.http.call import Api, Call, VendorAnswer
from common.http.failure_table import ANY, FailureTable, Row, Said
from common.http.profile import Limit, Timeouts
from vendors.answers import reading, unreadable
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.feeds import Feed
from vendors.vendor import Cursor, Page, ReceiptReading, State, Subject, Vendor

NAME, CARD = VendorName("cards"), Entity("customer")
PER_PAGE, SETTLES_AFTER = 50, timedelta(seconds=2)

CARD_GONE = Code("CARD_GONE", "The card is not in the index.", "Nothing.", "nobody", True)
CARD_LIMIT = Code("CARD_LIMIT", "Too many calls.", "Nothing: it goes on in a second.", "nobody", True)
TABLE = FailureTable(
    (
        Row(404, ANY, FailureClass.REJECTED, CARD_GONE),
        Row(429, ANY, FailureClass.RATE_LIMITED, CARD_LIMIT, pause=timedelta(seconds=1), scope="second"),
    )
)


class Profile:
    vendor, system = NAME, "cards"
    hosts = frozenset({"api.cards.example"})
    file_hosts: frozenset[str] = frozenset()
    timeouts, max_body = Timeouts(), 1 << 20
    horizon, read_lag = timedelta(minutes=2), timedelta(seconds=1)

    def base_url(self, connection: Connection, override: str) -> str:
        return override or "https://api.cards.example"

    def query(self, connection: Connection, template: str) -> Mapping[str, str]:
        return {}

    def credential(self, token: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {token}"}

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        return [Limit("second", f"cards:{connection.id}", "rolling", 10, timedelta(seconds=1))]

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        try:
            whole = isinstance(orjson.loads(body), dict)
        except orjson.JSONDecodeError:
            whole = False
        return None if status == 200 and whole else TABLE.failure(status, Said(""), headers, now)


class CardSource:
    """Cards come in the order of (changed, id), and a page asks for what is later than the one before: nothing slips."""

    entities: Mapping[Entity, str] = {CARD: "Cards"}
    settles_after = SETTLES_AFTER
    polled_every = timedelta(minutes=5)
    feeds: Mapping[Entity, Feed] = {}
    detail_only: Mapping[Entity, frozenset[str]] = {}

    def receipt(self, receipt: Receipt) -> ReceiptReading:
        """A webhook names its card and no more."""
        try:
            return ReceiptReading(thin=[Subject(CARD, _id_in(orjson.loads(receipt.body)))])
        except (ValueError, LookupError, TypeError) as odd:
            raise Rejected("CARD_GONE", "The webhook names no card.") from odd

    async def read(self, connection: Connection, subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure]:
        return [await self._one(subject, api) for subject in subjects]

    async def _one(self, subject: Subject, api: Api) -> State | Failure:
        try:
            answer = await api.call(Call("GET", "/cards/{id}", "cards.read", path={"id": subject.record}))
            with reading(answer):
                card = orjson.loads(answer.body)
                return _state(_id_in(card), card, answer, "detail")
        except Failure as failure:
            if failure.code != CARD_GONE.name or failure.vendor_date is None:
                return failure
            version = Version(stamp=failure.vendor_date, settled=True)
            return State(CARD, subject.record, "deleted", version, "gone", {}, failure.vendor_date)

    async def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        mark, left, known = _mark(since), True, _mark(since) is not None
        while left:
            answer = await api.call(
                Call("GET", "/cards", "cards.list", query={"after": mark or "", "limit": str(PER_PAGE)})
            )
            with reading(answer):
                body = orjson.loads(answer.body)
                states = [_row(card, answer) for card in body["cards"]]
                left = body["more"]
            if not isinstance(left, bool) or (left and not states):
                raise unreadable(answer)
            mark = max([mark or "", *(f"{state.version.stamp.isoformat()} {state.record}" for state in states)]) or None
            yield Page(states, _cursor(mark, answer, since), complete=not left and not known)

    async def catalogue(self, connection: Connection, entity: Entity, api: Api) -> FieldCatalogue:
        return FieldCatalogue(
            (
                CatalogueField("name", "Name", "text"),
                CatalogueField("email", "Mail", "email"),
                CatalogueField("updated_at", "Changed", "datetime"),
            )
        )


def _cursor(mark: str | None, answer: VendorAnswer, since: Cursor | None) -> Cursor | None:
    """R11: never later than what is settled."""
    if mark is None:
        return None
    settled = f"{(answer.date - SETTLES_AFTER).isoformat()} ~"
    return Cursor(max(min(mark, settled), since if _mark(since) and since else ""))


def _mark(cursor: Cursor | None) -> str | None:
    stamp, _, card = (cursor or "").partition(" ")
    try:
        return cursor if card and datetime.fromisoformat(stamp).tzinfo else None
    except ValueError:
        return None


def _row(card: Mapping[str, Any], answer: VendorAnswer) -> State:
    try:
        return _state(_id_in(card), card, answer, "list")
    except ValueError:
        version = Version(stamp=datetime.fromisoformat(card["at"]).astimezone(UTC), settled=False)
        return State(CARD, _id_in(card), "asked", version, "ask", {}, answer.date)


def _state(record: RecordId, card: Mapping[str, Any], answer: VendorAnswer, coverage: Any) -> State:
    stamp = datetime.fromisoformat(card["at"]).astimezone(UTC)
    fields = {"name": card["full"], "email": card["mail"], "updated_at": stamp.isoformat()}
    RECORDS[CARD].model_validate(fields)
    version = Version(stamp=stamp, settled=answer.date >= stamp + SETTLES_AFTER)
    return State(CARD, record, "changed", version, coverage, fields, answer.date)


def _id_in(card: Mapping[str, Any]) -> RecordId:
    if not isinstance(card["id"], str) or not card["id"]:
        raise TypeError("This is no card.")
    return RecordId(card["id"])


VENDOR = Vendor(name=NAME, title="Cards", profile=Profile(), source=CardSource())
