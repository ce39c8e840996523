"""The real writer on a real database: what is known of customers' activity comes into their notes, beside what people write there (R26)."""

from __future__ import annotations

from typing import Any

from common.state.pool import transaction
from console.state import notifications
from tests.support.quickbooks_world import READS, QuickBooksWorld
from vendors.quickbooks.note_text import BEGIN, END, ids_in

BATCH = "/batch"


async def told_once(world: QuickBooksWorld) -> list[tuple[str, Any]]:
    """For which sync people are told that texts are left alone, and since when not any more."""
    async with transaction(world.owner) as tx:
        await notifications.tell_of_states(tx, world.clock.now())
        rows = await tx.fetch("select code, resolved_at from core.notification where kind = 'text.hands_off'")
        return [tuple(row) for row in rows]


class TestNotes:
    async def test_of_many_customers_are_one_batch_for_thirty_and_no_read_where_nobody_typed(
        self, world: QuickBooksWorld
    ) -> None:
        customers = world.customers(65, notes="Likes tea.")
        await world.hear(*await world.listed())
        listed = world.made(*READS)
        for events in ((1,), (1, 2), tuple(range(1, 50))):
            before = world.made("POST")
            await world.want(*(world.noted(one, *events) for one in customers))
            await world.settled()
            assert world.made("POST")[len(before) :] == [BATCH] * 3
        assert world.made(*READS) == listed
        there = world.stored()
        assert all(len(ids_in(there[one]["Notes"])) == 8 for one in customers)
        assert all(there[one]["Notes"].startswith(f"Likes tea.\n{BEGIN}\n") for one in customers)
        # Our own writes come back by the poller: no news, no write, no read.
        await world.hear(*await world.listed())
        await world.want(*(world.noted(one, *range(1, 50)) for one in customers))
        await world.settled()
        assert len(world.made("POST")) == 9

    async def test_keep_what_people_type_whether_we_have_heard_of_it_or_not(self, world: QuickBooksWorld) -> None:
        heard, unheard, unknown = world.customers(3, notes="tea")
        await world.hear(*(state for state in await world.listed() if state.record != unknown))
        for one in (heard, unheard):
            world.people("type_notes", id=one, text=" and cake", where="after")
        await world.hear(*(state for state in await world.listed() if state.record == heard))
        reads = len(world.made(*READS))
        await world.want(*(world.noted(one, 1) for one in (heard, unheard, unknown)))
        await world.settled()
        assert [world.notes_of(one).partition("\n")[0] for one in (heard, unheard, unknown)] == [
            "tea and cake",
            "tea and cake",
            "tea",
        ]
        assert all(len(ids_in(world.notes_of(one))) == 1 for one in (heard, unheard, unknown))
        assert world.made(*READS)[reads:] == ["/customer/{id}"] * 2

    async def test_are_left_alone_where_there_is_no_room_until_there_is(self, world: QuickBooksWorld) -> None:
        (customer,) = world.customers(1, notes="x" * 900)
        await world.hear(*await world.listed())
        await world.want(world.noted(customer, 1))
        await world.settled()
        item = await world.item(customer)
        assert (item["outcome"], item["reason"]) == ("skipped", "hands_off")
        (told,) = await world.journal(customer, "skipped")
        assert "fewer than 200 letters" in told["words"]
        assert world.made("POST") == []
        assert [await told_once(world), await told_once(world)] == [[("s1", None)]] * 2
        world.people("type_notes", id=customer, text="tea", where="instead")
        await world.hear(*await world.listed())
        await world.written(customer)
        assert world.notes_of(customer).startswith(f"tea\n{BEGIN}\n")
        ((_, resolved),) = await told_once(world)
        assert resolved is not None

    async def test_of_somebody_inactive_are_left_alone_until_they_are_back(self, world: QuickBooksWorld) -> None:
        customer, unheard = world.customers(2)
        await world.hear(*await world.listed())
        world.people("edit", entity="Customer", id=customer, values={"Active": False})
        world.people("edit", entity="Customer", id=unheard, values={"Active": False})
        await world.hear(*(state for state in await world.listed() if state.record == customer))
        await world.want(*(world.noted(one, 1) for one in (customer, unheard)))
        await world.settled()
        assert [(await world.item(one))["reason"] for one in (customer, unheard)] == ["inactive", "inactive"]
        world.people("edit", entity="Customer", id=customer, values={"Active": True})
        await world.hear(*await world.listed())
        await world.written(customer)

    async def test_nothing_but_the_notes_moves(self, world: QuickBooksWorld) -> None:
        (customer,) = world.customers(1)
        world.people("invoice", customer=customer, amount="4815.16")
        before = world.stored()[customer]
        await world.want(world.noted(customer, 1))
        await world.settled()
        after = world.stored()[customer]
        assert {name for name in after if after[name] != before.get(name)} - {"MetaData"} == {"Notes", "SyncToken"}
        (called,) = [call for call in world.calls() if call["route"].endswith(BATCH)]
        assert called["applied"] == [{"kind": "Customer", "id": customer, "op": "update"}]

    async def test_a_fault_inside_an_answer_is_that_item_s_alone_and_is_no_answer_for_ever(
        self, world: QuickBooksWorld
    ) -> None:
        customers = world.customers(3)
        await world.hear(*await world.listed())
        world.fault("storm_429", "BATCH POST /customer", count=3)
        await world.want(*(world.noted(one, 1) for one in customers))
        async with world.running():
            await world.quiet("waiting")
            world.sandbox.post("clock", {"advance_s": 120})
            await world.quiet()
        assert all(ids_in(world.notes_of(one)) for one in customers)
        world.fault("status", "BATCH POST /customer", count=1)
        await world.want(*(world.noted(one, 1, 2) for one in customers))
        await world.through()
        assert all(len(ids_in(world.notes_of(one))) == 2 for one in customers)

    async def test_an_answer_that_is_lost_makes_nothing_twice(self, world: QuickBooksWorld) -> None:
        customers = world.customers(3, notes="tea")
        await world.hear(*await world.listed())
        world.fault("reset_after", "POST *", count=1)
        await world.want(*(world.noted(one, 1, 2) for one in customers))
        await world.through()
        for one in customers:
            lines = world.notes_of(one).split("\n")
            assert (lines[0], lines[1], lines[-1], len(lines)) == ("tea", BEGIN, END, 6)
            assert world.stored()[one]["SyncToken"] == "1"
