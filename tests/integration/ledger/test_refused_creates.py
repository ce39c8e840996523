"""A create that the vendor has refused is over: its record is no pair, and people may make one."""

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
