"""A sync that is switched off owns nothing any more; one that is resumed owns what it owned."""

import asyncio

import pytest

from tests.support.writing import World
from vendors import mailchimp
from writing.switching import Switching


async def switch(world: World, sync: str, state: str, on_disable: str = "keep") -> None:
    await world.execute("update core.sync set state = $2, on_disable = $3 where id = $1", sync, state, on_disable)


async def at_rest(world: World, sync: str, standing: str) -> None:
    """Until all that the sync owns stands so, and nothing waits in the other syncs."""

    async def so() -> bool:
        rows = await world.rows("select from flow.target_owner where sync = $1 and standing <> $2", sync, standing)
        busy = await world.rows(
            "select from flow.work_item w join core.sync s on s.id = w.sync where s.state = 'active' and w.state <> 'done'"
        )
        return not rows and not busy

    async with world.running():
        await world.until(so, f"{sync} is {standing}")


def name(world: World) -> str:
    return str(world.member("ana@ex.org")["merge_fields"]["FNAME"])


async def shared(world: World) -> None:
    await world.want("1", "ana@ex.org", sync="s1", FNAME="One")
    await world.want("1", "ana@ex.org", sync="s2", FNAME="Two")
    await world.settled()
    assert name(world) == "One"


class TestSwitchedOff:
    async def test_falls_to_another_who_shares_it_at_once(self, world: World) -> None:
        await shared(world)
        await switch(world, "s1", "disabled")
        await at_rest(world, "s1", "ended")
        assert (name(world), world.status("ana@ex.org")) == ("Two", "subscribed")
        await world.want("1", how="archive", sync="s2")
        await world.settled()
        assert world.status("ana@ex.org") == "archived"

    async def test_stays_as_it_is(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="One")
        await world.settled()
        calls = len(world.calls())
        await switch(world, "s1", "disabled")
        await at_rest(world, "s1", "ended")
        assert (len(world.calls()), world.status("ana@ex.org")) == (calls, "subscribed")

    async def test_or_is_archived_where_nobody_shares_it(self, world: World) -> None:
        await shared(world)
        await world.want("2", "bob@ex.org", sync="s1")
        await world.want("3", keep="invalid_email", sync="s1")
        await world.settled()
        await switch(world, "s1", "disabled", "archive")
        await at_rest(world, "s1", "left")
        assert (world.status("ana@ex.org"), world.status("bob@ex.org"), name(world)) == (
            "subscribed",
            "archived",
            "Two",
        )
        item = await world.item("2")
        assert (item["outcome"], item["reason"]) == ("skipped", "sync_disabled")
        assert await world.told() == world.applied()

    async def test_ends_what_is_in_flight_first(self, world: World) -> None:
        world.fault("reset_after", "POST /lists/{id}", count=1)
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.quiet("hold")
        await switch(world, "s1", "disabled")
        assert await Switching(world.pool, world.clock, mailchimp.VENDOR.name).step() == 0
        world.advance(3600)
        async with world.running():
            await world.until(lambda: ended(world), "the ownership has ended")
        assert not await world.rows("select from flow.write_intent where state = 'sent'")

    async def test_thousands_go_in_bounded_steps(self, world: World) -> None:
        await world.execute(
            """insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version,
                                           target_entity, target_key, lane, priority, happened_at, state, due_at, received_at, changed_at)
               select s.sync, 'customer', n::text, 'books', 'chimp', s.target_place, 1, 'present', '{}', 1, 'member', 'm' || n || '@ex.org', 'live', 0,
                      now(), 'done', now(), now(), now() from core.leg s, generate_series(1, 2000) as n where s.sync in ('s1', 's2')"""
        )
        await world.execute(
            """insert into flow.target_owner (account, place, target_entity, key, source_account, sync, entity, record, standing, since)
               select connection, place, target_entity, target_key, source, sync, entity, record, 'live', now() from flow.work_item"""
        )
        await switch(world, "s1", "disabled")
        # Two writers at once, as two replicas are.
        both = [Switching(world.pool, world.clock, mailchimp.VENDOR.name) for _ in range(2)]
        moved = await asyncio.gather(*(drained(one) for one in both))
        assert max(max(steps, default=0) for steps in moved) <= 500
        (left,) = await world.rows(
            "select count(*) as n from flow.target_owner where sync = 's1' and standing = 'ended'"
        )
        (woken,) = await world.rows("select count(*) as n from flow.work_item where sync = 's2' and state = 'ready'")
        assert (left["n"], woken["n"]) == (2000, 2000)


class TestResumed:
    async def test_owns_what_it_owned(self, world: World) -> None:
        await shared(world)
        await switch(world, "s1", "disabled")
        await at_rest(world, "s1", "ended")
        await switch(world, "s1", "active")
        await at_rest(world, "s1", "live")
        assert name(world) == "One"
        await world.want("1", how="archive", sync="s2")
        await world.settled()
        assert world.status("ana@ex.org") == "subscribed"

    @pytest.mark.parametrize(("action", "status"), [("", "subscribed"), ("unsubscribe", "unsubscribed")])
    async def test_brings_back_what_was_archived_as_it_was(self, world: World, action: str, status: str) -> None:
        await world.want("1", "ana@ex.org", FNAME="One")
        await world.settled()
        if action:
            world.person(action, "ana@ex.org")
        await switch(world, "s1", "disabled", "archive")
        await at_rest(world, "s1", "left")
        assert world.status("ana@ex.org") == "archived"
        await switch(world, "s1", "active")
        await at_rest(world, "s1", "live")
        assert world.status("ana@ex.org") == status

    async def test_knows_what_was_said_meanwhile(self, world: World) -> None:
        await world.want("1", "old@ex.org")
        await world.settled()
        world.person("unsubscribe", "old@ex.org")
        await switch(world, "s1", "disabled")
        await at_rest(world, "s1", "ended")
        await switch(world, "s1", "active")
        await world.want("1", "new@ex.org")
        async with world.running():
            await world.until(lambda: archived(world), "the old address is left")
            await world.quiet()
        assert world.status("new@ex.org") == "unsubscribed"


async def drained(switching: Switching) -> list[int]:
    steps = []
    while moved := await switching.step():
        steps.append(moved)
    return steps


async def ended(world: World) -> bool:
    return bool(await world.rows("select from flow.target_owner where standing = 'ended'"))


async def archived(world: World) -> bool:
    return world.status("old@ex.org") == "archived"
