"""Changes of a run of many wait for company, once, and fill the vendor's calls; few, and what is live, wait for nobody."""

from __future__ import annotations

from collections.abc import Iterable

from common.contracts.ids import ConnectionId, Entity, RunId, SyncId
from common.contracts.messages import Lane
from common.state import polls, run_ends, runs
from common.state.polls import Polled
from common.state.pool import transaction
from common.state.run_ends import Listed
from common.state.runs import Entering, LineKey, Run
from tests.integration.writing.test_company import patience
from tests.integration.writing.test_deferred import CHANGE, HAND_IN, LEAST, MEMBER, MOST, RAN, many
from tests.support.writing import World
from writing.items import BEHIND_LIVE, IN_FRONT, PRIORITY
from writing.queue import LIVE, Turn

RUN = RunId("s1.poll.7")
SOURCE = Polled(ConnectionId("books"), Entity("customer"), "")


async def begun(world: World) -> None:
    """A run that reads."""
    async with transaction(world.owner) as tx:
        await runs.begin(tx, [Run(RUN, SyncId("s1"), "poll")], world.clock.now())
        await run_ends.will_read(tx, [RUN], [SOURCE])


async def read(world: World, records: int) -> None:
    """It has read all that there is."""
    async with transaction(world.owner) as tx:
        await polls.want(tx, [SOURCE], world.clock.now())
        await run_ends.has_read(tx, Listed(SOURCE, "t", {}, {RUN: records}), world.clock.now())


async def want(world: World, numbers: Iterable[int], name: str = "B", lane: Lane = Lane.LIVE) -> None:
    """As the mapper lets them in, and the intake stores them."""
    its = [world.command(str(n), f"m{n}@ex.org", lane=lane, FNAME=name) for n in numbers]
    for one in its:
        one.message = one.message.model_copy(update={"run": RUN})
    keys = [LineKey(c.message.sync, c.message.entity, c.message.record, c.message.revision) for c in its]
    async with transaction(world.pool) as tx:
        await runs.enter(tx, [Entering(RUN, key) for key in keys], world.clock.now())
    await world.store(*its)


async def waits(world: World, count: int) -> bool:
    """So many do, behind what is live: nobody holds them, and nothing has been tried."""
    query = "select from flow.work_item where state = 'ready' and priority = $1 and lane = 'live' and token is null and attempts = 0"
    return len(await world.rows(query, BEHIND_LIVE)) == count


async def priorities(world: World) -> set[int]:
    return {row["priority"] for row in await world.rows("select distinct priority from flow.work_item")}


