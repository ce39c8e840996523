"""R16 and R17: what the audience tells of our own writes and of other people's edits, in whatever order it comes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.writing.test_consent import SOON, changed_at, event_steps, hear, known, told
from tests.support.writing import World

LOOK = "GET /lists/{list_id}/members/{subscriber_hash}"


def merges(world: World, email: str) -> dict[str, Any]:
    return {f"merge.{tag}": value for tag, value in world.member(email)["merge_fields"].items() if tag != "ADDRESS"}


async def profile(world: World, email: str, **more: Any) -> None:
    """What the vendor tells of the member as it is now."""
    await hear(world, told(world, email, at=changed_at(world, email), custom=merges(world, email), **more))


async def reasons(world: World) -> list[tuple[str, str]]:
    rows = await world.rows("select step, reason from flow.journal where entity = 'subscription' order by id")
    return [(row["step"], row["reason"]) for row in rows]


async def written_twice(world: World) -> None:
    """First as a, then as c."""
    for name in ("a", "c"):
        await world.want("1", "ana@ex.org", FNAME=name)
        await world.settled()
        world.advance(60)


class TestTheWorker:
    async def test_is_woken_by_people_and_not_by_our_echoes(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        echo = told(world, "ana@ex.org", at=changed_at(world, "ana@ex.org"), custom=merges(world, "ana@ex.org"))
        assert not await hear(world, echo)
        assert await event_steps(world) == ["echo"]
        world.advance(60)
        assert await hear(world, told(world, "ana@ex.org", status="unsubscribed"))


class TestAPersonWhoPutsBackWhatWeWrote:
    async def test_is_no_echo_and_the_next_write_looks(self, world: World) -> None:
        await written_twice(world)
        world.person("profile", "ana@ex.org", merge_fields={"FNAME": "a"})
        await profile(world, "ana@ex.org")
        assert await reasons(world) == [("received", "edited")]
        assert (await known(world, "ana@ex.org"))["doubtful"]
        (row,) = await world.rows("select details from flow.journal where step = 'received'")
        assert row["details"]["fields"] == ["merge.FNAME"]
        await world.want("1", "ana@ex.org", FNAME="c", LNAME="Lee")
        await world.settled()
        assert [world.member("ana@ex.org")["merge_fields"][tag] for tag in ("FNAME", "LNAME")] == ["c", "Lee"]

    async def test_an_unsure_event_costs_one_look_and_no_write(self, world: World) -> None:
        await written_twice(world)
        stamp = changed_at(world, "ana@ex.org")
        for off in (0, 1):
            await hear(world, told(world, "ana@ex.org", at=stamp + timedelta(seconds=off), custom={"merge.FNAME": "a"}))
        before, calls = world.writes(), len(world.calls())
        await world.want("1", "ana@ex.org", FNAME="c", revision=3)
        await world.settled()
        assert (world.writes(), world.routes()[calls:]) == (before, [LOOK])

    async def test_in_the_second_of_our_write_of_another_field_is_not_swallowed(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a", LNAME="l")
        await world.settled()
        stamp = changed_at(world, "ana@ex.org")
        await hear(world, told(world, "ana@ex.org", at=stamp, custom={"merge.FNAME": "a", "merge.LNAME": "x"}))
        assert await reasons(world) == [("received", "edited")]

    async def test_an_edit_that_we_have_overwritten_is_journalled_and_costs_nothing(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        world.advance(60)
        edited = world.clock.now()
        world.advance(60)
        await world.want("1", "ana@ex.org", FNAME="c")
        await world.settled()
        await hear(world, told(world, "ana@ex.org", at=edited, custom={"merge.FNAME": "Queen"}))
        assert await reasons(world) == [("stale", "overwritten")]
        assert not (await known(world, "ana@ex.org"))["doubtful"]


class TestOurOwn:
    async def test_echoes_late_doubled_and_shuffled_are_known_by_their_stamps(self, world: World) -> None:
        events = []
        for name in ("a", "b", "c"):
            await world.want("1", "ana@ex.org", FNAME=name)
            await world.settled()
            at = changed_at(world, "ana@ex.org")
            events.append(told(world, "ana@ex.org", at=at, custom=merges(world, "ana@ex.org")))
            world.advance(60)
        world.advance(70 * 60)
        for event in (events[2], events[0], events[1], events[0], events[2]):
            await hear(world, event)
        assert await event_steps(world) == ["echo"] * 5
        assert not (await known(world, "ana@ex.org"))["doubtful"]

    async def test_the_stamp_of_the_answer_is_kept_with_the_intent(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a", tags=["t"])
        await world.settled()
        await world.want("1", "ana@ex.org", FNAME="b", tags=["t", "u"])
        await world.settled()
        rows = await world.rows("select action, applied_stamp from flow.write_intent order by sent_at")
        stamps = {row["action"]: row["applied_stamp"] for row in rows}
        assert stamps["update"] == changed_at(world, "ana@ex.org")
        assert stamps["create"] is not None

    async def test_an_archive_told_after_its_return_in_the_same_second_is_looked_at(self, world: World) -> None:
        """Stamps are cut to seconds, so nobody can tell which of the two was last: ours is not taken for somebody else's for good."""
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        await world.want("1", how="archive")
        await world.settled()
        await world.want("1", "ana@ex.org", FNAME="b")
        await world.settled()
        await hear(world, told(world, "ana@ex.org", at=changed_at(world, "ana@ex.org"), status="archived"))
        assert await reasons(world) == [("received", "edited")]
        before, calls = world.writes(), len(world.calls())
        await world.settled()
        row = await known(world, "ana@ex.org")
        assert (world.writes(), world.routes()[calls:]) == (before, [LOOK])
        assert (row["standing"], row["doubtful"]) == ("subscribed", False)
        await world.want("1", "ana@ex.org", FNAME="c")
        await world.settled()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "c"

    async def test_an_archive_by_somebody_else_in_the_second_of_our_return_stays(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        await world.want("1", how="archive")
        await world.settled()
        await world.want("1", "ana@ex.org", FNAME="b")
        await world.settled()
        returned = changed_at(world, "ana@ex.org")
        world.person("archive", "ana@ex.org")
        await hear(world, told(world, "ana@ex.org", at=returned, status="archived"))
        before = world.writes()
        await world.settled()
        await world.want("1", "ana@ex.org", FNAME="c")
        await world.settled()
        assert (world.writes(), world.member("ana@ex.org")["status"]) == (before, "archived")

    async def test_a_storm_of_them_costs_no_look(self, world: World) -> None:
        people = [f"m{n}@ex.org" for n in range(60)]
        world.holds("POST /lists/{id}")
        await world.store(*(world.command(email, email, FNAME="A") for email in people))
        async with world.running():
            await world.until(lambda: in_flight(world), "the call is under way")
            # Half of the echoes come before the answer, and all of them twice.
            soon, custom = world.clock.now() + SOON, {"merge.FNAME": "A"}
            early = [told(world, email, at=soon, status="subscribed", custom=custom) for email in people[::2]]
            await hear(world, *early, *early)
            assert await event_steps(world) == []
            world.answers_at(soon)
            await world.quiet()
        for email in people:
            await profile(world, email, status="subscribed")
        assert await world.rows("select from flow.target_record where doubtful") == []
        assert await world.rows("select from flow.target_event") == []
        await world.store(*(world.command(email, email, FNAME="B") for email in people))
        await world.settled()
        assert LOOK not in world.routes()
        assert set(await event_steps(world)) == {"echo"}


class TestWhileAWriteIsInFlight:
    async def test_an_edit_is_kept_and_judged_after_the_answer(self, world: World) -> None:
        """The answer of our write must not bury it."""
        await world.want("1", "ana@ex.org", FNAME="a", LNAME="l")
        await world.settled()
        world.advance(60)
        world.holds("PATCH *")
        await world.want("1", "ana@ex.org", FNAME="b", LNAME="l")
        async with world.running():
            await world.until(lambda: in_flight(world), "the call is under way")
            await hear(world, told(world, "ana@ex.org", custom={"merge.FNAME": "a", "merge.LNAME": "Queen"}))
            assert await event_steps(world) == []
            world.answers()
            await world.quiet()
        assert await reasons(world) == [("received", "edited")]
        assert (await known(world, "ana@ex.org"))["doubtful"]

    async def test_the_echo_of_an_update_is_no_edit(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        world.advance(60)
        world.holds("PATCH *")
        await world.want("1", "ana@ex.org", FNAME="b")
        async with world.running():
            await world.until(lambda: in_flight(world), "the call is under way")
            soon = world.clock.now() + SOON
            await hear(world, told(world, "ana@ex.org", at=soon, custom={"merge.FNAME": "b"}))
            world.answers_at(soon)
            await world.quiet()
        assert await event_steps(world) == ["echo"]
        assert not (await known(world, "ana@ex.org"))["doubtful"]

    async def test_the_next_step_of_the_same_turn_looks_first_where_somebody_edited(self, world: World) -> None:
        await world.want("old", "ana@ex.org", FNAME="a")
        await world.settled()
        world.advance(60)
        for route in ("POST /lists/{id}", "PATCH *"):
            world.holds(route)
        await world.want("old", "ana@ex.org", FNAME="b", tags=["t"])
        async with world.running():
            await world.until(lambda: in_flight(world), "the call is under way")
            later = world.clock.now() + timedelta(seconds=30)
            await hear(world, told(world, "ana@ex.org", at=later, custom={"merge.FNAME": "Queen"}))
            world.answers()
            await world.quiet()
        assert LOOK in world.routes()

    async def test_a_withdrawal_is_taken_at_once(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        world.holds("PATCH *")
        await world.want("1", "ana@ex.org", FNAME="b")
        async with world.running():
            await world.until(lambda: in_flight(world), "the call is under way")
            await hear(world, told(world, "ana@ex.org", status="unsubscribed"))
            assert (await known(world, "ana@ex.org"))["standing"] == "unsubscribed"
            world.answers()
            await world.quiet()
        assert await event_steps(world) == ["consent"]

    async def test_our_own_archive_is_not_taken_for_somebody_elses(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        world.advance(60)
        world.holds("DELETE *")
        await world.want("1", how="archive")
        async with world.running():
            await world.until(lambda: in_flight(world), "the call is under way")
            await hear(world, told(world, "ana@ex.org", status="archived"))
            world.answers()
            await world.quiet()
        assert await event_steps(world) == ["echo"]
        assert (await known(world, "ana@ex.org"))["former"] == "subscribed"

    async def test_what_is_told_of_a_held_record_waits_for_its_look(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        world.advance(60)
        world.fault("reset_after", "PATCH *", count=1)
        await world.want("1", "ana@ex.org", FNAME="b")
        async with world.running():
            await world.until(lambda: held(world), "the row is held")
            await profile(world, "ana@ex.org")
            await asyncio.sleep(0.5)
            assert await event_steps(world) == []
            world.advance(301)
            await world.quiet()
        assert await event_steps(world) == ["echo"]
        assert await world.told() == world.applied()

    async def test_a_move_is_judged_after_it_too(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="a")
        await world.settled()
        world.advance(60)
        world.holds("PATCH *")
        await world.want("1", "ana@ex.org", FNAME="b")
        async with world.running():
            await world.until(lambda: in_flight(world), "the call is under way")
            await hear(world, told(world, "queen@ex.org", previous_email="ana@ex.org"))
            assert await event_steps(world) == []
            world.answers()
            await world.until(lambda: judged(world), "it is judged")
        assert await reasons(world) == [("consent", "moved")]

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    async def test_two_of_them_are_judged_the_oldest_first(self, world: World, order: tuple[int, int]) -> None:
        world.holds("POST /lists/{id}")
        await world.want("1", "ana@ex.org", FNAME="a")
        async with world.running():
            await world.until(lambda: in_flight(world), "the call is under way")
            soon = world.clock.now() + SOON
            events = [
                told(world, "ana@ex.org", at=soon, status="subscribed", custom={"merge.FNAME": "a"}),
                told(world, "ana@ex.org", at=soon + timedelta(seconds=40), custom={"merge.FNAME": "Queen"}),
            ]
            for n in order:
                await hear(world, events[n])
            world.answers_at(soon)
            await world.quiet()
        assert await reasons(world) == [("echo", ""), ("received", "edited")]


async def in_flight(world: World) -> bool:
    return bool(await world.rows("select from flow.write_intent where state = 'sent'"))


async def held(world: World) -> bool:
    return bool(await world.rows("select from flow.work_item where state = 'hold'"))


async def judged(world: World) -> bool:
    return bool(await world.rows("select from flow.journal where entity = 'subscription'"))
