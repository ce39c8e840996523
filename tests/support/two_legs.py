"""A small vendor with two kinds of records in two places, and the console and the mapper of syncs between two accounts of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.clock import FixedClock
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Version, WriteCommand
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.contracts.topics import changes
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pool import Pool, close_pool, open_pool, transaction
from console.api.sync_documents import SyncBody
from console.use_cases.applying import Applied, Applying
from console.use_cases.drafting import Drafting
from console.use_cases.hooks import Hooks
from console.use_cases.previews import Previews
from console.use_cases.syncs import Syncs
from mapper.handlers import ChangeHandler
from mapper.mappings import Mappings
from mapper.publisher import Publisher, Sends
from mapper.remap import Remapper
from tests.integration.mapper.test_handlers import Wire
from tests.support.database import Database
from vendors.acts import ByMatch
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.choices import Choices
from vendors.feeds import Feed
from vendors.grant import Place
from vendors.registry import VENDORS
from vendors.target import Target
from vendors.vendor import Source, Vendor

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DESK = VendorName("desk")
PLACES = (Place("n", "North"), Place("s", "South"))


class DeskSource:
    """Customers and invoices of two shops."""

    entities: Mapping[Entity, str] = {Entity("customer"): "People", Entity("invoice"): "Bills"}
    settles_after = timedelta(seconds=3)
    polled_every = timedelta(minutes=5)
    feeds: Mapping[Entity, Feed] = {}
    detail_only: Mapping[Entity, frozenset[str]] = {}

    async def places(self, connection: object, api: object) -> Sequence[Place]:
        return PLACES

    async def catalogue(self, connection: object, entity: Entity, api: object) -> FieldCatalogue:
        return FieldCatalogue(
            tuple(CatalogueField(path, path, "text") for path in ("number", "name", "email", "notes"))
        )


class DeskTarget:
    """Cards or slips: a code, a title and a remark."""

    places_name = "drawer"
    key_missing = SkipReason.REQUIRED_FIELD_MISSING
    key_invalid = SkipReason.UNMAPPABLE
    choices = Choices(gone=("archive", "leave"), on_delete="archive", on_filtered="leave", without_key="archive")
    hears = True
    deferred = None

    def __init__(self, mode: Mode) -> None:
        self.mode = mode

    async def places(self, connection: object, api: object) -> Sequence[Place]:
        return PLACES

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"how": how}

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        return ByMatch("code", str(document["code"])) if document.get("code") else None

    async def catalogue(self, connection: object, place: str, api: object) -> FieldCatalogue:
        fields = [CatalogueField(path, path, "text") for path in ("title", "remark")]
        return FieldCatalogue((CatalogueField("code", "code", "text", required=True), *fields))


VENDOR = Vendor(
    name=DESK,
    title="Desk",
    profile=cast(Any, None),
    source=cast(Source, DeskSource()),
    targets={
        Entity("card"): cast(Target, DeskTarget("state")),
        Entity("slip"): cast(Target, DeskTarget("once")),
    },
)


class _Door:
    def open(self, profile: object, connection: object) -> None:
        return None


def leg(source: str, target: str, **more: Any) -> dict[str, Any]:
    """A leg as a person writes it."""
    rows = [{"target": "code", "from": "number", "required": True}, {"target": "title", "from": "name"}]
    return {
        "source": {"entity": source, "place": more.pop("source_place", "")},
        "target": {"entity": target, "place": more.pop("place", "North")},
        "key": "code",
        "rows": rows,
        **more,
    }


PEOPLE, BILLS = leg("customer", "card"), leg("invoice", "slip", place="South")


@dataclass
class TwoLegs:
    """Both services over one database."""

    pool: Pool
    owner: Pool
    console: Pool
    wire: Wire
    clock: FixedClock
    applying: Applying
    syncs: Syncs
    previews: Previews
    handler: ChangeHandler
    remapper: Remapper
    publisher: Publisher
    configuration: ConfigurationReader

    def body(self, *legs: Mapping[str, Any], name: str = "both", **more: Any) -> SyncBody:
        return SyncBody(**{"name": name, "source": "left", "target": "right", "legs": list(legs), **more})

    async def apply(self, *legs: Mapping[str, Any], **more: Any) -> Applied:
        return await self.applying.apply(self.body(*(legs or (PEOPLE, BILLS)), **more).wish(), "a person")

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        async with transaction(self.owner) as tx:
            return list(await tx.fetch(sql, *values))

    async def known(self) -> Configuration:
        async with transaction(self.pool) as tx:
            return await self.configuration.read(tx)

    async def handle(self, *events: ChangeEvent) -> list[WriteCommand]:
        """A batch of changes; the commands that it led to."""
        before = len(self.wire.sent)
        batch = [Delivered(event, _record(number, event)) for number, event in enumerate(events)]
        async with transaction(self.pool) as tx:
            await self.handler.store(batch, tx)
        await self.handler.after(batch)
        return self.wire.sent[before:]

    async def remap(self) -> list[WriteCommand]:
        """Every job that is due; the commands that it led to."""
        before = len(self.wire.sent)
        while await self.remapper.step():
            pass
        return self.wire.sent[before:]


def _record(offset: int, event: ChangeEvent) -> RawRecord:
    return RawRecord("changes.desk", 0, offset, b"k", event.model_dump_json().encode(), (), 0)


def told(
    entity: str, second: int, record: str = "1", *, at: str = "left", place: str = "", gone: bool = False, **fields: Any
) -> ChangeEvent:
    """A record as its source says it is; `gone`: a read by id found that it is not there any more."""
    stamp = Version(stamp=NOON + timedelta(seconds=second), settled=True)
    ids = (ConnectionId(at), Entity(entity), RecordId(record))
    coverage: Any = "gone" if gone else "detail"
    return ChangeEvent(
        id=ChangeEvent.derive_id(*ids, stamp, coverage, fields), connection=ids[0], vendor=DESK, entity=ids[1], record=ids[2],
        kind="deleted" if gone else "changed", version=stamp, coverage=coverage, fields=fields, observed_at=stamp.stamp,
        via="read", place=place,
    )  # fmt: skip


@asynccontextmanager
async def two_legs(database: Database, sends: Sends | None = None) -> AsyncIterator[TwoLegs]:
    """The connections `left` and `right`, and no sync yet."""
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    console = await open_pool(database.url("console"), name="console", size=4)
    async with transaction(owner) as tx:
        for name in ("left", "right"):
            await tx.execute(
                "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, 'desk', $1, 'active', $2, $2)",
                name, NOON,
            )  # fmt: skip
    wire, clock, configuration, mappings = Wire(), FixedClock(NOON), ConfigurationReader(), Mappings()
    drafting = Drafting(console, cast(Any, _Door()), {DESK: VENDOR}, heard=[DESK])
    hooks = Hooks(cast(Any, None), None)
    syncs = Syncs(console, drafting, hooks, clock)
    publisher = Publisher(pool, sends or wire, configuration)
    handler = ChangeHandler(
        changes("desk"), clock=clock, configuration=configuration, mappings=mappings, publisher=publisher,
        settle=timedelta(seconds=3),
    )  # fmt: skip
    remapper = Remapper(pool, clock, configuration, mappings, publisher)
    registry = cast(dict[VendorName, Vendor], VENDORS)
    registry[DESK] = VENDOR
    try:
        yield TwoLegs(
            pool, owner, console, wire, clock, Applying(console, drafting, hooks, clock), syncs,
            Previews(console, syncs, drafting, clock), handler, remapper, publisher, configuration,
        )  # fmt: skip
    finally:
        del registry[DESK]
        for one in (console, pool, owner):
            await close_pool(one)
