"""The writer's rules, each by its name in the design: what a repeat, a race, a lost lease and an unseen outcome may do."""

import asyncio
from datetime import timedelta

import pytest

from common.contracts.messages import Lane
from tests.support.writing import World
from vendors.mailchimp.limits import HORIZON
from writing.queue import BACKFILL, LIVE, REPLAY, Queue, Turn

H = HORIZON.total_seconds()
REFUSED = '{"title": "Invalid Resource", "status": 400, "detail": "x"}'
FAULT = (
    '{"type": "x", "title": "InternalServerError", "status": 500, "detail": "An unexpected error.", "instance": "i"}'
)

# Whatever of it is otherwise, a command that is read again is planned once more.
OPENS_IT = [
    "update flow.work_item set ended_by = 'another release'",
    "update flow.target_record set doubtful = true",
    "update flow.target_record set present = false",
    "update core.sync set state = 'paused'",
    "insert into flow.recheck select sync, entity, record from flow.work_item",
    "insert into flow.target_owner select (o).* from (select jsonb_populate_record(o, jsonb_build_object('record', '2')) as o "
    "from flow.target_owner o) as others",
]


async def taken(world: World, priority: int = LIVE, most: int = 500) -> list[str]:
    """Takes work and leaves it: an executor that does nothing more."""
    from common.state.configuration import ConfigurationReader
    from common.state.pool import transaction

    async with transaction(world.pool) as tx:
        configuration = await ConfigurationReader().read(tx)
    connection = next(c for c in configuration.connections.values() if c.id == "chimp")
    queue = Queue(world.pool, world.clock, world.vendor.targets, timedelta(seconds=30))
    (due,) = await queue.due(configuration)
    return [row.item.key.record for row in await queue.claim(connection, due, Turn(priority, most))]


class TestR1:
    async def test_an_upsert_leaves_state_and_lease_of_a_leased_row_alone(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="A")
        assert await taken(world) == ["1"]
        before = await world.item("1")
        await world.want("1", "ana@ex.org", FNAME="B")
        after = await world.item("1")
        assert (after["state"], after["token"], after["lease_until"]) == (
            "leased",
            before["token"],
            before["lease_until"],
        )
        assert (after["revision"], after["document"]["merge.FNAME"]) == (2, "B")

    async def test_a_result_speaks_only_for_the_revision_it_sent(self, world: World) -> None:
        world.holds("POST /lists/{id}")
        await world.want("1", "ana@ex.org", FNAME="A")
        async with world.running():
            await world.until(lambda: _state(world, "1", "leased"), "the row is taken")
            await world.until(lambda: _sent(world), "the call is under way")
            await world.want("1", "ana@ex.org", FNAME="B")
            world.answers()
            await world.quiet()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "B"
        assert [row["revision"] for row in await world.journal("1", "applied")] == [1, 2]

    async def test_a_refusal_of_an_outdated_wish_is_no_dead_letter(self, world: World) -> None:
        world.holds("POST /lists/{id}")
        await world.want("1", "no address")
        async with world.running():
            await world.until(lambda: _state(world, "1", "leased"), "the row is taken")
            await world.until(lambda: _sent(world), "the call is under way")
            await world.want("1", "ana@ex.org")
            world.answers()
            await world.quiet()
        assert ((await world.item("1"))["state"], world.status("ana@ex.org")) == ("done", "subscribed")

    async def test_fifty_edits_while_we_wait_are_one_call(self, world: World) -> None:
        for n in range(50):
            await world.want("1", "ana@ex.org", FNAME=str(n))
        await world.settled()
        assert len(world.writes()) == 1
        assert (await world.steps("1")).count("superseded") == 49


