"""A record that needs another one waits for its link, without attempts and without being asked again (R23)."""

import asyncio

import pytest
from structlog.testing import capture_logs

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.state import awaiting
from common.state.pool import transaction
from tests.support.database import Database
from tests.support.ledger.by_hand import linked_by_hand
from tests.support.ledger.world import CUSTOMER, LedgerWorld, line
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

    async def test_of_a_parent_that_shares_another_s_record_take_that_record(self, world: LedgerWorld) -> None:
        """R13: two customers with one address are one party; whichever comes first."""
        await world.want(world.order("o1", "c2"), world.customer("c1", "shared@ex.org"))
        await world.settled("awaiting")
        await world.want(world.customer("c2", "shared@ex.org"))
        await world.settled()
        assert (await world.item("c2"))["reason"] == "shares_target"
        await world.want(world.order("o2", "c2"))
        await world.settled()
        assert {one["key"]: one["party"] for one in world.records("document")} == {"o1": "P1", "o2": "P1"}

    async def test_of_a_parent_that_shares_go_on_with_the_link_of_whoever_writes(self, world: LedgerWorld) -> None:
        await world.want(world.customer("c1", "shared@ex.org", name="refuse-me"), world.order("o2", "c2"))
        await world.settled("awaiting")
        await world.want(world.customer("c2", "shared@ex.org", name="refuse-me"))
        await world.settled("awaiting")
        await world.want(world.customer("c1", "shared@ex.org", name="Ida"))
        await world.settled("dead")
        assert [one["party"] for one in world.records("document")] == ["P1"]
        assert (await world.item("o2"))["message"] == ""

    async def test_of_a_leg_with_a_name_of_its_own(self, world: LedgerWorld) -> None:
        """What a command needs is named by the source: the leg that writes it may be called otherwise."""
        await world.execute("update core.leg set name = 'buyers' where name = 'customer'")
        buyers = Entity("buyers")
        await world.want(world.order("o1", "c1"))
        await world.settled("awaiting")
        await world.want(world.command(buyers, "c1", {"email": "c1@ex.org", "name": "refuse-me"}, of=CUSTOMER))
        await world.settled("awaiting")
        assert "which failed" in (await world.item("o1"))["message"]
        await world.want(world.order("o2", "c1"))
        await world.settled("awaiting")
        assert "which failed" in (await world.item("o2"))["message"]
        await world.want(world.command(buyers, "c1", {"email": "c1@ex.org"}, of=CUSTOMER))
        await world.settled()
        assert sorted(one["key"] for one in world.records("document")) == ["o1", "o2"]

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
        await linked_by_hand(world, database, "c1", made["record"]["id"])
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

    async def test_parent_and_child_are_wished_anew_while_the_parent_is_being_linked(self, world: LedgerWorld) -> None:
        """Whoever locks both does so in one order: a child that sorts before its parent is locked before it by the writer too."""
        await world.want(world.activity("c1"), world.customer("c1"))
        world.ledger.faults({"kind": "slow", "entity": "party", "seconds": 2.0})
        with capture_logs() as logs:
            async with world.running():
                await world.until(lambda: is_being_written(world), "the parent is being written")
                async with transaction(world.owner) as known:
                    await known.execute("select from flow.target_record where key = 'c1@ex.org' for update")
                    await world.until(lambda: waiting_for_a_lock(world, 1), "the answer is being stored")
                    again = asyncio.create_task(world.want(world.activity("c1", line(1)), world.customer("c1")))
                    await world.until(lambda: waiting_for_a_lock(world, 2), "the newer wishes are being stored")
                await again
                await world.quiet()
        assert [one for one in logs if one["event"] == "writer.result_not_stored"] == []
        assert "e1" in world.text("P1/calls")

    @pytest.mark.parametrize("executors", [1, 3])
    async def test_many_children_and_their_parents_at_once(self, world: LedgerWorld, executors: int) -> None:
        orders = [world.order(f"o{n}", f"c{n % 40}", children=[f"pay{n}"]) for n in range(120)]
        async with world.running(executors):
            await world.want(*orders)
            await world.want(*(world.customer(f"c{n}") for n in range(40)))
            await world.quiet()
        assert len(world.records("party")) == 40
        assert sorted(one["key"] for one in world.records("document")) == sorted(f"o{n}" for n in range(120))


async def was_planned(world: LedgerWorld, record: str) -> bool:
    """It was found to wait, or whoever plans it waits for who is just making the link."""
    return bool((await world.item(record))["state"] == "awaiting") or await waiting_for_a_lock(world, 1)


async def is_being_written(world: LedgerWorld) -> bool:
    return bool(await world.rows("select from flow.write_intent where target_key = 'c1@ex.org' and state = 'sent'"))


async def waiting_for_a_lock(world: LedgerWorld, count: int) -> bool:
    rows = await world.rows(
        "select distinct pid from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()"
    )
    return len(rows) >= count


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