class TestARunOfMany:
    async def test_what_is_left_of_it_goes_with_the_others(self, world: World) -> None:
        its = await many(world, MOST + 20)
        await begun(world)
        await read(world, its.count)
        await want(world, range(its.count))
        await world.settled(within=60)
        assert its.names() == {"B": its.count}
        assert its.writes() == {HAND_IN: 2, RAN: its.count}
        await its.all_is_told()

    async def test_what_comes_when_the_others_have_ended_goes_as_they_went(self, world: World) -> None:
        its = await many(world, LEAST + 20)
        await begun(world)
        await read(world, its.count)
        await want(world, range(LEAST))
        with patience(1):
            async with world.running():
                await world.until(lambda: _ended(world, LEAST), "most of it has ended", within=60)
                await want(world, range(LEAST, its.count))
                await world.quiet(within=60)
        assert its.writes() == {HAND_IN: 2, RAN: its.count}
        await its.all_is_told()

    async def test_that_has_ended_takes_nothing_along_that_is_written_once_more(self, world: World) -> None:
        its = await many(world, LEAST)
        await begun(world)
        await read(world, its.count)
        await want(world, range(its.count))
        await world.settled(within=60)
        again = "update flow.work_item set state = 'ready', document = document || '{\"merge.FNAME\": \"C\"}' where record = '1'"
        await world.execute(again)
        await world.settled()
        assert its.writes() == {HAND_IN: 1, RAN: its.count, CHANGE: 1}

    async def test_gathers_while_it_is_read(self, world: World) -> None:
        its = await many(world, LEAST + 50)
        await begun(world)
        with patience(60):
            async with world.running():
                for at in range(0, its.count, 50):
                    await want(world, range(at, at + 50))
                    await world.until(lambda at=at: waits(world, at + 50), "they gather")  # type: ignore[misc]
                await read(world, its.count)
                await world.quiet(within=60)
        assert its.writes() == {HAND_IN: 1, RAN: its.count}
        await its.all_is_told()

    async def test_gathers_while_more_of_it_is_on_its_way(self, world: World) -> None:
        """It was read, and the mapper has not judged all of it."""
        its = await many(world, LEAST + 50)
        await begun(world)
        await read(world, its.count)
        with patience(60):
            async with world.running():
                await want(world, range(10))
                await world.until(lambda: waits(world, 10), "they gather")
                await want(world, range(10, its.count))
                await world.quiet(within=60)
        assert its.writes() == {HAND_IN: 1, RAN: its.count}

    async def test_fills_its_calls_also_where_it_comes_by_tens(self, world: World) -> None:
        """Until the last that is being planned is here as well."""
        its = await many(world, MOST + 100)
        await begun(world)
        await read(world, its.count)
        with patience(60):
            async with world.running():
                for at in range(0, its.count, 40):
                    await want(world, range(at, at + 40))
                await world.quiet(within=60)
        assert its.writes() == {HAND_IN: 2, RAN: its.count}
        await its.all_is_told()

    async def test_does_not_wait_for_those_that_never_come(self, world: World) -> None:
        its = await many(world, 20)
        await begun(world)
        await read(world, LEAST + 20)
        await want(world, range(its.count))
        with patience(1):
            await world.settled(within=60)
        assert its.writes() == {HAND_IN: 1, RAN: its.count}

    async def test_of_a_whole_account_has_waited_before_it_was_planned(self, world: World) -> None:
        its = await many(world, LEAST + 20)
        await begun(world)
        await read(world, its.count + 1)
        await want(world, range(its.count), lane=Lane.BACKFILL)
        with patience(1):
            await world.settled(within=60)
        assert its.writes() == {HAND_IN: 1, RAN: its.count}
        assert await priorities(world) == {PRIORITY[Lane.BACKFILL]}

    async def test_holds_nothing_up_that_is_live(self, world: World) -> None:
        its = await many(world, 20)
        await begun(world)
        await want(world, range(1, its.count))
        with patience(60):
            async with world.running():
                await world.until(lambda: waits(world, its.count - 1), "they gather")
                await world.want("0", "m0@ex.org", FNAME="C")
                await world.until(lambda: _is(world, "0", "done"), "it is written")
                assert its.writes() == {CHANGE: 1}
                await read(world, its.count - 1)
                await world.quiet(within=60)

    async def test_lets_one_go_at_once_that_is_edited_meanwhile(self, world: World) -> None:
        its = await many(world, 20)
        await begun(world)
        await want(world, range(its.count))
        with patience(60):
            async with world.running():
                await world.until(lambda: waits(world, its.count), "they gather")
                await world.want("7", "m7@ex.org", FNAME="C")
                await world.until(lambda: _is(world, "7", "done"), "it is written")
                assert its.writes() == {CHANGE: 1}
                assert await waits(world, its.count - 1)
                await read(world, its.count)
                await world.quiet(within=60)
        assert its.names() == {"B": its.count - 1, "C": 1}

    async def test_of_which_one_is_edited_while_it_is_planned_leaves_that_one_in_front(self, world: World) -> None:
        await many(world, 2)
        await begun(world)
        await want(world, range(2))
        door = world.door()
        worker = world.writer(door).worker
        try:
            configuration = await worker._read()
            (due,) = await worker._parts.queue.due(configuration)
            rows = await worker._parts.queue.claim(configuration.connections[due.connection], due, Turn(LIVE, 500))
            await world.want("1", "m1@ex.org", FNAME="C")
            (executor,) = worker._parts.executors.values()
            await executor._endings.give_back(rows, BEHIND_LIVE)
        finally:
            await door.aclose()
        items = [await world.item(record) for record in ("0", "1")]
        assert [(one["state"], one["priority"]) for one in items] == [("ready", BEHIND_LIVE), ("ready", IN_FRONT)]


class TestARunOfFew:
    async def test_waits_for_nobody(self, world: World) -> None:
        its = await many(world, 20)
        await begun(world)
        await read(world, its.count)
        world.holds(f"PATCH *{MEMBER.partition('{')[0]}*")
        await want(world, range(its.count))
        async with world.running():
            await world.until(lambda: _leased(world, its.count), "all of them are under way")
            assert await waits(world, 0)
            world.answers()
            await world.quiet()
        assert its.writes() == {CHANGE: its.count}

    async def test_goes_one_by_one_where_its_reading_takes_long(self, world: World) -> None:
        its = await many(world, 20)
        await begun(world)
        await want(world, range(its.count))
        with patience(1):
            await world.settled(within=60)
        assert its.writes() == {CHANGE: its.count}
        await its.all_is_told()


async def _is(world: World, record: str, state: str) -> bool:
    return bool((await world.item(record))["state"] == state)


async def _ended(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.run_record where run = $1 and outcome = 'updated'", RUN)) == count


async def _leased(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.work_item where state = 'leased'")) == count
