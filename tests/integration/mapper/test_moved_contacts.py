"""Contacts of Zoho CRM that change where they belong, through the mapper's own transaction and the shipped template: nobody is made twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

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
        self.second += 1
        before, version = len(self.wire.sent), Version(stamp=NOON + timedelta(seconds=self.second), settled=True)
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
        await self.settle()
        return self.wire.sent[before:]

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

    async def written(self, customer: str, *, state: str, right_id: str) -> None:
        """As far as the writer is with the contact of a customer."""
        async with transaction(self.owner) as tx:
            await tx.execute(
                """update flow.pair set state = $2, right_id = $3, owed = true
                    where left_id = $1 and (left_entity, right_entity) = ('customer', 'person')""",
                customer, state, right_id,
            )  # fmt: skip

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


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Both]:
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
    yield world
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


class TestAContactAlone:
    async def test_that_gets_an_account_is_asked_about_until_somebody_says_who_it_is(self, world: Both) -> None:
        assert made(await world.tell("crm", "person", "7", customer_id="70", **IDA)) == []
        (question,) = await world.asked()
        assert named(question) == [("left", "customer", "1"), ("right", "person", "7")]
        assert list(question.answers) == ["new", "leave"]
        assert made(await world.decide(question, "new")) == [("person-back", "7")]
        assert await world.asked() == []

    async def test_that_loses_it_again_is_nobody_to_be_asked_about(self, world: Both) -> None:
        await world.tell("crm", "person", "7", customer_id="70", **IDA)
        assert len(await world.asked()) == 1
        sent = await world.tell("crm", "person", "7", customer_id=None, **(IDA | {"first_name": "Eda"}))
        assert (made(sent), await world.asked()) == ([("contact-back", "7")], [])

    async def test_is_not_linked_to_a_person_of_its_account_by_the_address_alone(self, world: Both) -> None:
        both = persons("2", "bo@birch.example", IDA["email"])
        await world.tell("books", "customer", "2", company="Birch", email="bo@birch.example", persons=both)
        world.wire.sent.clear()
        await world.tell("crm", "person", "7", customer_id="70", **IDA)
        questions = {one.review["left_id"] or one.review["right_id"]: one for one in await world.asked()}
        assert await world.linked("person", "person") == {("2-1", "8")}
        assert set(questions) >= {"7"}
        assert ("left", "person", "2-2") in named(questions["7"])
        await world.decide(questions["7"], "link:2-2")
        assert await world.linked("person", "person") == {("2-1", "8"), ("2-2", "7")}
        assert await world.asked() == []


class TestAContactUnderAnAccount:
    async def test_that_loses_it_makes_no_customer(self, world: Both) -> None:
        gone = {"customer_id": None, "email": "bo@birch.example", "first_name": "Ida", "last_name": "Alder"}
        sent = await world.tell("crm", "person", "8", **gone)
        # Its person is told nothing but that it is no word of ours any more whom the contact belongs to.
        assert [(one.entity, "customer_id" in one.document) for one in sent if one.wish == "present"] == [
            ("person", False)
        ]
        (question,) = await world.asked()
        assert named(question) == [("left", "person", "2-1"), ("right", "person", "8")]

    async def test_that_moves_to_another_stays_one_and_is_not_moved_back(self, world: Both) -> None:
        await world.tell("books", "customer", "3", company="Cedar", email="c@cedar.example", persons=[])
        await world.tell("crm", "customer", "71", name="Cedar", custom={"Books_Id": "3"})
        assert ("3", "71") in await world.linked("customer", "customer")
        bo = {"email": "bo@birch.example", "first_name": "Ida", "last_name": "Alder"}
        assert [
            one for one in made(await world.tell("crm", "person", "8", customer_id="71", **bo)) if one[1] != "8"
        ] == []
        edited = [persons("2", "bo@birch.example")[0] | {"title": "Owner"}]
        sent = await world.tell("books", "customer", "2", company="Birch", email="bo@birch.example", persons=edited)
        (command,) = [one for one in sent if one.entity == "person" and one.wish == "present"]
        assert (command.record, "customer_id" in command.document) == ("2-1", False)
        assert await world.linked("person", "person") == {("2-1", "8")}
        sent = await world.tell("crm", "person", "8", customer_id="71", **(bo | {"title": "Chief"}))
        assert made(sent) == [("person-back", "8")]


class TestACustomer:
    async def test_that_gets_a_company_takes_its_contact_along_under_the_account(self, world: Both) -> None:
        both = persons("1", IDA["email"], "cy@alder.example")
        sent = await world.tell("books", "customer", "1", **(IDA | {"company": "Alder", "persons": both}))
        assert made(sent) == [("account", "1")]
        sent = await world.tell("crm", "customer", "71", name="Alder", custom={"Books_Id": "1"})
        assert await world.linked("person", "person") == {("2-1", "8"), ("1-1", "7")}
        documents = {one.record: one.document for one in sent if one.entity == "person" and one.wish == "present"}
        assert {record: one["customer_id"] for record, one in documents.items()} == {"1-1": "1", "1-2": "1"}
        assert await world.asked() == []
        assert made(await world.tell("crm", "person", "7", customer_id="71", **IDA)) in ([], [("person-back", "7")])
        assert await world.asked() == []

    async def test_whose_person_has_no_address_is_asked_whether_that_is_the_contact(self, world: Both) -> None:
        await world.tell("books", "customer", "1", **(IDA | {"company": "Alder", "persons": persons("1", None)}))
        await world.tell("crm", "customer", "71", name="Alder", custom={"Books_Id": "1"})
        (question,) = await world.asked()
        assert named(question) == [("left", "person", "1-1"), ("right", "person", "7")]
        sent = await world.decide(question, "link:7")
        assert await world.linked("person", "person") == {("2-1", "8"), ("1-1", "7")}
        assert [one.document["customer_id"] for one in sent if one.entity == "person"] == ["1"]

    async def test_that_loses_its_company_makes_no_second_contact(self, world: Both) -> None:
        bo = persons("2", "bo@birch.example")
        sent = await world.tell("books", "customer", "2", company=None, email="bo@birch.example", persons=bo)
        assert made(sent) == []
        (question,) = await world.asked()
        assert named(question) == [("left", "customer", "2"), ("right", "customer", "70")]

    async def test_whose_contact_is_just_being_made_waits_for_it(self, world: Both) -> None:
        eda = {"email": "eda@elm.example", "first_name": "Eda", "last_name": "Elm"}
        assert made(await world.tell("books", "customer", "5", **eda, company=None, persons=[])) == [("contact", "5")]
        await world.written("5", state="reserved", right_id="")
        hers = [{"id": "5-1", **eda}]
        await world.tell("books", "customer", "5", **eda, company="Elm", persons=hers)
        sent = await world.tell("crm", "customer", "72", name="Elm", custom={"Books_Id": "5"})
        assert ("5", "72") in await world.linked("customer", "customer")
        assert ([one for one in made(sent) if one[0] == "person"], await world.asked()) == ([], [])
        await world.written("5", state="linked", right_id="9")
        await world.settle()
        (question,) = await world.asked()
        assert named(question) == [("left", "person", "5-1"), ("right", "person", "9")]
