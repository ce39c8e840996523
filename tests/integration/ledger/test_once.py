"""A document and its children are one work item, made once, whatever comes in between (R23 to R25)."""

from typing import Any

import pytest

from tests.support.ledger.judge import Order, Wished, problems
from tests.support.ledger.world import LedgerWorld


@pytest.fixture(params=["keyed", "plain"])
def world_of(request: pytest.FixtureRequest, world: LedgerWorld) -> LedgerWorld:
    """With keys that are refused a second time, and without."""
    world.place = request.param
    return world


async def customer(world: LedgerWorld) -> None:
    await world.want(world.customer("c1"))
    await world.settled()


def changes(world: LedgerWorld, entity: str = "document") -> list[dict[str, Any]]:
    return [one for one in world.ledger.changes(world.place) if one["entity"] == entity]


def ops(world: LedgerWorld) -> list[str]:
    return [one["op"] for one in changes(world)]


def finds(world: LedgerWorld) -> int:
    return sum(call["route"] == "find" and call["entity"] == "document" for call in world.ledger.calls())


def wished(*orders: Order) -> Wished:
    return Wished({"c1@ex.org": {}}, orders)


class TestDocument:
    async def test_is_drafted_posted_and_paid_in_one_go(self, world_of: LedgerWorld) -> None:
        world = world_of
        await world.want(world.customer("c1"), world.order("o1", "c1", children=["pay1"]))
        await world.settled()
        assert ops(world) == ["create", "post", "add"]
        assert problems(world.ledger.state(), world.place, wished(Order("o1", "c1@ex.org", children=("pay1",)))) == []

    async def test_again_and_again_is_the_same_document(self, world_of: LedgerWorld) -> None:
        world = world_of
        await customer(world)
        for _ in range(3):
            await world.want(world.order("o1", "c1", children=["pay1"]))
            await world.settled()
        assert ops(world) == ["create", "post", "add"]

    async def test_children_are_a_set_that_may_shrink(self, world_of: LedgerWorld) -> None:
        world = world_of
        await customer(world)
        await world.want(world.order("o1", "c1", children=["pay1", "pay2"]))
        await world.settled()
        await world.want(world.order("o1", "c1", children=["pay2", "pay3"]))
        await world.settled()
        told = problems(world.ledger.state(), world.place, wished(Order("o1", "c1@ex.org", children=("pay2", "pay3"))))
        assert told == []

    async def test_shares_no_child_with_another_that_is_being_written(self, world: LedgerWorld) -> None:
        """R23: one lease covers the keys of the whole tree."""
        await customer(world)
        world.ledger.faults({"kind": "lost", "entity": "document", "times": 1})
        await world.want(world.order("o1", "c1", children=["pay1"]))
        async with world.running():
            await world.until(lambda: is_held(world, "o1"), "the create is open")
            world.ledger.faults()
            await world.want(world.order("o2", "c1", children=["pay1"]))
            await world.until(lambda: is_refused(world, "o2"), "the other one waits")
            assert ops(world) == []
            await world.quiet()
        assert ops(world).count("create") == 2

    async def test_children_leave_before_it_is_void(self, world_of: LedgerWorld) -> None:
        world = world_of
        await customer(world)
        await world.want(world.order("o1", "c1", children=["pay1"]))
        await world.settled()
        await world.want(world.order("o1", "c1", void=True))
        await world.settled()
        assert ops(world) == ["create", "post", "add", "drop", "void"]

    async def test_cancelled_before_it_was_made_is_never_made(self, world_of: LedgerWorld) -> None:
        world = world_of
        await customer(world)
        await world.want(world.order("o1", "c1", void=True))
        await world.settled()
        assert ops(world) == []


