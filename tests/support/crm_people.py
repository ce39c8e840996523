"""Customers, accounts and contacts through the mapper's own transactions, by the shipped template, as reads tell them: Ida, and Birch with Bo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Version, WriteCommand
from common.contracts.topics import changes
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import Pool, close_pool, open_pool, transaction
from console.use_cases.links import Links
from console.use_cases.reviews import Reviews, ShownReview
from mapper.handlers import ChangeHandler
from mapper.mapping.definitions import read_definition, template
from mapper.mappings import Mappings
from mapper.pair_settling import PairSettling
from tests.integration.mapper.test_handlers import NOON, Mapper
from tests.support.database import Database

VENDORS = {"books": "zoho-books", "crm": "zoho-crm"}
IDA = {"email": "ida@alder.example", "first_name": "Ida", "last_name": "Alder"}
PRIVATE: dict[str, Any] = IDA | {"company": None, "persons": []}


def persons(customer: str, *emails: str | None) -> list[dict[str, Any]]:
    return [
        {"id": f"{customer}-{at}", "email": email, "first_name": "Ida", "last_name": "Alder"}
        for at, email in enumerate(emails, start=1)
    ]


class Both(Mapper):
    """The mapper between the books and the CRM, and people who decide."""

    def __init__(self, pool: Pool, owner: Pool) -> None:
        super().__init__(pool)
        self.owner, self.second = owner, 0
        configuration, mappings = ConfigurationReader(), Mappings()
        self.handlers = {
            connection: ChangeHandler(
                changes(vendor), clock=self.clock, configuration=configuration, mappings=mappings, publisher=self.publisher,
                settle=timedelta(seconds=3),
            )
            for connection, vendor in VENDORS.items()
        }  # fmt: skip
        self.settling = PairSettling(pool, self.clock, configuration, mappings, self.publisher)

    async def tell(self, connection: str, entity: str, record: str, **fields: Any) -> list[WriteCommand]:
        """As a read tells it, a second after what was told last; returns whatever is commanded then."""
        before = len(self.wire.sent)
        await self.told(connection, entity, record, **fields)
        await self.settle()
        return self.wire.sent[before:]

    async def told(self, connection: str, entity: str, record: str, **fields: Any) -> None:
        """The same, and no more than its batch."""
        self.second += 1
        version = Version(stamp=NOON + timedelta(seconds=self.second), settled=True)
        ids = (ConnectionId(connection), Entity(entity), RecordId(record))
        event = ChangeEvent(
            id=ChangeEvent.derive_id(*ids, version, "detail", fields), connection=ids[0], vendor=VendorName(VENDORS[connection]), entity=ids[1],
            record=ids[2], kind="changed", version=version, coverage="detail", fields=fields, observed_at=version.stamp, via="read",
        )  # fmt: skip
        batch: list[Delivered[Any]] = [
            Delivered(event, RawRecord(f"changes.{VENDORS[connection]}", 0, self.second, b"k", b"", (), 0))
        ]
        async with transaction(self.pool) as tx:
            await self.handlers[connection].store(batch, tx)
        await self.handlers[connection].after(batch)

    async def settle(self) -> None:
        while await self.rows("select from flow.match_again union all select from flow.pair where owed limit 1"):
            await self.settling.step()

    async def both_read(self) -> None:
        kinds = (("books", "customer"), ("crm", "customer"), ("crm", "person"))
        async with transaction(self.owner) as tx:
            await tx.executemany(
                "insert into flow.feeding (connection, entity, place, wanted_at, ready_at) values ($1, $2, '', now(), now())", kinds
            )  # fmt: skip
        while await self.remapper.step():
            pass
        await self.settle()

    async def written(self, customer: str, entity: str = "person", *, state: str, right_id: str = "") -> None:
        """As far as the writer is with the contact, or the account, of a customer."""
        async with transaction(self.owner) as tx:
            # Whoever was heard of before its link goes into it.
            await tx.execute("delete from flow.pair where left_id = '' and right_id = $1 and right_id <> ''", right_id)
            await tx.execute(
                """update flow.pair set state = $3, right_id = $4, owed = true, history = history || jsonb_build_array($5::jsonb)
                    where left_id = $1 and (left_entity, right_entity) = ('customer', $2)""",
                customer, entity, state, right_id, {"at": NOON.isoformat(), "what": state},
            )  # fmt: skip

    async def waiting(self) -> set[str]:
        """Who is judged once more."""
        return {row["record"] for row in await self.rows("select record from flow.match_again")}

    async def linked(self, entity: str, other: str) -> set[tuple[str, str]]:
        rows = await self.rows(
            "select left_id, right_id from flow.pair where state = 'linked' and (left_entity, right_entity) = ($1, $2)", entity, other
        )  # fmt: skip
        return {tuple(row) for row in rows}

    @property
    def reviews(self) -> Reviews:
        return Reviews(self.owner, Links(self.owner, self.clock), self.clock)

    async def asked(self) -> list[ShownReview]:
        found, _ = await self.reviews.list("", "", None, 100)
        return [await self.reviews.show(one["id"]) for one in found]

    async def decide(self, question: ShownReview, answer: str) -> list[WriteCommand]:
        before = len(self.wire.sent)
        await self.reviews.decide(question.review["id"], answer, "eva", "")
        await self.settle()
        return self.wire.sent[before:]


def made(commands: list[WriteCommand]) -> list[tuple[str, str]]:
    """Whose copy is written, by leg and record."""
    return sorted((one.entity, one.record) for one in commands if one.wish == "present")


def named(question: ShownReview) -> list[tuple[str, str, str]]:
    return [(one.side, one.entity, one.id) for one in question.candidates]


@asynccontextmanager
async def both_in_step(database: Database) -> AsyncIterator[Both]:
    """Ida buys for herself and is a contact alone; Birch is a customer and an account, with Bo."""
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    await _configure(owner)
    world = Both(pool, owner)
    await world.tell("books", "customer", "1", **PRIVATE)
    await world.tell("crm", "person", "7", customer_id=None, **IDA)
    await world.tell(
        "books", "customer", "2", company="Birch", email="bo@birch.example", persons=persons("2", "bo@birch.example")
    )
    await world.tell("crm", "customer", "70", name="Birch")
    await world.tell(
        "crm", "person", "8", customer_id="70", email="bo@birch.example", first_name="Ida", last_name="Alder"
    )
    await world.both_read()
    assert await world.linked("customer", "person") == {("1", "7")}
    assert await world.linked("customer", "customer") == {("2", "70")}
    assert await world.linked("person", "person") == {("2-1", "8")}
    assert await world.asked() == []
    try:
        yield world
    finally:
        await close_pool(pool)
        await close_pool(owner)


async def _configure(owner: Pool) -> None:
    async with transaction(owner) as tx:
        for id, detail in (("books", "organization_id"), ("crm", "org_id")):
            await tx.execute(
                """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
                   values ($1, $2, $1, 'active', $3, $4, $5, $5)""",
                id, VENDORS[id], {detail: "1"}, f"{VENDORS[id]}:1", NOON,
            )  # fmt: skip
        await tx.execute(
            """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
               values ('s1', 's1', 't', 'books', 'crm', 'active', $1, $1)""",
            NOON,
        )
        for at, given in enumerate(template("zoho-books-zoho-crm")["legs"]):
            if given["name"].removesuffix("-back") not in ("account", "contact", "person"):
                continue
            direction = given.get("direction", "forward")
            ends = ("books", "crm") if direction == "forward" else ("crm", "books")
            await tx.execute(
                """insert into core.leg (sync, position, name, direction, source_connection, source_entity, target_connection, target_entity,
                                         target_place, mapping_version) values ('s1', $1, $2, $3, $4, $5, $6, $7, '', 1)""",
                at, given["name"], direction, ends[0], given["source"]["entity"], ends[1], given["target"]["entity"],
            )  # fmt: skip
            await tx.execute(
                "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', $1, 1, $2, $3)",
                given["name"], to_jsonb(read_definition(1, given)), NOON,
            )  # fmt: skip
