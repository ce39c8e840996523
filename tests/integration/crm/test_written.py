"""Whole accounts into Zoho CRM by the real writer: in hundreds, in the order of who needs whom, and once each though every fifth answer is lost."""

from __future__ import annotations

from collections import Counter

import pytest

from common.contracts.messages import Lane
from common.http.door import Door
from tests.support.crm_world import CUSTOMER, MODULES, PERSON, CrmWorld
from vendors import zoho_crm
from vendors.catalogue import AskedField
from vendors.vendor import connection_of

MANY = 120


async def make_fields(world: CrmWorld) -> None:
    """As applying the sync does."""
    connection = connection_of(zoho_crm.NAME, "crm", dc="in", org_id=world.place)
    door: Door = world.door()
    try:
        api = door.open(zoho_crm.VENDOR.profile, connection)
        for entity in MODULES:
            target = zoho_crm.VENDOR.targets[entity]
            made = await target.create_fields(connection, world.place, [AskedField("key", "text")], api)
            assert not made.refused
    finally:
        await door.aclose()


async def test_customers_and_their_persons_are_there_once_each_whatever_answers_are_lost(world: CrmWorld) -> None:
    await make_fields(world)
    entered = world.crm.add("Contacts", {"Last_Name": "Entered", "Email": "p7@alder.example"})[0]
    world.fault("reset_after", "POST /Accounts/upsert", count=1)
    world.fault("half_commit", "POST /Contacts/upsert", count=1)
    numbers = range(MANY)
    persons = [
        world.wished(
            PERSON, f"p{n}", {"key": f"person:p{n}", "customer_id": f"c{n}", "first_name": f"P{n}", "email": f"p{n}@alder.example"},
            lane=Lane.BACKFILL,
        )
        for n in numbers
    ]  # fmt: skip
    customers = [
        world.wished(CUSTOMER, f"c{n}", {"key": f"c{n}", "name": f"Alder {n}"}, lane=Lane.BACKFILL) for n in numbers
    ]
    # Whoever needs somebody comes first, and waits.
    await world.want(*persons)
    await world.want(*customers)
    await world.through(executors=2)

    accounts = {row["Books_Id"]: row["id"] for row in world.listed("Accounts", "Books_Id")}
    contacts = world.listed("Contacts", "Books_Id", "Account_Name", "Last_Name")
    assert sorted(accounts) == sorted(f"c{n}" for n in numbers)
    assert Counter(row["Books_Id"] for row in contacts) == {f"person:p{n}": 1 for n in numbers}
    assert {row["Books_Id"]: row["Account_Name"]["id"] for row in contacts} == {
        f"person:p{n}": accounts[f"c{n}"] for n in numbers
    }
    # Who was entered by hand with the address is the one that has it now.
    assert [row["Books_Id"] for row in contacts if row["id"] == entered] == ["person:p7"]
    assert world.made("PUT") == ["PUT /Contacts/{id}"]
    attempts = await world.rows("select max(attempts) from flow.work_item")
    assert attempts[0][0] <= 3
    # In hundreds: two calls a kind, the few that were lost again, and whoever stands alone.
    made = world.made("POST")
    assert made.count("POST /Accounts/upsert") <= 8 and made.count("POST /Contacts/upsert") <= 8


async def test_of_an_edit_one_call_goes_out_and_of_a_repeat_none(world: CrmWorld) -> None:
    await make_fields(world)
    await world.want(world.wished(CUSTOMER, "c1", {"key": "c1", "name": "Alder", "phone": "+91 22 1"}))
    await world.through()
    before = len(world.made("POST", "PUT"))
    await world.want(world.wished(CUSTOMER, "c1", {"key": "c1", "name": "Alder", "phone": "+91 22 2"}))
    await world.through()
    await world.want(world.wished(CUSTOMER, "c1", {"key": "c1", "name": "Alder", "phone": "+91 22 2"}))
    await world.through()
    assert world.made("POST", "PUT")[before:] == ["PUT /Accounts/{id}"]
    assert [row["Phone"] for row in world.listed("Accounts", "Phone")] == ["+91 22 2"]


@pytest.mark.parametrize("world", ["demo-au"], indirect=True)
async def test_an_edition_without_fields_has_each_person_once_by_the_address(world: CrmWorld) -> None:
    """An insert whose answer is lost is waited out and looked for, and never sent a second time."""
    world.fault("reset_after", "POST /Contacts", count=1)
    await world.want(
        *(world.wished(PERSON, f"p{n}", {"email": f"p{n}@alder.example", "last_name": f"Alder {n}"}) for n in range(30))
    )
    await world.through(executors=2)
    rows = world.listed("Contacts", "Email")
    assert Counter(row["Email"] for row in rows) == {f"p{n}@alder.example": 1 for n in range(30)}


@pytest.mark.parametrize("world", ["demo-au"], indirect=True)
async def test_an_account_whose_answer_was_lost_is_found_however_long_nobody_was_there_to_look(world: CrmWorld) -> None:
    """Without a field of ours it is known by its name and its age: since it was sent, and not since somebody looks."""
    world.fault("reset_after", "POST /Accounts", count=1)
    await world.want(world.wished(CUSTOMER, "c1", {"name": "Alder Works"}))

    async def on_hold() -> bool:
        return bool(await world.rows("select from flow.work_item where state = 'hold'"))

    async with world.running():
        await world.until(on_hold, "nothing is on hold")
    world.sandbox.post("clock", {"advance_s": 3600})
    await world.through()
    assert [row["Account_Name"] for row in world.listed("Accounts", "Account_Name")] == ["Alder Works"]
