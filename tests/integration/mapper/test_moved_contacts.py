"""Contacts of Zoho CRM that change where they belong, through the mapper's own transaction and the shipped template: nobody is made twice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.crm_people import IDA, Both, both_in_step, made, named, persons
from tests.support.database import Database


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Both]:
    async with both_in_step(database) as world:
        yield world


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
        await world.written("5", state="reserved")
        hers = [{"id": "5-1", **eda}]
        await world.tell("books", "customer", "5", **eda, company="Elm", persons=hers)
        sent = await world.tell("crm", "customer", "72", name="Elm", custom={"Books_Id": "5"})
        assert ("5", "72") in await world.linked("customer", "customer")
        assert ([one for one in made(sent) if one[0] == "person"], await world.asked()) == ([], [])
        await world.written("5", state="linked", right_id="9")
        await world.settle()
        (question,) = await world.asked()
        assert named(question) == [("left", "person", "5-1"), ("right", "person", "9")]