class TestR2:
    @pytest.mark.parametrize("kind", ["reset_after", "truncated_body", "reset_before"])
    async def test_an_outcome_that_nobody_saw_is_held_until_the_horizon_and_settled_by_one_look(
        self, world: World, kind: str
    ) -> None:
        world.fault(kind, "POST /lists/{id}", count=1)
        await world.want("1", "ana@ex.org", FNAME="Ana", tags=["a"])
        async with world.running():
            await world.until(lambda: _state(world, "1", "hold"), "the row is held")
            sent = len(world.writes())
            await asyncio.sleep(1.0)
            assert len(world.writes()) == sent
            world.advance(H + 1)
            await world.quiet()
        assert (world.status("ana@ex.org"), world.tags("ana@ex.org")) == ("subscribed", ["a"])
        assert await world.told() == world.applied()
        verdict = "not_seen" if kind == "reset_before" else "applied"
        assert [row["reason"] for row in await world.journal("1", "settled")] == [verdict]
        assert (await world.item("1"))["outcome"] == "added"

    async def test_a_request_that_lands_late_but_before_the_horizon_is_seen(self, world: World) -> None:
        world.fault("late_commit", "POST /lists/{id}", count=1, seconds=120)
        await world.want("1", "ana@ex.org", FNAME="Ana")
        async with world.running():
            await world.until(lambda: _state(world, "1", "hold"), "the row is held")
            world.advance(130)
            await world.until(lambda: _there(world, "ana@ex.org"), "the late request lands")
            world.advance(H)
            await world.quiet()
        assert len(world.writes()) == 1
        assert await world.told() == world.applied()

    async def test_a_whole_answer_of_the_vendor_needs_only_the_look(self, world: World) -> None:
        world.fault("half_commit", "POST /lists/{id}", count=1, body=FAULT)
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        assert len(world.writes()) == 1
        assert (await world.steps("1"))[:2] == ["attempt", "held"]
        assert await world.told() == world.applied()

    async def test_edits_of_a_held_record_wait_and_go_out_after_the_look(self, world: World) -> None:
        world.fault("reset_after", "POST /lists/{id}", count=1)
        await world.want("1", "ana@ex.org", FNAME="A")
        async with world.running():
            await world.until(lambda: _state(world, "1", "hold"), "the row is held")
            await world.want("1", "ana@ex.org", FNAME="B")
            await asyncio.sleep(0.8)
            assert len(world.writes()) == 1
            world.advance(H + 1)
            await world.quiet()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "B"
        assert await world.told() == world.applied()

    async def test_an_executor_that_died_with_an_open_intent_leaves_the_row_on_hold(self, world: World) -> None:
        world.holds("POST /lists/{id}")
        await world.want("1", "ana@ex.org", FNAME="A")
        stopping = asyncio.Event()
        door = world.door()
        dying = asyncio.create_task(world.writer(door).worker.run(stopping))
        await world.until(world.is_held, "the vendor has the call")
        # Its task ends as a killed process does: nothing after this line happens.
        for task in asyncio.all_tasks():
            if task.get_name() == "work":
                task.cancel()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await door.aclose()
        await world.execute("update flow.work_item set lease_until = now() - interval '1 second'")
        async with world.running():
            await world.until(lambda: _state(world, "1", "hold"), "the row is held")
            # The request outlives its sender, and lands before the clock jumps over the horizon.
            world.answers()
            await world.until(lambda: _landed(world, "ana@ex.org"), "the request has landed")
            world.advance(H + 1)
            await world.quiet()
        assert await world.told() == world.applied()
        assert (await world.item("1"))["outcome"] == "added"


