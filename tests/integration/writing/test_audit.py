"""R4: what the late look finds is put right, whoever lives there, and a look that fails ends."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from common.failures import Failure
from tests.support.pace import SEVERAL_SWEEPS_S
from tests.support.writing import World
from vendors import mailchimp
from vendors.mailchimp.limits import HORIZON
from vendors.mailchimp.target import MailchimpTarget
from vendors.target_record import TargetRecord

H = HORIZON.total_seconds()
LOOK = "GET /lists/{list_id}/members/{subscriber_hash}"
HOURS = 5 * 3600
FAULT = '{"type": "x", "title": "Internal Server Error", "status": 500, "detail": "x", "instance": "i"}'


async def left_in_doubt(world: World, first: str, then: dict[str, Any], fault: str = "POST /lists/{id}") -> None:
    """A write of which nobody sees the end lands long after the horizon, and until then the record has gone another way."""
    world.fault("late_commit", fault, count=1, seconds=H + 600)
    await world.want("1", first, FNAME="A")
    await world.until(lambda: _state(world, "hold"), "the row is held")
    await world.want("1", **then)
    world.advance(H + 1)
    await world.quiet()
    world.advance(700)


async def left_in_doubt_at(world: World, fault: str, **wish: Any) -> None:
    """A write of which nobody sees the end, and that is made again after the horizon; it lands later than both."""
    world.fault("late_commit", fault, count=1, seconds=H + 600)
    await world.want("1", **wish)
    await world.until(lambda: _state(world, "hold"), "the row is held")
    world.advance(H + 1)
    await world.quiet()


class TestAtAKeyThatIsOurs:
    async def test_an_archive_that_came_after_its_own_return_is_taken_back(self, world: World) -> None:
        """The first of two archives lands last: it is ours, whoever has brought the member back meanwhile."""
        async with world.running():
            await world.want("1", "ana@ex.org", FNAME="A")
            await world.quiet()
            await left_in_doubt_at(world, "DELETE *", how="archive")
            assert world.status("ana@ex.org") == "archived"
            await world.want("1", "ana@ex.org", FNAME="B")
            await world.quiet()
            assert world.status("ana@ex.org") == "subscribed"
            world.advance(700)
            await world.until(lambda: _status(world, "ana@ex.org", "archived"), "the late request lands")
            world.advance(HOURS)
            await world.until(lambda: _status(world, "ana@ex.org", "subscribed"), "the audit has it brought back")
            await world.quiet()
        assert await world.told() == world.applied()


class TestMetByItsOwnRow:
    """Before the audit has its turn, the row looks again by itself: what it finds there is its own, and is told so."""

    async def test_a_create_that_came_late_is_told_as_applied(self, world: World) -> None:
        async with world.running():
            world.fault("late_commit", "POST /lists/{id}", count=1, seconds=H + 600)
            await world.want("1", "ana@ex.org", FNAME="A")
            await world.until(lambda: _state(world, "hold"), "the row is held")
            world.fault("storm_429", "POST /lists/{id}", count=1, seconds=1200)
            world.advance(H + 1)
            await world.until(lambda: _state(world, "waiting"), "its second call has been refused")
            world.advance(700)
            await world.until(lambda: _status(world, "ana@ex.org", "subscribed"), "the late request lands")
            world.advance(1200)
            await world.quiet()
        assert [row["reason"] for row in await world.journal("1", "settled")] == ["not_seen"]
        assert [row["reason"] for row in await world.journal("1", "applied")] == ["late"]
        assert await world.told() == world.applied()
        sent = await world.rows("select verdict from flow.write_intent order by sent_at")
        assert sent[0]["verdict"] == "applied"
        assert (await world.item("1"))["outcome"] == "added"


class TestAtAKeyThatNobodyOwns:
    @pytest.mark.parametrize("then", [{"email": "new@ex.org"}, {"how": "archive"}])
    async def test_a_create_that_came_late_is_archived(self, world: World, then: dict[str, Any]) -> None:
        async with world.running():
            await left_in_doubt(world, "old@ex.org", then)
            await world.until(lambda: _status(world, "old@ex.org", "subscribed"), "the late request lands")
            world.advance(HOURS)
            await world.until(lambda: _status(world, "old@ex.org", "archived"), "the audit has it archived")
            await world.quiet()
        assert [row["reason"] for row in await world.journal("1", "audited")] == ["drift"]
        assert await world.told() == world.applied()
        assert await _audits(world) == []
        if "email" in then:
            assert world.status("new@ex.org") == "subscribed"

    async def test_a_return_that_came_late_is_archived_again(self, world: World) -> None:
        async with world.running():
            await world.want("1", "old@ex.org", FNAME="0")
            await world.quiet()
            await world.want("1", how="archive")
            await world.quiet()
            await left_in_doubt(world, "old@ex.org", {"email": "new@ex.org"}, "PATCH *")
            await world.until(lambda: _status(world, "old@ex.org", "subscribed"), "the late request lands")
            world.advance(HOURS)
            await world.until(lambda: _status(world, "old@ex.org", "archived"), "the audit has it archived")
            await world.quiet()
        assert await world.told() == world.applied()

    async def test_what_a_sync_made_that_was_switched_off_meanwhile_stays(self, world: World) -> None:
        async with world.running():
            world.fault("late_commit", "POST /lists/{id}", count=1, seconds=H + 600)
            await world.want("1", "old@ex.org", FNAME="A")
            await world.until(lambda: _state(world, "hold"), "the row is held")
            await world.execute("update core.sync set state = 'disabled' where id = 's1'")
            # Its next try comes up to two seconds after the look; until then it waits.
            world.advance(H + 3)
            await world.until(lambda: _state(world, "waiting"), "the look has settled it")
            world.advance(700)
            await world.until(lambda: _status(world, "old@ex.org", "subscribed"), "the late request lands")
            await world.until(lambda: _ended(world), "the sync lets go of what it owned")
            world.advance(HOURS)
            await world.until(lambda: _no_audit(world), "the audit is made")
            (owner,) = await world.rows("select standing from flow.target_owner")
            await world.execute("update core.sync set state = 'active' where id = 's1'")
            await world.quiet()
        assert (owner["standing"], world.status("old@ex.org")) == ("ended", "subscribed")

    async def test_whoever_signed_up_there_is_left_alone(self, world: World) -> None:
        world.fault("reset_before", "POST /lists/{id}", count=1)
        async with world.running():
            await world.want("1", "old@ex.org", FNAME="A")
            await world.until(lambda: _state(world, "hold"), "the row is held")
            await world.want("1", "new@ex.org", FNAME="A")
            world.advance(H + 1)
            await world.quiet()
            world.person("subscribe", "old@ex.org", merge_fields={"FNAME": "A"})
            world.advance(HOURS)
            await world.until(lambda: _no_audit(world), "the audit is made")
            await world.quiet()
        assert world.status("old@ex.org") == "subscribed"
        assert [row["reason"] for row in await world.journal("1", "audited")] == ["not_ours"]
        assert await world.told() == world.applied()


class TestAtAKeyThatSomebodyOwns:
    async def test_drift_waits_for_whoever_works_there(self, world: World) -> None:
        async with world.running():
            await drifted(world)
            token = uuid4()
            await world.execute(
                "update flow.work_item set state = 'leased', token = $1, lease_until = now() + interval '1 hour'", token
            )
            looks = world.routes().count(LOOK)
            world.advance(HOURS)
            await asyncio.sleep(SEVERAL_SWEEPS_S)
            assert world.routes().count(LOOK) == looks
            assert len(await _audits(world)) == 1
            await world.execute("update flow.work_item set state = 'done', token = null, lease_until = null")
            await world.until(lambda: _named(world, "C"), "the audit puts it right")
            await world.quiet()
        assert await _audits(world) == []
        assert await world.told() == world.applied()

    async def test_drift_found_while_somebody_takes_the_record_is_not_lost(self, world: World) -> None:
        """The look is under way when the owner is taken, and nothing of it may be forgotten."""
        async with world.running():
            await drifted(world)
            world.holds("GET *")
            world.advance(HOURS)
            await world.until(lambda: _taken(world), "the look is under way")
            await world.execute(
                "update flow.work_item set state = 'leased', token = $1, lease_until = now() + interval '1 hour'",
                uuid4(),
            )
            looks = len(world.routes())
            world.answers()
            await world.until(lambda: _more(world, looks), "the look has its answer")
            await asyncio.sleep(SEVERAL_SWEEPS_S)
            assert len(await _audits(world)) == 1
            await world.execute("update flow.work_item set state = 'done', token = null, lease_until = null")
            world.advance(60)
            await world.until(lambda: _named(world, "C"), "the audit puts it right")
            await world.quiet()
        assert await world.told() == world.applied()


class TestACrash:
    async def test_leaves_its_late_look_too(self, world: World) -> None:
        world.fault("late_commit", "POST /lists/{id}", count=1, seconds=H + 600)
        world.holds("POST /lists/{id}")
        await world.want("1", "old@ex.org", FNAME="A")
        stopping, door = asyncio.Event(), world.door()
        dying = asyncio.create_task(world.writer(door).worker.run(stopping))
        await world.until(world.is_held, "the vendor has the call")
        for task in asyncio.all_tasks():
            if task.get_name() == "work":
                task.cancel()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await door.aclose()
        world.answers()
        await world.execute("update flow.work_item set lease_until = now() - interval '1 second'")
        async with world.running():
            await world.until(lambda: _state(world, "hold"), "the row is held")
            assert [row["key"] for row in await _audits(world)] == ["old@ex.org"]
            await world.want("1", "new@ex.org", FNAME="A")
            world.advance(H + 1)
            await world.quiet()
            world.advance(700)
            await world.until(lambda: _status(world, "old@ex.org", "subscribed"), "the late request lands")
            world.advance(HOURS)
            await world.until(lambda: _status(world, "old@ex.org", "archived"), "the audit has it archived")
            await world.quiet()
        assert await world.told() == world.applied()


class TestALookThatFails:
    async def test_backs_off_and_ends_with_the_record_looking_for_itself(self, world: World) -> None:
        async with world.running():
            await drifted(world)
            world.fault("status", LOOK_FAULT, status=500, body=FAULT)
            looks = world.routes().count(LOOK)
            world.advance(HOURS)
            await world.until(lambda: _failed(world, 1), "the first look has failed")
            await asyncio.sleep(SEVERAL_SWEEPS_S)
            assert world.routes().count(LOOK) == looks + 1
            for failed in range(2, 10):
                world.advance(3601)
                await world.until(lambda failed=failed: _failed(world, failed), f"look {failed} has failed")  # type: ignore[misc]
            world.sandbox.delete("faults")
            world.fault("status", LOOK_FAULT, status=500, body=FAULT, count=1)
            world.advance(3601)
            await world.until(lambda: _no_audit(world), "it is given up")
            await world.until(lambda: _named(world, "C", advance=20), "the record has looked for itself")
            await world.quiet()
        (row,) = await world.journal("1", "audited")
        assert row["reason"].startswith("MC_")

    async def test_one_on_which_our_code_breaks_leaves_the_others_alone(self, world: World) -> None:
        class Odd(MailchimpTarget):
            async def look(self, place: str, keys: Sequence[str], api: Any) -> Mapping[str, TargetRecord | Failure]:
                if "odd@ex.org" in keys:
                    raise KeyError("x")
                return await super().look(place, keys, api)

        world.fault("half_commit", "POST /lists/{id}", count=1, body=FAULT)
        await world.store(*(world.command(name, f"{name}@ex.org", FNAME="A") for name in ("even", "odd")))
        await world.settled(within=30)
        world.vendor = replace(mailchimp.VENDOR, targets={mailchimp.MEMBER: Odd()})
        world.advance(HOURS)
        async with world.running():
            await world.until(lambda: _audited(world, 2), "both are looked at")
        found = await world.rows("select record, reason from flow.journal where step = 'audited' order by record")
        assert [(row["record"], row["reason"]) for row in found] == [("even", "agrees"), ("odd", "VENDOR_CODE_FAILED")]


LOOK_FAULT = "GET /lists/{id}/members/{id}"


async def drifted(world: World) -> None:
    """An old write of the name B lands over the newer C."""
    await world.want("1", "ana@ex.org", FNAME="A")
    await world.quiet()
    world.fault("late_commit", "PATCH *", count=1, seconds=H + 600)
    await world.want("1", "ana@ex.org", FNAME="B")
    await world.until(lambda: _state(world, "hold"), "the row is held")
    world.advance(H + 1)
    await world.quiet()
    await world.want("1", "ana@ex.org", FNAME="C")
    await world.quiet()
    world.advance(700)
    await world.until(lambda: _named(world, "B"), "the zombie overwrites")


async def _state(world: World, state: str) -> bool:
    return bool((await world.item("1"))["state"] == state)


async def _status(world: World, email: str, status: str) -> bool:
    return world.status(email) == status


async def _named(world: World, name: str, *, advance: float = 0.0) -> bool:
    if advance:
        world.advance(advance)
    return bool(world.member("ana@ex.org")["merge_fields"]["FNAME"] == name)


async def _ended(world: World) -> bool:
    return [row["standing"] for row in await world.rows("select standing from flow.target_owner")] == ["ended"]


async def _audits(world: World) -> list[Any]:
    return await world.rows("select * from flow.audit")


async def _no_audit(world: World) -> bool:
    return not await _audits(world)


async def _more(world: World, calls: int) -> bool:
    return len(world.routes()) > calls


async def _taken(world: World) -> bool:
    return any(row["due_at"] > world.clock.now() for row in await _audits(world))


async def _failed(world: World, looks: int) -> bool:
    return any(row["looks"] >= looks for row in await _audits(world))


async def _audited(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.journal where step = 'audited'")) >= count
