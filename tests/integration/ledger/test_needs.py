"""A record that needs another one waits for its link, without attempts and without being asked again (R23)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from common.contracts.ids import RecordId
from common.contracts.messages import RecordRef
from common.state import awaiting
from common.state.pool import Pool, close_pool, open_pool, transaction
from console.state.links import LinkRow
from console.use_cases.links import Links
from tests.support.database import Database
from tests.support.ledger.world import CUSTOMER, LedgerWorld
from tests.support.pace import SEVERAL_SWEEPS_S
from writing import needs


async def state_of(world: LedgerWorld, record: str) -> tuple[str, int]:
    item = await world.item(record)
    return item["state"], item["attempts"]


class TestNeeds:
    async def test_wait_without_attempts_until_the_parent_is_linked(self, world: LedgerWorld) -> None:
        await world.want(world.order("o1", "c1"), world.activity("c1"))
        await world.settled("awaiting")
        assert await state_of(world, "o1") == ("awaiting", 0)
        assert (await world.item("o1"))["message"] == "Waits for customer c1."
        assert world.writes() == []
        await world.want(world.customer("c1"))
        await world.settled()
        (document,) = world.records("document")
        assert document["party"] == "P1"
        assert await state_of(world, "o1") == ("done", 0)
        assert await world.rows("select from flow.work_need") == []

    async def test_are_opened_in_the_transaction_that_makes_the_link(self, world: LedgerWorld) -> None:
        """Whoever looks, at whatever moment, sees no record wait for one that is linked."""
        await world.want(*(world.order(f"o{n}", f"c{n}") for n in range(30)))
        await world.settled("awaiting")
        await world.want(*(world.customer(f"c{n}") for n in range(30)))
        async with world.running():
            while await world.rows("select from flow.work_item where state = 'awaiting' limit 1"):
                assert await world.rows(_WAITS_FOR_A_LINK) == []
            await world.quiet()

    async def test_that_are_linked_already_are_not_waited_for(self, world: LedgerWorld) -> None:
        await world.want(world.customer("c1"))
        await world.settled()
        await world.want(world.order("o1", "c1"))
        await world.settled()
        assert await world.journal("o1", "waiting") == []

    async def test_are_not_asked_for_again_and_again(self, world: LedgerWorld) -> None:
        await world.want(*(world.order(f"o{n}", "c1") for n in range(200)))
        await world.settled("awaiting")
        before = await world.rows("select record, changed_at, state from flow.work_item order by record")
        async with world.running(executors=2):
            await asyncio.sleep(SEVERAL_SWEEPS_S)
        assert await world.rows("select record, changed_at, state from flow.work_item order by record") == before

    async def test_name_a_parent_that_failed_in_words(self, world: LedgerWorld) -> None:
        await world.want(world.order("o1", "c1"))
        await world.settled("awaiting")
        await world.want(world.customer("c1", name="refuse-me"), world.order("o2", "c1"))
        await world.settled("awaiting")
        for order in ("o1", "o2"):
            said = (await world.item(order))["message"]
            assert said.startswith("Waits for customer c1, which failed: The ledger refused a value of the record."), (
                said
            )
        (told,) = [row for row in await world.journal("o1", "waiting") if "which failed" in row["words"]]
        assert told["reason"] == "WAITS_FOR_RECORD"

    async def test_go_on_when_the_parent_is_mended(self, world: LedgerWorld) -> None:
        await world.want(world.customer("c1", name="refuse-me"), world.order("o1", "c1"))
        await world.settled("awaiting")
        await world.want(world.customer("c1", name="Ida"))
        await world.settled()
        assert (await world.item("o1"))["message"] == ""
        assert len(world.records("document")) == 1

    async def test_name_a_parent_that_is_skipped(self, world: LedgerWorld) -> None:
        await world.want(world.command(CUSTOMER, "c1", {}, wish="absent", skip="filtered"), world.order("o1", "c1"))
        await world.settled("awaiting")
        assert (await world.item("o1"))["message"] == "Waits for customer c1, which is skipped: filtered"

    async def test_let_a_newer_wish_through(self, world: LedgerWorld) -> None:
        await world.want(world.order("o1", "c1", total="10.00"))
        await world.settled("awaiting")
        await world.want(world.order("o1", "c1", total="12.00"))
        await world.want(world.customer("c1"))
        await world.settled()
        assert [one["total"] for one in world.records("document")] == ["12.00"]

    async def test_are_released_although_their_commands_were_read_again(self, world: LedgerWorld) -> None:
        """R7: a crash between the intake's commit and its offsets repeats the batch, while its records wait already."""
        batch = [world.order("o1", "c1"), world.activity("c1")]
        await world.want(*batch)
        await world.settled("awaiting")
        await world.want(*batch)
        assert len(await world.rows("select from flow.work_need")) == 2
        await world.want(world.customer("c1"))
        await world.settled()
        assert len(world.records("document")) == 1

    async def test_of_two_parents_wait_for_both(self, world: LedgerWorld) -> None:
        both = world.order("o1", "c1").message
        second = RecordRef(entity=CUSTOMER, record=RecordId("c2"))
        wish = world.command(both.entity, "o1", both.document, needs=["c1", second.record])
        await world.want(wish)
        await world.settled("awaiting")
        await world.want(world.customer("c2"))
        await world.settled("awaiting")
        assert await state_of(world, "o1") == ("awaiting", 0)
        await world.want(world.customer("c1"))
        await world.settled()

    async def test_go_on_when_a_person_makes_the_link(self, world: LedgerWorld, database: Database) -> None:
        (made,) = world.ledger.write(world.place, "party", [{"op": "create", "fields": {"email": "other@ex.org"}}])
        await world.want(world.order("o1", "c1"))
        await world.settled("awaiting")
        wanted = LinkRow(
            line=1, left_account="shop", left_place="", left_entity="customer", left_id="c1", left_key="", right_account="ledger",
            right_place=world.place, right_entity="party", right_id=made["record"]["id"], right_key="other@ex.org", state="linked",
            rule="by hand", since=None,
        )  # fmt: skip
        async with open_pool_of(database) as pool:
            await Links(pool, world.clock).add(wanted, "eva", "the same person", dry_run=False)
        await world.settled()
        assert [one["party"] for one in world.records("document")] == [made["record"]["id"]]

    async def test_a_link_that_is_just_being_made_is_not_missed(self, world: LedgerWorld) -> None:
        """Who finds it missing waits for who is just making it."""
        await world.want(world.order("o1", "c1"))
        async with world.running():
            async with transaction(world.pool) as making:
                await awaiting.together(making, ["ledger:ledger"])
                (made,) = world.ledger.write(world.place, "party", [{"op": "create", "fields": {"email": "c1@ex.org"}}])
                await making.execute(_LINK, world.place, made["record"]["id"])
                await world.until(lambda: was_planned(world, "o1"), "the order is planned")
            await world.quiet()
        assert len(world.records("document")) == 1

    @pytest.mark.parametrize("executors", [1, 3])
    async def test_many_children_and_their_parents_at_once(self, world: LedgerWorld, executors: int) -> None:
        orders = [world.order(f"o{n}", f"c{n % 40}", children=[f"pay{n}"]) for n in range(120)]
        async with world.running(executors):
            await world.want(*orders)
            await world.want(*(world.customer(f"c{n}") for n in range(40)))
            await world.quiet()
        assert len(world.records("party")) == 40
        assert sorted(one["key"] for one in world.records("document")) == sorted(f"o{n}" for n in range(120))


