"""What writers store in the run ledger: every change's end exactly once, whoever dies, repeats, is late or takes over."""

from __future__ import annotations

import random
from typing import Any

import pytest

from common.contracts.messages import Lane
from common.failures import Rejected
from common.state.pool import transaction
from tests.support.run_ledger import counts, created, disagreements, let_in, wished
from tests.support.writing import World


async def want(world: World, record: str, email: str = "", **more: Any) -> None:
    command = world.command(record, email, **more)
    await let_in(world, command.message)
    await world.store(command)


class TestLive:
    async def test_four_updates_are_updated_four(self, world: World) -> None:
        for name in ("A", "B", "C", "D", "E"):
            await want(world, "1", "a@ex.org", FNAME=name)
            await world.settled()
        assert await counts(world) == {"entered": 5, "added": 1, "updated": 4}

    async def test_five_added_and_three_archived_are_added_five_and_removed_three(self, world: World) -> None:
        for number in range(5):
            await want(world, str(number), f"a{number}@ex.org", FNAME="A", tags=["t"])
        await world.settled()
        assert await counts(world) == {"entered": 5, "added": 5}
        for number in range(3):
            await want(world, str(number), how="archive")
        await world.settled()
        assert await counts(world) == {"entered": 8, "added": 5, "removed": 3}

    async def test_what_was_filtered_kept_or_as_it_is_already(self, world: World) -> None:
        await want(world, "1", "a@ex.org", FNAME="A")
        await want(world, "2", how="leave", skip="filtered")
        await want(world, "3", keep="unmappable")
        await world.settled()
        await want(world, "1", "a@ex.org", FNAME="A")
        await world.settled()
        assert await counts(world) == {"entered": 4, "added": 1, "skipped": 2, "unchanged": 1}
        rows = await world.rows("select record, reason from flow.run_record where outcome = 'skipped' order by record")
        assert [tuple(row) for row in rows] == [("2", "filtered"), ("3", "unmappable")]

    async def test_one_that_is_filtered_out_and_archived_is_removed(self, world: World) -> None:
        await want(world, "1", "a@ex.org", FNAME="A")
        await world.settled()
        await want(world, "1", how="archive", skip="filtered")
        await world.settled()
        assert await counts(world) == {"entered": 2, "added": 1, "removed": 1}

    async def test_fifty_edits_that_wait_are_one_write_and_superseded_ones(self, world: World) -> None:
        for number in range(50):
            await want(world, "1", "a@ex.org", FNAME=str(number))
        await world.settled()
        assert await counts(world) == {"entered": 50, "added": 1, "superseded": 49}

    async def test_edits_during_a_call_end_with_the_next_one(self, world: World) -> None:
        world.fault("latency", "*", seconds=0.5)
        async with world.running():
            await want(world, "1", "a@ex.org", FNAME="0")
            await world.until(lambda: self.is_leased(world), "the record is taken")
            for number in range(1, 6):
                await want(world, "1", "a@ex.org", FNAME=str(number))
            await world.quiet()
        found = await counts(world)
        assert found["entered"] == 6 and found["added"] == 1 and "waiting" not in found, found

    async def test_a_record_that_the_vendor_refuses_is_failed_with_its_code(self, world: World) -> None:
        await want(world, "1", "not an address", FNAME="A")
        await want(world, "2", "a@ex.org", FNAME="A")
        await world.settled()
        assert await counts(world) == {"entered": 2, "added": 1, "failed": 1}
        (row,) = await world.rows(
            "select f.reason, w.code from flow.run_record f join flow.work_item w using (sync, entity, record) where f.outcome = 'failed'"
        )
        assert row["reason"] == row["code"] != ""

    async def is_leased(self, world: World) -> bool:
        return bool(await world.rows("select from flow.work_item where state = 'leased'"))

    async def test_a_command_that_cannot_be_stored_is_failed_and_a_retry_opens_it_again(self, world: World) -> None:
        command = world.command("1", "a@ex.org", FNAME="A")
        await let_in(world, command.message)
        lost = [(command.record, Rejected("TARGET_ENTITY_UNKNOWN", "There is no such target."))]
        for _ in range(2):
            async with transaction(world.pool) as tx:
                await world.intake().buried(lost, tx)
        assert await counts(world) == {"entered": 1, "failed": 1}
        await world.store(command)
        await world.settled()
        assert await counts(world) == {"entered": 1, "added": 1}


