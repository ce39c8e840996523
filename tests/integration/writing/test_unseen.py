"""Outcomes that nobody saw, of members that a person changed before we looked: the journal tells of every write that was applied."""

from typing import Any

import pytest

from tests.integration.writing.test_consent import hear, told
from tests.support.writing import World
from vendors.mailchimp.limits import HORIZON

H = HORIZON.total_seconds()


async def unseen(world: World, route: str, wish: dict[str, Any], *acts: tuple[str, dict[str, Any]]) -> None:
    """A wish whose answer is lost, what people do then, and the look after the horizon."""
    world.fault("reset_after", route, count=1)
    await world.want("1", **wish)
    async with world.running():
        await world.until(lambda: _held(world), "the row is held")
        world.advance(20)
        for action, more in acts:
            world.person(action, "ana@ex.org", **more)
        world.advance(H + 1)
        await world.quiet()


class TestWhatAPersonChangedBeforeWeLooked:
    async def test_a_create_whose_member_was_edited_is_ours(self, world: World) -> None:
        edit = ("profile", {"merge_fields": {"FNAME": "Queen", "LNAME": "Bee"}})
        await unseen(world, "POST /lists/{id}", {"email": "ana@ex.org", "FNAME": "Ana", "LNAME": "Lee"}, edit)
        assert [row["reason"] for row in await world.journal("1", "settled")] == ["applied"]
        assert (await world.item("1"))["outcome"] == "added"
        assert await world.told() == world.applied()

    async def test_a_create_whose_member_left_is_ours_and_stays_out(self, world: World) -> None:
        await unseen(world, "POST /lists/{id}", {"email": "ana@ex.org", "FNAME": "Ana"}, ("unsubscribe", {}))
        assert world.status("ana@ex.org") == "unsubscribed"
        assert await world.told() == world.applied()

    async def test_a_create_that_never_came_has_not_made_who_signed_up(self, world: World) -> None:
        world.fault("reset_before", "POST /lists/{id}", count=1)
        await world.want("1", "ana@ex.org", FNAME="Ana")
        async with world.running():
            await world.until(lambda: _held(world), "the row is held")
            world.person("subscribe", "ana@ex.org", merge_fields={"FNAME": "Ana"})
            world.advance(H + 1)
            await world.quiet()
        assert [row["reason"] for row in await world.journal("1", "settled")] == ["not_seen"]
        assert await world.told() == world.applied()

    async def test_an_update_one_field_of_which_was_edited_is_ours(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="A", LNAME="L")
        await world.settled()
        edit = ("profile", {"merge_fields": {"FNAME": "Queen"}})
        await unseen(world, "PATCH *", {"email": "ana@ex.org", "FNAME": "Ana", "LNAME": "Lee"}, edit)
        assert [row["reason"] for row in await world.journal("1", "settled")] == ["applied"]
        assert await world.told() == world.applied()

    @pytest.mark.parametrize("acts", [(), (("profile", {"merge_fields": {"FNAME": "Queen"}}),), (("unsubscribe", {}),)])
    async def test_a_return_is_ours_whatever_was_done_to_the_member_then(self, world: World, acts: Any) -> None:
        await world.want("1", "ana@ex.org", FNAME="A")
        await world.settled()
        await world.want("1", how="archive")
        await world.settled()
        await unseen(world, "PATCH *", {"email": "ana@ex.org", "FNAME": "Ana"}, *acts)
        assert [row["reason"] for row in await world.journal("1", "settled")] == ["applied"]
        assert await world.told() == world.applied()


class TestWhatAPersonDidWhileOurCallWasToDoIt:
    async def test_a_withdrawal_is_taken_for_ours_and_told_as_seen(self, world: World) -> None:
        """Nobody can tell the two apart (docs/architecture.md): the journal says that a look has shown it."""
        await world.want("2", "old@ex.org")
        await world.want("1", "old@ex.org")
        await world.settled()
        await world.want("1", "new@ex.org")
        await world.settled()
        applied = world.applied()
        world.fault("reset_before", "PATCH *", count=1)
        world.person("unsubscribe", "old@ex.org")
        await hear(world, told(world, "old@ex.org", status="unsubscribed"))
        async with world.running():
            await world.until(lambda: _held(world), "the row is held")
            world.person("unsubscribe", "new@ex.org")
            world.advance(H + 1)
            await world.quiet()
        (row,) = [one for one in await world.journal("1", "applied") if one["details"]["action"] == "withdraw"]
        assert row["reason"] == "seen"
        assert (world.status("new@ex.org"), world.applied()) == ("unsubscribed", applied)


async def _held(world: World) -> bool:
    return bool((await world.item("1"))["state"] == "hold")