@asynccontextmanager
async def open_pool_of(database: Database) -> AsyncIterator[Pool]:
    """As the console has it."""
    pool = await open_pool(database.url("console"), name="console", size=2)
    yield pool
    await close_pool(pool)


async def was_planned(world: LedgerWorld, record: str) -> bool:
    """Taken a while ago: whatever it finds out, it has found out, or waits to."""
    item = await world.item(record)
    await asyncio.sleep(0.5)
    return bool(item["state"] in ("leased", "awaiting"))


def test_words_name_the_record() -> None:
    ref = (CUSTOMER, RecordId("123"))
    assert needs.words(*ref) == "Waits for customer 123."
    assert (
        needs.words(*ref, needs.how_it_ended("parked", "failed", "X", "gone"))
        == "Waits for customer 123, which failed: gone"
    )
    assert needs.how_it_ended("ready", "", "", "") == ""


_WAITS_FOR_A_LINK = """
select w.record from flow.work_item w join flow.work_need n using (sync, entity, record)
  join flow.pair p on (p.left_entity, p.left_id) = (n.need_entity, n.need_record) and p.state = 'linked'
 where w.state = 'awaiting'
"""

_LINK = """
insert into flow.pair (left_account, left_entity, left_id, right_account, right_place, right_entity, right_key, right_id, state, since, changed_at)
values ('shop:shop', 'customer', 'c1', 'ledger:ledger', $1, 'party', 'c1@ex.org', $2, 'linked', now(), now())
"""