class TestCreate:
    @pytest.mark.parametrize("fault", ["ghost", "late", "lost", "broken", "failed"])
    async def test_happens_once_whatever_became_of_its_answer(self, world_of: LedgerWorld, fault: str) -> None:
        world = world_of
        await customer(world)
        world.ledger.arrange(world.place, lag_s=0.8)
        world.ledger.faults({"kind": fault, "entity": "document", "times": 1, "seconds": 1.0})
        await world.want(world.order("o1", "c1", children=["pay1"]))
        await world.settled()
        assert sorted(ops(world)) == ["add", "create", "post"]

    async def test_is_not_looked_for_before_a_read_shows_it(self, world: LedgerWorld) -> None:
        """R24: after a whole 500 nothing is on its way, and still a look-up may not show what was made."""
        world.place = "plain"
        await customer(world)
        world.ledger.arrange("plain", lag_s=3.0)
        world.ledger.faults({"kind": "broken", "entity": "document", "times": 1})
        await world.want(world.order("o1", "c1"))
        await world.settled()
        assert ops(world) == ["create", "post"]

    async def test_of_a_key_that_is_taken_is_not_looked_for_before_a_read_shows_it(self, world: LedgerWorld) -> None:
        """R24: the refusal says that it is there; a look-up says so later."""
        await customer(world)
        world.ledger.arrange("keyed", lag_s=3.0)
        ghost = {"op": "create", "fields": {"party": "P1", "key": "o1", "lines": [{"amount": "10.00"}]}}
        await world.want(world.order("o1", "c1"))
        world.ledger.write("keyed", "document", [ghost])
        before = finds(world)
        await world.settled()
        assert ops(world) == ["create", "post"]
        assert finds(world) - before <= 2, "one for the refusal, one before the act (R25)"

    async def test_is_repeated_with_its_first_body_and_newer_content_follows(self, world: LedgerWorld) -> None:
        await customer(world)
        world.ledger.faults({"kind": "lost", "entity": "document", "times": 1})
        await world.want(world.order("o1", "c1", total="10.00"))
        async with world.running():
            await world.until(lambda: is_held(world, "o1"), "the create is open")
            await world.want(world.order("o1", "c1", total="12.00"))
            await world.quiet()
        assert [(one["op"], one["record"]["total"]) for one in changes(world)] == [
            ("create", "10.00"), ("update", "12.00"), ("post", "12.00"),
        ]  # fmt: skip
        assert (await world.item("o1"))["first_body"] is None

    async def test_a_first_body_that_was_refused_is_not_repeated(self, world: LedgerWorld) -> None:
        await customer(world)
        await world.want(world.order("o1", "c1", total="10.00", lines=["4.00", "6.00"]))
        refused = world.order("o2", "c1", total="10.00").message
        document = refused.document | {"lines": [{"amount": "10.00", "text": "refuse-me"}]}
        await world.want(world.command(refused.entity, "o2", document, needs=["c1"]))
        await world.settled()
        assert (await world.item("o2"))["state"] == "dead"
        await world.want(world.order("o2", "c1", total="11.00"))
        await world.settled()
        assert sorted(one["total"] for one in world.records("document")) == ["10.00", "11.00"]

    async def test_that_is_open_is_settled_before_the_wish_is_considered(self, world_of: LedgerWorld) -> None:
        """R24: cancelled while nobody knew, and the ghost does not stay."""
        world = world_of
        await customer(world)
        world.ledger.faults({"kind": "ghost", "entity": "document", "times": 1})
        await world.want(world.order("o1", "c1"))
        async with world.running():
            await world.until(lambda: is_held(world, "o1"), "the create is open")
            await world.want(world.order("o1", "c1", void=True))
            await world.quiet()
        assert [one["status"] for one in world.records("document")] == ["void"]


class TestActs:
    async def test_on_a_document_that_was_not_just_written_read_it_first(self, world_of: LedgerWorld) -> None:
        """R25: what a person has changed in a draft is a question, and stays."""
        world = world_of
        world.ledger.arrange(world.place, rounding="0.01")
        await customer(world)
        await world.want(world.order("o1", "c1", total="10.00"))
        await world.settled()
        assert (await world.item("o1"))["code"] == "LEDGER_SUM_DIFFERS"
        hers = [{"amount": "7.00"}]
        world.ledger.people({"org": world.place, "entity": "document", "id": "D1", "set": {"lines": hers}})
        await world.want(world.order("o1", "c1", total="12.00"))
        await world.settled()
        assert (await world.item("o1"))["code"] == "LEDGER_EDITED"
        assert [one["lines"] for one in world.records("document")] == [hers]

    async def test_post_nothing_before_two_sums_agree(self, world: LedgerWorld) -> None:
        await customer(world)
        world.ledger.arrange("keyed", rounding="0.01")
        await world.want(world.order("o1", "c1"), world.order("o2", "c1", total="10.00", lines=["4.00", "5.00"]))
        await world.settled()
        assert {(await world.item(one))["code"] for one in ("o1", "o2")} == {"LEDGER_SUM_DIFFERS"}
        assert ops(world) == ["create"]

    @pytest.mark.parametrize("fault", ["half", "late"])
    async def test_on_many_at_once_happen_once_each(self, world_of: LedgerWorld, fault: str) -> None:
        world = world_of
        await world.want(*(world.customer(f"c{n}") for n in range(20)))
        await world.settled()
        world.ledger.arrange(world.place, lag_s=0.5)
        world.ledger.faults({"kind": fault, "entity": "document", "share": 0.3, "seconds": 0.8, "seed": 3, "times": 6})
        await world.want(*(world.order(f"o{n}", f"c{n % 20}", children=[f"pay{n}"]) for n in range(60)))
        await world.settled(executors=2, within=120)
        wanted = Wished(
            {f"c{n}@ex.org": {} for n in range(20)},
            [Order(f"o{n}", f"c{n % 20}@ex.org", {"status": "posted"}, (f"pay{n}",)) for n in range(60)],
        )
        assert problems(world.ledger.state(), world.place, wanted) == []


async def is_held(world: LedgerWorld, record: str) -> bool:
    return bool((await world.item(record))["state"] == "hold")


async def is_refused(world: LedgerWorld, record: str) -> bool:
    """It was looked at, and a key of its tree was somebody's."""
    return bool((await world.item(record))["state"] in ("waiting", "done"))
