"""R23: whoever makes links looks for those who wait for them, at a price that does not grow with what else is linked."""

from common.state import awaiting
from common.state.awaiting import LinkMade
from common.state.pool import transaction
from tests.support.explained import Explained
from tests.support.writing import World

ROWS = 600


async def test_of_many_links_meets_nobody_elses(world: World) -> None:
    await world.store(*(world.command(f"{n}", f"m{n}@ex.org") for n in range(ROWS)))
    await world.settled(within=120)
    linked = await world.rows("select * from flow.pair where state = 'linked'")
    made = [LinkMade(row["left_account"], row["left_entity"], row["left_id"], row["right_account"]) for row in linked]
    assert len(made) == ROWS
    async with transaction(world.pool) as tx:
        explained = Explained(tx, runs=1)
        await awaiting.release(explained, made, world.clock.now())  # type: ignore[arg-type]
    (statement,) = explained.seen
    met = [node["Actual Rows"] * node["Actual Loops"] for node in statement.nodes()]
    assert max(met) <= 4 * ROWS, statement.plan