class TestR3:
    async def test_a_row_that_somebody_took_over_is_not_sent(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        assert await taken(world) == ["1"]
        await world.execute("update flow.work_item set lease_until = now() - interval '1 second'")
        await world.settled()
        assert len(world.writes()) == 1

    async def test_a_dead_claim_without_an_intent_is_ready_again_at_once(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await taken(world)
        await world.execute("update flow.work_item set lease_until = now() - interval '1 second'")
        await world.settled()
        assert await world.steps("1") == ["attempt", "applied", "linked"]

    async def test_two_executors_never_write_one_record_at_once(self, world: World) -> None:
        world.fault("latency", "*", seconds=0.05)
        async with world.running(executors=2):
            for n in range(15):
                await world.want("1", "ana@ex.org", FNAME=str(n))
                await world.want("2", "bob@ex.org", FNAME=str(n))
                await asyncio.sleep(0.03)
            await world.quiet()
        assert [world.member(one)["merge_fields"]["FNAME"] for one in ("ana@ex.org", "bob@ex.org")] == ["14", "14"]
        for record in "12":
            revisions = [row["revision"] for row in await world.journal(record, "applied")]
            assert revisions == sorted(revisions)
        assert await world.told() == world.applied()


class TestR4:
    async def test_a_request_later_than_the_horizon_is_found_hours_later_and_put_right(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="A")
        await world.settled()
        world.fault("late_commit", "PATCH *", count=1, seconds=H + 600)
        await world.want("1", "ana@ex.org", FNAME="B")
        async with world.running():
            await world.until(lambda: _state(world, "1", "hold"), "the row is held")
            world.advance(H + 1)
            await world.quiet()
            await world.want("1", "ana@ex.org", FNAME="C")
            await world.quiet()
            world.advance(700)
            await world.until(lambda: _named(world, "ana@ex.org", "B"), "the zombie overwrites")
            world.advance(5 * 3600)
            await world.until(lambda: _named(world, "ana@ex.org", "C"), "the audit puts it right")
        assert [row["reason"] for row in await world.journal("1", "audited")] == ["drift"]

    async def test_an_audit_that_finds_nothing_costs_one_look(self, world: World) -> None:
        world.fault("half_commit", "POST /lists/{id}", count=1, body=FAULT)
        await world.want("1", "ana@ex.org", FNAME="A")
        async with world.running():
            await world.quiet()
            calls = len(world.calls())
            world.advance(5 * 3600)
            await world.until(lambda: _audited(world), "the audit is made")
        assert [row["reason"] for row in await world.journal("1", "audited")] == ["agrees"]
        assert len(world.calls()) == calls + 1


class TestR5:
    async def test_each_row_of_a_batch_has_its_own_verdict(self, world: World) -> None:
        world.call("POST", "/lists/a6b5da1054/members", json={"email_address": "old@ex.org", "status": "cleaned"})
        await world.store(
            world.command("new", "new@ex.org"),
            world.command("bad", "bad"),
            world.command("old", "old@ex.org", FNAME="O"),
        )
        await world.settled()
        found = {
            name: ((await world.item(name))["state"], (await world.item(name))["outcome"])
            for name in ("new", "bad", "old")
        }
        assert found == {"new": ("done", "added"), "bad": ("dead", "failed"), "old": ("done", "updated")}
        assert await world.told() == world.applied()

    async def test_a_row_whose_lease_is_gone_leaves_its_neighbours_results(self, world: World) -> None:
        world.holds("POST /lists/{id}")
        await world.store(world.command("1", "ana@ex.org"), world.command("2", "bob@ex.org"))
        async with world.running():
            await world.until(lambda: _sent(world), "the call is under way")
            # Somebody else's, who does nothing with it.
            await world.execute("update flow.work_item set token = gen_random_uuid(), lease_until = now() + interval '1 hour' where record = '2'")  # fmt: skip
            world.answers()
            await world.until(lambda: _state(world, "1", "done"), "its own result is stored")
            await world.execute(
                "update flow.work_item set lease_until = now() - interval '1 second' where record = '2'"
            )
            await world.quiet()
        assert [(await world.item(n))["state"] for n in "12"] == ["done", "done"]
        # Only the one whose answer came too late for its lease is looked at.
        assert world.routes().count("GET /lists/{list_id}/members/{subscriber_hash}") == 1
        assert await world.told() == world.applied()


class TestR6:
    async def test_a_create_looks_only_after_the_hold(self, world: World) -> None:
        world.fault("reset_after", "POST /lists/{id}", count=1)
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(lambda: _state(world, "1", "hold"), "the row is held")
            await asyncio.sleep(0.6)
            assert "GET /lists/{list_id}/members/{subscriber_hash}" not in world.routes()
            world.advance(H + 1)
            await world.quiet()
        assert world.routes().count("GET /lists/{list_id}/members/{subscriber_hash}") == 1


class TestR7:
    async def test_an_old_command_is_known_as_old_however_late_it_comes(self, world: World) -> None:
        await world.want("1", "ana@ex.org", revision=9, FNAME="new")
        await world.settled()
        world.advance(90 * 86_400)
        await world.want("1", "ana@ex.org", revision=8, FNAME="old")
        await world.settled()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "new"
        (row,) = await world.journal("1", "superseded")
        assert (row["revision"], row["details"]["by"]) == (8, 9)

    async def test_a_batch_in_any_order_ends_with_the_highest(self, world: World) -> None:
        await world.store(*(world.command("1", "ana@ex.org", revision=n, FNAME=str(n)) for n in (3, 5, 1, 4, 2)))
        await world.settled()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "5"
        assert {row["revision"] for row in await world.journal("1", "superseded")} == {1, 2, 3, 4}


class TestR8:
    async def test_an_equal_revision_opens_a_done_row_and_costs_no_call(self, world: World) -> None:
        await world.want("1", "ana@ex.org", revision=1)
        await world.settled()
        calls = len(world.calls())
        for _ in range(3):
            await world.want("1", "ana@ex.org", revision=1)
            await world.settled()
        assert len(world.calls()) == calls
        assert (await world.steps("1"))[-3:] == ["unchanged"] * 3

    @pytest.mark.parametrize("change", OPENS_IT)
    async def test_where_comparing_tells_that_nothing_is_to_do_the_row_stays_closed(
        self, world: World, change: str
    ) -> None:
        await world.want("1", "ana@ex.org", revision=1)
        await world.settled()
        await world.want("1", "ana@ex.org", revision=1)
        assert (await world.item("1"))["state"] == "done"
        assert (await world.steps("1"))[-1] == "unchanged"
        await world.execute(change)
        await world.want("1", "ana@ex.org", revision=1)
        assert (await world.item("1"))["state"] == "ready"

    async def test_an_equal_revision_that_wishes_something_else_opens_the_row(self, world: World) -> None:
        await world.want("1", "ana@ex.org", revision=1)
        await world.settled()
        await world.want("1", "ana@ex.org", revision=1, FNAME="B")
        await world.settled()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "B"

    async def test_an_equal_revision_opens_a_dead_row(self, world: World) -> None:
        world.fault(
            "status",
            "POST /lists/{id}",
            count=1,
            status=400,
            body=REFUSED,
        )
        await world.want("1", "ana@ex.org", revision=1)
        await world.settled()
        assert (await world.item("1"))["state"] == "dead"
        await world.want("1", "ana@ex.org", revision=1, lane=Lane.REPLAY, replay="r1")
        await world.settled()
        assert ((await world.item("1"))["state"], world.status("ana@ex.org")) == ("done", "subscribed")
        assert (await world.journal("1", "replayed"))[0]["details"] == {"replay": "r1"}


class TestOrder:
    async def test_live_work_and_replays_and_backfill_are_taken_apart_from_each_other(self, world: World) -> None:
        for name, lane in (("b", Lane.BACKFILL), ("r", Lane.REPLAY), ("l", Lane.LIVE)):
            await world.want(name, f"{name}@ex.org", lane=lane)
        assert await taken(world, LIVE) == ["l"]
        assert await taken(world, REPLAY) == ["r"]
        assert await taken(world, BACKFILL) == ["b"]

    async def test_each_sync_gets_its_share(self, world: World) -> None:
        await world.store(*(world.command(f"a{n}", f"a{n}@ex.org") for n in range(20)))
        await world.store(*(world.command(f"b{n}", f"b{n}@ex.org", sync="s2") for n in range(20)))
        first = await taken(world, LIVE, 10)
        assert sorted({name[0] for name in first}) == ["a", "b"]
        assert len(first) == 10

    async def test_a_paused_sync_holds_and_drains_in_order(self, world: World) -> None:
        await world.execute("update core.sync set state = 'paused' where id = 's1'")
        await world.want("1", "ana@ex.org")
        await world.want("2", "bob@ex.org", sync="s2")
        async with world.running():
            await world.until(lambda: _state(world, "2", "done", "s2"), "the other sync goes on")
            await asyncio.sleep(0.7)
            assert (await world.item("1"))["state"] == "ready"
            await world.execute("update core.sync set state = 'active' where id = 's1'")
            await world.quiet()

    async def test_a_gate_holds_the_connection(self, world: World) -> None:
        await world.execute("insert into core.gate (connection, reason, set_at) values ('chimp', 'paused', now())")
        await world.want("1", "ana@ex.org")
        async with world.running():
            await asyncio.sleep(0.8)
            assert (world.calls(), (await world.item("1"))["state"]) == ([], "ready")
            await world.execute("delete from core.gate")
            await world.quiet()


async def _state(world: World, record: str, state: str, sync: str = "s1") -> bool:
    return bool((await world.item(record, sync))["state"] == state)


async def _there(world: World, email: str) -> bool:
    return world.status(email) != "none"


async def _named(world: World, email: str, name: str) -> bool:
    return bool(world.member(email)["merge_fields"]["FNAME"] == name)


async def _landed(world: World, email: str) -> bool:
    return bool(world.member(email))


async def _sent(world: World) -> bool:
    return bool(await world.rows("select from flow.write_intent where state = 'sent'"))


async def _audited(world: World) -> bool:
    return not await world.rows("select from flow.audit")
