"""Whoever waits for a record to be linked goes on, whoever makes the link: the mapper's own transactions, with what a writer has left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.state.pool import transaction
from tests.support.bus import until
from tests.support.crm_people import Both, both_in_step, made, persons
from tests.support.database import Database

CEDAR: dict[str, Any] = {"email": "cy@cedar.example", "company": "Cedar", "persons": persons("3", "cy@cedar.example")}
ITS_STATE = "select from flow.record_state where (connection, entity, record) = ('crm', 'customer', '73')"
BLOCKED = """
select exists (select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database())
"""


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Both]:
    async with both_in_step(database) as world:
        yield world


async def being_made(world: Both) -> None:
    """Cedar is a customer, and its account is heard of before anybody knows what became of the call that makes it."""
    assert made(await world.tell("books", "customer", "3", **CEDAR)) == [("account", "3")]
    await world.written("3", "customer", state="reserved")
    await world.told("crm", "customer", "73", name="Cedar", custom={"Books_Id": "3"})
    await world.settling.step()
    assert (await world.waiting(), len(await world.linked("customer", "customer"))) == ({"73"}, 1)
    world.wire.sent.clear()


class TestAnAccountThatIsBeingMade:
    async def test_has_its_persons_made_when_nobody_but_the_account_says_whose_it_is(self, world: Both) -> None:
        await being_made(world)
        # By its look the write has not been seen, so that the link is made by whoever waited for that.
        await world.written("3", "customer", state="alone")
        await world.settle()
        assert ("3", "73") in await world.linked("customer", "customer")
        assert ("person", "3-1") in made(world.wire.sent)

    async def test_has_its_persons_made_when_the_answer_comes_while_it_is_judged_once_more(self, world: Both) -> None:
        await being_made(world)
        async with transaction(world.owner) as tx:
            await tx.execute(f"{ITS_STATE} for update")
            step = asyncio.create_task(world.settling.step())

            async def waits() -> bool:
                return bool((await world.rows(BLOCKED))[0][0])

            await until(waits, "the step waits for the account")
            await world.written("3", "customer", state="linked", right_id="73")
        await step
        await world.settle()
        assert ("person", "3-1") in made(world.wire.sent)

    async def test_whose_contact_alone_comes_to_nothing_has_its_person_made(self, world: Both) -> None:
        """A customer who buys for himself gets a company while his contact is being made; that is refused in the end."""
        eda = {"email": "eda@elm.example", "first_name": "Eda", "last_name": "Elm"}
        await world.tell("books", "customer", "5", **eda, company=None, persons=[])
        await world.written("5", state="reserved")
        await world.tell("books", "customer", "5", **eda, company="Elm", persons=[{"id": "5-1", **eda}])
        sent = await world.tell("crm", "customer", "72", name="Elm", custom={"Books_Id": "5"})
        assert ("5", "72") in await world.linked("customer", "customer")
        assert ("person", "5-1") not in made(sent)
        await world.written("5", state="alone")
        await world.settle()
        assert ("person", "5-1") in made(world.wire.sent)
