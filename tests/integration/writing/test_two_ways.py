"""A sync whose legs lead to different connections: each writer's turn takes what goes through its own, and gates hold back one way only."""

from __future__ import annotations

from datetime import timedelta

from common.contracts.ids import ConnectionId
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pool import transaction
from tests.support.writing import World
from vendors import mailchimp
from writing.queue import LIVE, Due, Queue, Turn


async def both_ways(world: World) -> None:
    """Another leg of `s1`, to the connection `other`."""
    await world.connect("other", mailchimp.VENDOR)
    await world.execute(
        """insert into core.leg (sync, name, direction, source_connection, source_entity, target_connection, target_entity, target_place)
           values ('s1', 'back', 'back', 'chimp', 'customer', 'other', 'member', 'l')"""
    )
    await world.want("1", "ana@ex.org")
    await world.want("1", "bo@ex.org", leg="back", source="chimp", target="other", place="l")


async def turns(world: World) -> tuple[Queue, Configuration, dict[ConnectionId, Due]]:
    queue = Queue(world.pool, world.clock, world.vendor.targets, timedelta(seconds=30))
    async with transaction(world.pool) as tx:
        configuration = await ConfigurationReader().read(tx)
    return queue, configuration, {one.connection: one for one in await queue.due(configuration)}


class TestTwoWays:
    async def test_a_turn_takes_what_goes_through_its_connection(self, world: World) -> None:
        await both_ways(world)
        queue, configuration, due = await turns(world)
        assert set(due) == {"chimp", "other"}
        for name, leg in (("chimp", "customer"), ("other", "back")):
            connection = configuration.connections[ConnectionId(name)]
            taken = await queue.claim(connection, due[connection.id], Turn(LIVE, 10))
            assert [(one.item.key.entity, one.item.connection) for one in taken] == [(leg, name)]

    async def test_a_closed_gate_holds_back_one_way_only(self, world: World) -> None:
        await both_ways(world)
        await world.execute("select core.set_gate('other', 'paused', null, now(), '', '')")
        assert set((await turns(world))[2]) == {"chimp"}
