"""The webhooks of a real audience with `sources.api` on: our own writes cost no look, and an edit among them is not lost."""

from collections import Counter
from typing import Any

import pytest

from common.contracts.messages import Lane
from common.contracts.topics import changes
from common.state.pool import transaction
from tests.integration.writing.test_consent import changed_at, told
from tests.support.audience_hook import AudienceHook, listening
from tests.support.statements import CountedPool
from tests.support.writing import World
from writing.target_events import TargetEventHandler

LOOK = "GET /lists/{list_id}/members/{subscriber_hash}"


async def everything_heard(hook: AudienceHook, count: int) -> bool:
    return len(hook.heard) >= count


async def steps(world: World) -> Counter[tuple[str, str]]:
    rows = await world.rows("select step, reason from flow.journal where entity = 'subscription'")
    return Counter((row["step"], row["reason"]) for row in rows)


class TestAStorm:
    @pytest.mark.parametrize("people", [200, pytest.param(2000, marks=pytest.mark.slow)])
    async def test_of_our_own_writes_costs_no_look(self, world: World, people: int) -> None:
        names = [f"m{n}@ex.org" for n in range(people)]
        async with listening(world) as hook, world.running(executors=2):
            await world.store(*(world.command(name, name, FNAME="A", lane=Lane.BACKFILL) for name in names))
            await world.quiet(within=120)
            await world.until(lambda: everything_heard(hook, people), "every create was told", within=120)
            world.advance(60)
            calls = len(world.writes())
            await world.store(*(world.command(name, name, FNAME="B") for name in names[:100]))
            await world.quiet(within=120)
            await world.until(lambda: everything_heard(hook, people + 100), "every update was told", within=60)
        assert world.routes().count(LOOK) == 0
        assert calls <= people // 500 + 8
        assert set(await steps(world)) == {("echo", "")}
        assert await world.rows("select from flow.target_record where doubtful") == []
        assert await world.rows("select from flow.target_event") == []
        assert await world.rows("select from flow.activity") == []
        assert await world.told() == world.applied()

    async def test_among_which_people_edit_is_put_right_with_a_look_for_each_edit(self, world: World) -> None:
        """Ten of a hundred put the name back that we had written before."""
        names = [f"m{n}@ex.org" for n in range(100)]
        async with listening(world, seed=7) as hook, world.running():
            for value in ("A", "B"):
                await world.store(*(world.command(name, name, FNAME=value) for name in names))
                await world.quiet(within=60)
                world.advance(30)
            await world.until(lambda: everything_heard(hook, 200), "every write was told", within=60)
            for name in names[:10]:
                world.person("profile", name, merge_fields={"FNAME": "A"})
            await world.until(lambda: everything_heard(hook, 210), "every edit was told", within=60)
        assert (await steps(world))["received", "edited"] >= 10
        assert len(await world.rows("select from flow.target_record where doubtful")) == 10
        async with world.running():
            await world.store(*(world.command(name, name, FNAME="B", LNAME="Lee") for name in names))
            await world.quiet(within=60)
        assert world.routes().count(LOOK) == 10
        assert {one["merge_fields"]["FNAME"] for one in world.audience().values()} == {"B"}
        assert await world.told() == world.applied()


class TestWhatStillComesOfOurOwn:
    async def test_is_recognised_a_batch_at_a_time_whatever_its_size(self, world: World) -> None:
        """Members that we archive are told to us as withdrawals by API."""
        handler = TargetEventHandler(
            changes("mailchimp"), "events", world.vendor.targets, world.clock, wake=lambda: None
        )
        counts = []
        # Once to warm up: what a connection learns of its types is asked once.
        for many in (2, 1, 100):
            names = [f"m{many}-{n}@ex.org" for n in range(many)]
            async with world.running():
                await world.store(*(world.command(name, name, FNAME="A") for name in names))
                await world.quiet(within=60)
                await world.store(*(world.command(name, how="archive") for name in names))
                await world.quiet(within=60)
            events = [told(world, name, at=changed_at(world, name), status="archived") for name in names]
            counted: Any = CountedPool(world.pool)
            async with transaction(counted) as tx:
                await handler.store(events, tx)
            counts.append(len(counted.statements))
        assert counts[1] == counts[2], counted.statements
        assert await steps(world) == {("echo", ""): 103}