class TestRepeats:
    async def test_all_commands_again_three_times_count_nothing(self, world: World) -> None:
        batches = [
            [world.command(str(n), f"a{n}@ex.org", FNAME=name, tags=["t"]) for n in range(6)] for name in ("A", "B")
        ]
        for batch in batches:
            await let_in(world, *(one.message for one in batch))
            await world.store(*batch)
            await world.settled()
        before = await counts(world)
        assert before == {"entered": 12, "added": 6, "updated": 6}
        for _ in range(3):
            for batch in batches:
                await world.store(*batch)
            await world.store(*(one for batch in batches for one in batch))
            await world.settled()
        assert await counts(world) == before

    async def test_a_replay_is_a_run_of_its_own_in_which_nothing_changes(self, world: World) -> None:
        for number in range(3):
            await want(world, str(number), f"a{number}@ex.org", FNAME="A")
        await world.settled()
        again = [
            world.command(str(n), f"a{n}@ex.org", FNAME="A", revision=1, lane=Lane.REPLAY, replay="rpl-1")
            for n in range(3)
        ]
        for _ in range(2):
            await world.store(*again)
            await world.settled()
        assert await counts(world) == {"entered": 3, "added": 3}
        assert await counts(world, kind="replay") == {"entered": 3, "unchanged": 3}


class TestUnseen:
    async def test_a_write_whose_answer_was_lost_counts_once(self, world: World) -> None:
        world.fault("half_commit", "*", share=1.0, count=1, seed=3)
        await want(world, "1", "a@ex.org", FNAME="A")
        async with world.running():
            await world.quiet("hold")
            world.advance(3600)
            await world.quiet()
        assert await counts(world) == {"entered": 1, "added": 1}
        assert await world.told() == world.applied()


class TestOthers:
    async def test_a_neighbour_that_takes_over_writes_what_nobody_changed(self, world: World) -> None:
        await want(world, "1", "a@ex.org", FNAME="A")
        await want(world, "2", "a@ex.org", FNAME="B")
        await world.settled()
        assert await counts(world) == {"entered": 2, "added": 1, "skipped": 1}
        await want(world, "1", how="archive")
        await world.settled()
        found = await counts(world)
        # The one that left wrote nothing, the other one did: a change of today that entered with its write.
        assert found["entered"] == 4 and found["added"] == 1 and found["updated"] == 1 and "waiting" not in found, found

    async def test_a_sync_that_is_switched_off_archives_in_a_run_of_its_own(self, world: World) -> None:
        for number in range(4):
            await want(world, str(number), f"a{number}@ex.org", FNAME="A")
        await world.settled()
        await world.execute("update core.sync set state = 'disabled', on_disable = 'archive' where id = 's1'")
        async with world.running():
            await world.until(lambda: self.is_left(world), "everybody has left")
            await world.quiet()
        assert await counts(world, kind="archive") == {"entered": 4, "removed": 4}
        assert await counts(world) == {"entered": 4, "added": 4}
        (row,) = await world.rows("select closed_at from flow.run where kind = 'archive'")
        assert row["closed_at"] is not None

    async def is_left(self, world: World) -> bool:
        return not await world.rows("select from flow.target_owner where sync = 's1' and standing <> 'left'")


class TestStories:
    """Whatever happens to a few records, the ledger is what journal and vendor say of every change."""

    @pytest.mark.parametrize("seed", range(6))
    async def test_the_ledger_equals_another_count(self, world: World, seed: int) -> None:
        luck, wishes = random.Random(seed), dict[tuple[str, str, int], str]()
        world.fault("half_commit", "*", share=0.25, seed=seed)
        async with world.running():
            for _ in range(40):
                await self.something(world, luck, wishes)
                if luck.random() < 0.3:
                    await world.quiet("hold", "waiting")
                    world.advance(600)
            await self.rest(world)
        assert await disagreements(world, wishes) == {}
        found = await counts(world)
        assert "waiting" not in found, found
        assert found.get("added", 0) == created(world)
        assert await world.told() == world.applied()
        before = found
        for _ in range(3):
            await world.store(*self.all)
            await self.rest(world, running=False)
        assert await counts(world) == before

    async def something(self, world: World, luck: random.Random, wishes: dict[tuple[str, str, int], str]) -> None:
        if not wishes:
            self.all = list[Any]()
        record = str(luck.randrange(6))
        more: dict[str, Any] = luck.choice(
            (
                {"email": f"a{record}@ex.org", "FNAME": luck.choice("ABC"), "tags": luck.choice((["x"], ["x", "y"]))},
                {"email": f"{luck.choice('ab')}{record}@ex.org", "FNAME": luck.choice("ABC")},
                {"email": f"a{record}@ex.org", "FNAME": luck.choice("ABC")},
                {"how": "archive"},
                {"how": "leave", "skip": "filtered"},
                {"keep": "unmappable"},
            )
        )
        command = world.command(record, **more)
        wishes["s1", record, command.message.revision] = wished(command.message)
        self.all.append(command)
        await let_in(world, command.message)
        await world.store(command)

    async def rest(self, world: World, *, running: bool = True) -> None:
        if not running:
            async with world.running():
                await self.rest(world)
            return

        async def settled() -> bool:
            open_ones = await world.rows(
                """select state from flow.work_item where state not in ('done', 'dead', 'parked')
                   union all select 'recheck' from flow.recheck"""
            )
            if any(row["state"] in ("hold", "waiting") for row in open_ones):
                world.advance(120)
            return not open_ones

        await world.until(settled, "the story did not come to rest", within=90)
