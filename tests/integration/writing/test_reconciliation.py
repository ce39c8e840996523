"""Both sides compared: what is not as it shall be is found exactly, repaired by the ordinary road under a cap, and asked about above it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from common import failpoints
from common.contracts.ids import Entity, SyncId
from common.state import reconciliations
from common.state.pool import transaction
from common.state.reconciliations import LegKey
from tests.support.writing import LIST, World
from vendors.mailchimp.members import subscriber_hash
from writing.reconciler import Reconciler

LEG = LegKey(SyncId("s1"), Entity("customer"))
LISTED = "GET /lists/{list_id}/members"
SETTLED_S = 10.0
FAULT = '{"type": "x", "title": "Internal Server Error", "status": 500, "detail": "x", "instance": "i"}'


def email(number: int) -> str:
    return f"p{number}@ex.org"


async def synced(world: World, many: int) -> None:
    """So many members that are as they shall be, written a while ago."""
    commands = [world.command(str(n), email(n), FNAME=f"N{n}", LNAME="L") for n in range(many)]
    for at in range(0, many, 500):
        await world.store(*commands[at : at + 500])
    await world.settled(within=120)
    world.advance(SETTLED_S)


def altered(world: World, numbers: Sequence[int], **merge: str) -> None:
    """Somebody edits members at the vendor, and no webhook tells of it."""
    for number in numbers:
        edit(world, number, merge_fields=merge)


def edit(world: World, number: int, **body: Any) -> None:
    answer = world.call("PATCH", f"/lists/{LIST}/members/{subscriber_hash(email(number))}", json=body)
    assert answer.status_code == 200, answer.text


@asynccontextmanager
async def process(world: World) -> AsyncIterator[Reconciler]:
    door = world.door()
    try:
        yield Reconciler(world.vendor, world.pool, door, world.clock, asyncio.Event())
    finally:
        await door.aclose()


async def ask(world: World, *, repair: bool = False) -> None:
    async with transaction(world.pool) as tx:
        await reconciliations.ask(tx, [LEG], "ada", world.clock.now(), repair=repair)


async def reconciled(world: World, *, repair: bool = False) -> dict[str, Any]:
    """Asked for, compared, and what was handed over is written: what people are shown then."""
    await ask(world, repair=repair)
    await worked(world)
    return await shown(world)


async def worked(world: World) -> None:
    async with process(world) as reconciler:
        while await reconciler.step():
            pass
    await world.settled(within=60)


async def shown(world: World) -> dict[str, Any]:
    async with transaction(world.pool) as tx:
        (found,) = [one for one in await reconciliations.shown(tx, LEG.sync) if one["leg"] == LEG.entity]
    return {**found, **found["result"]}


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in ("records", "drifted", "missing", "superfluous", "repaired"))


class TestAnAccountThatIsAsItShallBe:
    async def test_costs_a_list_call_a_thousand_and_no_write(self, world: World) -> None:
        await synced(world, 1200)
        before = len(world.calls())
        found = await reconciled(world)
        assert (counts(found), found["state"], found["fields"], found["calls"]) == (
            (1200, 0, 0, 0, 0),
            "resting",
            {},
            2,
        )
        assert world.routes()[before:] == [LISTED, LISTED]

    async def test_consent_that_was_withdrawn_is_no_drift(self, world: World) -> None:
        await synced(world, 3)
        world.person("unsubscribe", email(0))
        world.person("unsubscribe", email(1))
        world.advance(SETTLED_S)
        before = len(world.writes())
        assert counts(await reconciled(world)) == (3, 0, 0, 0, 0)
        assert (len(world.writes()), world.status(email(0))) == (before, "unsubscribed")

    async def test_what_others_added_is_none_of_ours(self, world: World) -> None:
        await synced(world, 2)
        world.person("subscribe", "stranger@ex.org", merge_fields={"FNAME": "X"})
        world.advance(SETTLED_S)
        assert counts(await reconciled(world)) == (2, 0, 0, 0, 0)


class TestMembersAlteredBehindOurBack:
    async def test_exactly_they_are_found_and_repaired_and_nothing_is_left_for_the_next(self, world: World) -> None:
        """37 of 3 800, which is under a hundredth."""
        await synced(world, 3800)
        numbers = range(5, 3700, 100)
        assert len(numbers) == 37
        altered(world, numbers, FNAME="Queen")
        edit(world, 5, merge_fields={"LNAME": "Bee"})
        world.advance(SETTLED_S)
        before = len(world.writes())
        first = await reconciled(world)
        assert (counts(first), first["state"]) == ((3800, 37, 0, 0, 37), "resting")
        assert first["fields"] == {"merge.FNAME": 37, "merge.LNAME": 1}
        assert len(world.writes()) == before + 37
        assert {world.member(email(n))["merge_fields"]["FNAME"] for n in numbers} == {f"N{n}" for n in numbers}
        world.advance(SETTLED_S)
        second = await reconciled(world)
        assert (counts(second), len(world.writes())) == ((3800, 0, 0, 0, 0), before + 37)
        assert await world.told() == world.applied()

    async def test_more_than_the_cap_is_a_question_that_a_person_answers(self, world: World) -> None:
        await synced(world, 150)
        altered(world, range(3), FNAME="Queen")
        world.advance(SETTLED_S)
        before = len(world.writes())
        asked = await reconciled(world)
        assert (counts(asked), asked["state"], asked["cap"]) == ((150, 3, 0, 0, 0), "asked", 2)
        assert len(world.writes()) == before
        answered = await reconciled(world, repair=True)
        assert (counts(answered), answered["state"]) == ((150, 3, 0, 0, 3), "resting")
        assert len(world.writes()) == before + 3
        # The answer held for that question.
        altered(world, range(3), FNAME="King")
        world.advance(SETTLED_S)
        assert (await reconciled(world))["state"] == "asked"

    async def test_a_person_may_say_so_beforehand(self, world: World) -> None:
        await synced(world, 20)
        altered(world, range(5), FNAME="Queen")
        world.advance(SETTLED_S)
        assert counts(await reconciled(world, repair=True)) == (20, 5, 0, 0, 5)

    async def test_a_repair_raises_no_consent(self, world: World) -> None:
        await synced(world, 2)
        world.person("unsubscribe", email(0))
        edit(world, 0, merge_fields={"FNAME": "Queen"})
        world.advance(SETTLED_S)
        assert counts(await reconciled(world)) == (2, 1, 0, 0, 1)
        member = world.member(email(0))
        assert (member["status"], member["merge_fields"]["FNAME"]) == ("unsubscribed", "N0")

    async def test_a_tag_of_ours_that_was_taken_is_given_again(self, world: World) -> None:
        await world.want("1", email(1), tags=["gold"])
        await world.settled()
        world.call(
            "POST",
            f"/lists/{LIST}/members/{subscriber_hash(email(1))}/tags",
            json={"tags": [{"name": "gold", "status": "inactive"}]},
        )
        world.advance(SETTLED_S)
        found = await reconciled(world)
        assert (counts(found), found["fields"], world.tags(email(1))) == ((1, 1, 0, 0, 1), {"tags": 1}, ["gold"])


class TestMembersThatAreNotThere:
    async def test_one_that_was_taken_away_is_missing_once_and_not_made_again(self, world: World) -> None:
        await synced(world, 3)
        world.call("POST", f"/lists/{LIST}/members/{subscriber_hash(email(0))}/actions/delete-permanent")
        world.advance(SETTLED_S)
        found = await reconciled(world)
        assert (counts(found), found["left_alone"], world.status(email(0))) == ((3, 0, 1, 0, 0), 1, "none")
        world.advance(SETTLED_S)
        assert counts(await reconciled(world)) == (2, 0, 0, 0, 0)

    async def test_one_that_we_archived_and_somebody_brought_back_is_told_and_left(self, world: World) -> None:
        await synced(world, 2)
        await world.want("0", how="archive")
        await world.settled()
        world.person("subscribe", email(0))
        world.advance(SETTLED_S)
        before = len(world.writes())
        found = await reconciled(world)
        assert (counts(found), found["state"]) == ((1, 0, 0, 1, 0), "resting")
        assert (len(world.writes()), world.status(email(0))) == (before, "subscribed")


class TestWhatChangesMeanwhile:
    async def test_at_the_vendor_is_no_drift(self, world: World) -> None:
        await synced(world, 3)
        await ask(world)
        world.holds(LISTED)
        async with process(world) as reconciler:
            comparing = asyncio.create_task(reconciler.step())
            await world.until(lambda: _state(world, "listing"), "the listing has begun")
            world.advance(2)
            altered(world, [1], FNAME="Queen")
            world.answers()
            await comparing
        found = await shown(world)
        assert (found["drifted"], found["moved"], found["records"]) == (0, 1, 2)

    async def test_by_our_own_writes_is_no_drift(self, world: World) -> None:
        await synced(world, 3)
        altered(world, [1], FNAME="Queen")
        await world.want("1", email(1), FNAME="New", LNAME="L")
        await world.settled()
        found = await reconciled(world)
        assert (found["drifted"], found["moved"], found["records"]) == (0, 1, 2)


class TestACrash:
    @pytest.mark.parametrize("point", ["reconciler.after_page", "reconciler.after_repair"])
    async def test_goes_on_where_it_was_and_finds_the_same(self, world: World, point: str) -> None:
        await synced(world, 2100)
        altered(world, range(0, 2100, 105), FNAME="Queen")
        world.advance(SETTLED_S)
        await ask(world)
        before = world.routes().count(LISTED)
        async with process(world) as dying:
            with failpoints.armed(f"{point}=raise:RuntimeError@1"), pytest.raises(RuntimeError):
                await dying.step()
        async with process(world) as early:
            assert not await early.step()
        await world.execute("update flow.reconciliation set lease_until = now() - interval '1 second'")
        await worked(world)
        found = await shown(world)
        assert (counts(found), found["state"]) == ((2100, 20, 0, 0, 20), "resting")
        assert world.routes().count(LISTED) - before <= 4

    async def test_a_vendor_that_is_away_is_waited_for(self, world: World) -> None:
        await synced(world, 3)
        world.fault("status", LISTED, status=500, body=FAULT, count=1)
        await ask(world)
        async with process(world) as reconciler:
            assert await reconciler.step()
        found = await shown(world)
        assert found["state"] == "listing" and found["words"]
        world.advance(120)
        await worked(world)
        assert counts(await shown(world)) == (3, 0, 0, 0, 0)

    async def test_a_database_that_takes_nothing_is_waited_for_like_a_vendor(self, world: World) -> None:
        """As soon as it takes something again, and not until a lease has run out that nobody gives back."""
        await synced(world, 3)
        await ask(world)
        async with process(world) as reconciler:
            with failpoints.armed("reconciler.after_page=raise:ConnectionError@1"), pytest.raises(ConnectionError):
                await reconciler.step()
            assert not await reconciler.step()
        found = await shown(world)
        assert found["state"] == "listing" and "database" in found["words"]
        world.advance(120)
        await worked(world)
        assert counts(await shown(world)) == (3, 0, 0, 0, 0)


class TestTheNight:
    async def test_every_leg_is_compared_at_three_where_the_account_is(self, world: World) -> None:
        await world.execute(
            """update core.connection set details = details || '{"time_zone": "Asia/Kolkata"}' where id = 'books'"""
        )
        await world.execute("update core.config_rev set revision = revision + 1")
        async with process(world) as reconciler:
            assert not await reconciler.step()
            rows = await world.rows(
                "select sync, due_at at time zone 'Asia/Kolkata' as here from flow.reconciliation order by sync"
            )
            assert [(row["sync"], row["here"].hour) for row in rows] == [("s1", 3), ("s2", 3), ("strict", 3)]
            world.advance(86400)
            assert [await reconciler.step() for _ in range(4)] == [True, True, True, False]
        assert (await shown(world))["began_by"] == "schedule"

    async def test_a_sync_that_rests_is_not_compared(self, world: World) -> None:
        await ask(world)
        await world.execute("update core.sync set state = 'paused'")
        async with process(world) as reconciler:
            assert not await reconciler.step()


async def _state(world: World, wanted: str) -> bool:
    return (await shown(world))["state"] == wanted
