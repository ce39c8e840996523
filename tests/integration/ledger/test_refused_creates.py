"""A create that the vendor has refused, or that is given up, is over: its record is no pair, and people may make one."""

from common.retries import ATTEMPTS
from tests.support.database import Database
from tests.support.ledger.by_hand import linked_by_hand
from tests.support.ledger.world import LedgerWorld


async def pairs(world: LedgerWorld) -> list[tuple[str, list[str]]]:
    rows = await world.rows("select state, history from flow.pair where left_id = 'c1' order by id")
    return [(row["state"], [one["what"] for one in row["history"]]) for row in rows]


class TestARefusedCreate:
    async def test_leaves_no_pair_behind_and_reserves_again(self, world: LedgerWorld) -> None:
        await world.want(world.customer("c1", name="refuse-me"))
        await world.settled()
        assert await pairs(world) == [("unlinked", ["reserved", "refused"])]
        await world.want(world.customer("c1", name="Ida"))
        await world.settled()
        assert await pairs(world) == [("linked", ["reserved", "refused", "reserved", "linked"])]

    async def test_does_not_stand_in_the_way_of_a_link_by_hand(self, world: LedgerWorld, database: Database) -> None:
        (made,) = world.ledger.write(world.place, "party", [{"op": "create", "fields": {"email": "other@ex.org"}}])
        await world.want(world.customer("c1", name="refuse-me"), world.order("o1", "c1"))
        await world.settled("awaiting")
        await linked_by_hand(world, database, "c1", made["record"]["id"])
        await world.settled()
        assert [one["party"] for one in world.records("document")] == [made["record"]["id"]]

    async def test_of_a_new_key_leaves_the_pair_with_what_is_there(self, world: LedgerWorld) -> None:
        """The record has not left its former key: nobody may take it for unlinked."""
        await world.want(world.customer("c1"))
        await world.settled()
        await world.want(world.customer("c1", "new@ex.org", name="refuse-me"))
        await world.settled()
        assert await pairs(world) == [("reserved", ["reserved", "linked", "moved"])]


async def until_held(world: LedgerWorld) -> None:
    async def held() -> bool:
        return bool(await world.rows("select from flow.work_item where state = 'hold'"))

    async with world.running():
        await world.until(held, "nothing is held")


async def parked(world: LedgerWorld) -> None:
    """A create that was lost as often as the schedule allows."""
    world.ledger.faults({"kind": "lost", "entity": "party"})
    await world.want(world.customer("c1"))
    await until_held(world)
    await world.execute("update flow.work_item set attempts = $1", ATTEMPTS)
    await world.time_passes()
    await world.settled()
    assert (await world.item("c1"))["state"] == "parked"
    world.ledger.faults()


class TestACreateThatIsGivenUp:
    async def test_is_no_pair_until_somebody_has_it_tried_again(self, world: LedgerWorld) -> None:
        await parked(world)
        assert await pairs(world) == [("unlinked", ["reserved", "given_up"])]
        await world.execute("update flow.work_item set state = 'ready', attempts = 0")
        await world.settled()
        assert await pairs(world) == [("linked", ["reserved", "given_up", "reserved", "linked"])]
        assert len(world.records("party")) == 1

    async def test_does_not_stand_in_the_way_of_a_link_by_hand(self, world: LedgerWorld, database: Database) -> None:
        (made,) = world.ledger.write(world.place, "party", [{"op": "create", "fields": {"email": "other@ex.org"}}])
        await parked(world)
        await world.want(world.order("o1", "c1"))
        await linked_by_hand(world, database, "c1", made["record"]["id"])
        await world.settled()
        assert [one["party"] for one in world.records("document")] == [made["record"]["id"]]

    async def test_because_its_executors_end_is_no_pair_either(self, world: LedgerWorld) -> None:
        world.ledger.faults({"kind": "lost", "entity": "party", "times": 1})
        await world.want(world.customer("c1"))
        await until_held(world)
        await world.time_passes()
        await world.execute("update flow.write_intent set state = 'settled', closed_at = now()")
        await world.execute(
            """update flow.work_item set state = 'leased', token = gen_random_uuid(), lease_until = now() - interval '1 minute',
                      hold_until = null, attempts = $1""",
            ATTEMPTS,
        )
        await world.settled()
        assert (await world.item("c1"))["state"] == "parked"
        assert await pairs(world) == [("unlinked", ["reserved", "given_up"])]
