"""Who has left an address follows its last no, however we learn of it: at once, and never only because a record is read again."""

from tests.integration.writing.test_consent import hear, told
from tests.support.writing import World

ALL = "update flow.work_item set state = 'ready', due_at = $1"


async def read_again(world: World) -> list[str]:
    """Whole topics are read again: every row is planned once more. What was written then."""
    before = len(world.writes())
    await world.execute(ALL, world.clock.now())
    await world.settled()
    return world.writes()[before:]


async def moved(world: World, record: str = "1") -> None:
    """A customer who was made a member under another address than its first."""
    await world.want(record, "old@ex.org")
    await world.settled()
    await world.want(record, "new@ex.org")


class TestARecordThatHasMoved:
    async def test_follows_the_no_that_somebody_else_brings_to_its_old_address(self, world: World) -> None:
        """The one who had left comes to an address whose member we had archived, and brings it back as what he allowed."""
        await world.want("2", "left@ex.org")
        await moved(world)
        await world.settled()
        world.person("cleaned", "left@ex.org")
        await hear(world, told(world, "left@ex.org", status="cleaned"))
        await world.want("2", "old@ex.org")
        await world.settled()
        assert (world.status("old@ex.org"), world.status("new@ex.org")) == ("unsubscribed", "unsubscribed")
        # The echo of our own write says no once more.
        await hear(world, told(world, "old@ex.org", status="unsubscribed"))
        await world.settled()
        assert await read_again(world) == []
        assert await world.told() == world.applied()
        assert [row["state"] for row in await world.rows("select state from flow.work_item")] == ["done", "done"]

    async def test_follows_a_no_that_a_look_for_somebody_else_has_shown(self, world: World) -> None:
        await world.want("2", "old@ex.org")
        await moved(world)
        await world.settled()
        world.advance(60)
        world.person("unsubscribe", "old@ex.org")
        # Somebody edited it, so the next write of the one who lives there looks first.
        await hear(world, told(world, "old@ex.org", custom={"merge.FNAME": "Queen"}))
        await world.want("2", "old@ex.org", FNAME="Two")
        await world.settled()
        assert (world.status("old@ex.org"), world.status("new@ex.org")) == ("unsubscribed", "unsubscribed")
        assert await read_again(world) == []

    async def test_follows_a_no_that_the_look_after_a_hold_has_shown(self, world: World) -> None:
        await world.want("2", "old@ex.org")
        await moved(world)
        await world.settled()
        world.fault("reset_before", "PATCH /lists/{list_id}/members/{subscriber_hash}", count=1)
        await world.want("2", "old@ex.org", FNAME="Two")
        await world.settled("hold")
        world.person("unsubscribe", "old@ex.org")
        world.advance(world.vendor.profile.horizon.total_seconds() + 1)
        await world.settled()
        assert (world.status("old@ex.org"), world.status("new@ex.org")) == ("unsubscribed", "unsubscribed")
        assert await read_again(world) == []

    async def test_is_not_planned_twice_for_what_its_own_plan_has_seen(self, world: World) -> None:
        await moved(world)
        world.person("unsubscribe", "old@ex.org")
        await world.settled()
        assert world.status("new@ex.org") == "unsubscribed"
        assert [row["step"] for row in await world.rows("select step from flow.journal where step = 'unchanged'")] == []
