"""Lines of ours in a text that people edit: rendered into what was just read, never appended (R26)."""

import asyncio

from tests.support.ledger.vendor.note import FENCE
from tests.support.ledger.world import LedgerWorld, line
from vendors.block import ours, people

NOTE = "P1/calls"


async def customer(world: LedgerWorld) -> None:
    await world.want(world.customer("c1"))
    await world.settled()


def types(world: LedgerWorld, text: str, **more: str) -> None:
    world.ledger.people({"org": world.place, "entity": "note", "id": NOTE, "text": text, **more})


class TestNote:
    async def test_gets_the_newest_lines_in_their_order(self, world: LedgerWorld) -> None:
        await world.want(world.customer("c1"), world.activity("c1", *(line(n) for n in (3, 1, 2))))
        await world.settled()
        assert list(ours(world.text(NOTE))) == ["e1", "e2", "e3"]

    async def test_keeps_what_people_have_typed_since(self, world: LedgerWorld) -> None:
        """R26: text and token come from one read, and never from what our tables know."""
        await customer(world)
        await world.want(world.activity("c1", line(1)))
        await world.settled()
        types(world, "called her", after="\u2022")
        types(world, "likes tea", at="start")
        await world.want(world.activity("c1", line(1), line(2)))
        await world.settled()
        assert people(world.text(NOTE), FENCE) == "likes tea\ncalled her"
        assert list(ours(world.text(NOTE))) == ["e1", "e2"]

    async def test_is_rendered_into_what_was_just_read(self, world: LedgerWorld) -> None:
        """R26: and never into what our tables know, which a person may have changed: no write is in vain."""
        await customer(world)
        await world.want(world.activity_of(NOTE, line(1)))
        await world.settled()
        types(world, "called her")
        await world.want(world.activity_of(NOTE, line(1), line(2)))
        await world.settled()
        assert list(ours(world.text(NOTE))) == ["e1", "e2"]
        assert people(world.text(NOTE), FENCE) == "called her"
        assert world.writes().count("note") == 2

    async def test_is_read_again_where_somebody_was_faster(self, world: LedgerWorld) -> None:
        await customer(world)
        world.ledger.faults({"kind": "slow", "entity": "note", "seconds": 0.5, "times": 1})
        await world.want(world.activity("c1", line(1)))
        async with world.running():
            await world.until(lambda: writing(world), "the text is on its way")
            types(world, "called her")
            await world.quiet()
        assert people(world.text(NOTE), FENCE) == "called her"
        assert list(ours(world.text(NOTE))) == ["e1"]

    async def test_costs_no_write_where_nothing_is_new(self, world: LedgerWorld) -> None:
        await customer(world)
        for _ in range(2):
            await world.want(world.activity("c1", line(1)))
            await world.settled()
        assert world.writes().count("note") == 1

    async def test_has_each_line_once_whatever_became_of_the_answer(self, world: LedgerWorld) -> None:
        await customer(world)
        for number, fault in enumerate(("ghost", "late", "lost", "broken"), start=1):
            world.ledger.faults({"kind": fault, "entity": "note", "seconds": 1.0, "times": 1})
            await world.want(world.activity("c1", *(line(n) for n in range(number))))
            types(world, f"word {number}")
            await world.settled()
        assert list(ours(world.text(NOTE))) == ["e0", "e1", "e2", "e3"]
        assert people(world.text(NOTE), FENCE).split("\n") == [f"word {number}" for number in range(1, 5)]

    async def test_of_many_parties_are_read_and_written_together(self, world: LedgerWorld) -> None:
        await world.want(*(world.customer(f"c{n}") for n in range(100)))
        await world.settled()
        before = len(world.ledger.calls())
        await world.want(*(world.activity(f"c{n}", line(n)) for n in range(100)))
        await world.settled()
        assert len(world.ledger.calls()) - before <= 8


async def writing(world: LedgerWorld) -> bool:
    await asyncio.sleep(0)
    return any(call["route"] == "write" and call["entity"] == "note" for call in world.ledger.calls())
