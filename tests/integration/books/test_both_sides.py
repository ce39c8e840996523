"""Customers of Books and their contact persons, edited on two sides: one write for each edit, and none for its echo (decisions 29 and 68)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.books_both import KEY_FIELD, BooksBoth, books_both
from tests.support.database import Database
from tests.support.sandbox import SandboxProcess

BERN = {"attention": "Ida", "address": "Gasse 1", "city": "Bern", "zip": "3000"}


@pytest.fixture
async def world(database: Database, books_sandbox: SandboxProcess) -> AsyncIterator[BooksBoth]:
    async with books_both(database, books_sandbox) as opened:
        yield opened


class TestACustomer:
    async def test_is_edited_on_either_side_and_a_suffix_stays_where_the_name_is_taken(self, world: BooksBoth) -> None:
        more = {"company_name": "Alder", "website": "https://alder.example", "billing_address": BERN}
        left = world.sides["left"].contact("Alder", **more)
        world.sides["right"].contact("Elm")
        await world.quiet()
        right = world.contact("right", "Alder")
        assert (right["company_name"], right["website"]) == ("Alder", "https://alder.example")
        assert {name: right["billing_address"][name] for name in BERN} == BERN
        assert right["contact_persons"] == [] and right["custom_field_hash"][KEY_FIELD] == left["contact_id"]
        assert world.calls() == ["POST /contacts"]

        # Entered there by us, or by people here: either is edited from the other side.
        world.put("right", right, contact_name="Alder & Sons", billing_address={"address": "Gasse 2"})
        await world.quiet()
        there = world.contact("left", "Alder & Sons")
        assert there["billing_address"]["address"] == "Gasse 2" and there["billing_address"]["attention"] == "Ida"
        assert world.calls()[1:] == ["PUT /contacts/{contact_id}"]

        # R18: agreed is the name with the suffix there, and the one without it here.
        world.put("left", left, contact_name="Elm")
        await world.quiet()
        suffixed = f"Elm ({left['contact_id']})"
        assert world.contact("right", suffixed)["contact_id"] == right["contact_id"]
        assert world.contact("left", "Elm")["contact_id"] == left["contact_id"]
        assert len(world.calls()) == 4, "one was refused"
        world.put("right", right, website="")
        await world.quiet()
        assert world.contact("left", "Elm")["website"] == ""
        assert world.contact("right", suffixed)["website"] == ""
        assert len(world.calls()) == 5
        assert await world.questions() == []


class TestPersons:
    async def test_follow_their_customer_and_are_edited_on_either_side(self, world: BooksBoth) -> None:
        """R23: whoever is made first, the customer is; and a person who is kept on one side alone is nobody's loss."""
        left = world.sides["left"].contact("Alder", "ida@ex.org", company_name="Alder")
        world.person("left", left, first_name="Bo", email="bo@ex.org", phone="1")
        world.person("left", left, first_name="Dee", last_name="Finch", phone="3")
        await world.quiet()
        made = world.persons("right", "Alder")
        assert {one: made[one]["phone"] for one in made} == {"ida@ex.org": "", "bo@ex.org": "1", "Finch": "3"}
        assert sorted(world.calls()) == ["POST /contacts", *["POST /contacts/contactpersons"] * 3]

        right = world.contact("right", "Alder")
        world.person("right", right, first_name="Cy", email="cy@ex.org", designation="Clerk")
        id = made["bo@ex.org"]["contact_person_id"]
        world.sides["right"].told("PUT", f"/contacts/contactpersons/{id}", {"phone": "2", "designation": "Chief"})
        await world.quiet()
        there = world.persons("left", "Alder")
        chief = {"ida@ex.org": "", "bo@ex.org": "Chief", "Finch": "", "cy@ex.org": "Clerk"}
        assert {one: there[one]["designation"] for one in there} == chief
        assert there["bo@ex.org"]["phone"] == "2" and there["ida@ex.org"]["is_primary_contact"]
        assert len(world.calls()) == 6

        # R12, R22: gone on one side, kept on the other.
        world.sides["right"].told("DELETE", f"/contacts/contactpersons/{id}")
        await world.quiet()
        assert set(world.persons("left", "Alder")) == set(there)
        pairs = await world.world.rows("select state from flow.pair where left_entity = 'person' order by state")
        assert [row["state"] for row in pairs] == ["ended_right", "linked", "linked", "linked"]
        assert len(world.calls()) == 6


class TestAnOutcomeThatNobodySaw:
    async def test_is_waited_for_before_what_it_made_is_made_here(self, world: BooksBoth) -> None:
        """R21: nothing says whose a customer is that is heard of before our answer, neither its name nor anything that both sides share."""
        world.books.fault("reset_after", "POST /contacts", count=1)
        left = world.sides["left"].contact("Alder", "ida@ex.org", company_name="Alder")
        async with world.world.running():
            heard = "select from flow.pair where left_id = '' and right_entity = 'customer'"
            await world.until_open(lambda: world.world.rows(heard))
            for _ in range(10):
                await world.turn_without_time()
                await asyncio.sleep(0.05)
            assert world.calls() == ["POST /contacts"]
            assert await world.world.rows("select from flow.wanted where sync = 's1' and entity = 'account-back'") == []
        await world.quiet(180)
        assert [one["contact_id"] for one in world.contacts("left")] == [left["contact_id"]]
        assert [one["contact_name"] for one in world.contacts("right")] == ["Alder"]

    async def test_makes_one_customer_and_one_of_each_person(self, world: BooksBoth) -> None:
        """R2, R24: by the other side's id in the field that takes it once, and among the persons of the customer."""
        for route in ("POST /contacts", "POST /contacts/contactpersons"):
            world.books.fault("reset_after", route, count=1)
        left = world.sides["left"].contact("Alder", "ida@ex.org", company_name="Alder")
        world.person("left", left, first_name="Dee", last_name="Finch")
        await world.quiet(180)
        assert [one["contact_name"] for one in world.contacts("right")] == ["Alder"]
        assert sorted(world.persons("right", "Alder")) == ["Finch", "ida@ex.org"]
        pairs = await world.world.rows("select state from flow.pair")
        assert [row["state"] for row in pairs] == ["linked"] * 3
