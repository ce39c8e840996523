"""Which lane the calls of a record stand in: a look stands in that of what it is for."""

from __future__ import annotations

import pytest

from common.contracts.ids import Entity
from common.contracts.messages import Lane
from common.state.pool import transaction
from tests.support.writing import LIST, World
from vendors.mailchimp.limits import HORIZON
from writing import target_records
from writing.items import TargetKey

LOOK = "GET /lists/{list_id}/members/{subscriber_hash}"
WRITE = "PATCH /lists/{list_id}/members/{subscriber_hash}"
ANA = "ana@ex.org"


class LanesSince:
    """Those of the calls from now on, by route."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before = len(world.routes()), len(world.places.lanes)

    def of(self, route: str) -> list[str]:
        routes, lanes = self._world.routes()[self._before[0] :], self._world.places.lanes[self._before[1] :]
        return [lane for called, lane in zip(routes, lanes, strict=True) if called == route]


@pytest.fixture
async def there(world: World) -> World:
    """With a member that is as it shall be."""
    await world.want("1", ANA, FNAME="A")
    await world.settled()
    return world


async def doubt(world: World) -> None:
    """Somebody may have changed it."""
    (row,) = await world.rows("select account, place, target_entity, key from flow.target_record where key = $1", ANA)
    assert row["place"] == LIST
    key = TargetKey(row["account"], LIST, Entity(row["target_entity"]), ANA)
    async with transaction(world.pool) as tx:
        await target_records.doubt(tx, world.vendor.targets[key.entity], key, world.clock.now())


@pytest.mark.parametrize("lane", [Lane.BACKFILL, Lane.REPLAY, Lane.LIVE])
class TestALook:
    async def test_before_a_write_stands_where_the_write_does(self, there: World, lane: Lane) -> None:
        await doubt(there)
        since = LanesSince(there)
        await there.want("1", ANA, FNAME="B", lane=lane)
        await there.settled()

        assert (since.of(LOOK), since.of(WRITE)) == ([lane.value], [lane.value])

    async def test_at_what_nobody_saw_the_end_of_too(self, there: World, lane: Lane) -> None:
        there.fault("reset_before", WRITE, count=1)
        since = LanesSince(there)
        await there.want("1", ANA, FNAME="B", lane=lane)
        async with there.running():
            await there.until(lambda: held(there), "the row is held")
            there.advance(HORIZON.total_seconds() + 1)
            await there.quiet()

        assert since.of(LOOK) == [lane.value]


async def held(world: World) -> bool:
    return bool((await world.item("1"))["state"] == "hold")
