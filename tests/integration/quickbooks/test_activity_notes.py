"""The real writer on a real database: each event of a customer is one note that hangs on the customer, whatever becomes of an answer."""

from __future__ import annotations

from typing import Any

from tests.support.quickbooks_world import READS, QuickBooksWorld

HANG = "POST *"


def said(world: QuickBooksWorld, customer: str) -> list[str]:
    """What the notes of a customer say, in the order in which they were made."""
    notes = [one for one in world.stored("Attachable").values() if hangs_on(one) == customer]
    return [
        one["Note"].partition(" opened ")[2].partition(" #")[0] for one in sorted(notes, key=lambda one: int(one["Id"]))
    ]


def hangs_on(note: dict[str, Any]) -> str:
    (ref,) = note["AttachableRef"]
    return str(ref["EntityRef"]["value"])


class TestActivityNotes:
    async def test_are_one_for_each_event_in_order_and_cost_no_read(self, world: QuickBooksWorld) -> None:
        first, other = world.customers(2)
        await world.want(*(world.told(first, n) for n in (1, 2, 3)), world.told(other, 7))
        await world.settled()
        assert said(world, first) == ["campaign 1", "campaign 2", "campaign 3"]
        assert said(world, other) == ["campaign 7"]
        assert world.made(*READS) == []
        await world.want(*(world.told(first, n) for n in (1, 2, 3)))
        await world.settled()
        assert len(said(world, first)) == 3
        assert world.stored()[first]["SyncToken"] == "0"

    async def test_are_looked_for_before_a_repeat(self, world: QuickBooksWorld) -> None:
        (customer,) = world.customers(1)
        world.switch(request_id_lives_s=0)
        for kind, events in (("reset_after", (1, 2)), ("half_commit", (3,))):
            world.fault(kind, HANG, count=1)
            await world.want(*(world.told(customer, n) for n in events))
            await world.through()
        faults: Any = world.sandbox.get("faults")["faults"]
        assert [one["hits"] for one in faults] == [1, 1]
        assert said(world, customer) == ["campaign 1", "campaign 2", "campaign 3"]

    async def test_that_are_not_found_yet_are_repeated_by_their_request_id(self, world: QuickBooksWorld) -> None:
        (customer,) = world.customers(1)
        world.switch(list_lag_s=10**6)
        world.fault("reset_after", HANG, count=1)
        await world.want(world.told(customer, 1))
        await world.through()
        assert said(world, customer) == ["campaign 1"]
        assert (await world.item(world.record_of(customer, 1)))["outcome"] == "added"

    async def test_say_so_where_they_are_not_taken(self, world: QuickBooksWorld) -> None:
        customer, away = world.customers(2)
        world.people("edit", entity="Customer", id=away, values={"Active": False})
        await world.want(world.told(away, 1))
        await world.settled()
        assert (await world.item(world.record_of(away, 1)))["reason"] == "not_at_target"
        world.switch(customer_notes="refused")
        await world.want(world.told(customer, 1))
        await world.settled()
        item = await world.item(world.record_of(customer, 1))
        assert (item["state"], item["reason"]) == ("dead", "QB_NOTE_REFUSED")
