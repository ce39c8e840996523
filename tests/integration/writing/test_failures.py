"""Each word of the failure vocabulary against the real sandbox: what becomes of the record, and how often it is tried."""

import asyncio

import pytest

from tests.support.writing import LIST, World


def problem(title: str, status: int, detail: str = "x") -> str:
    return f'{{"type": "x", "title": "{title}", "status": {status}, "detail": "{detail}", "instance": "i"}}'


class TestRateLimited:
    @pytest.mark.parametrize("kind", ["storm_429", "status"])
    async def test_consumes_no_attempt(self, world: World, kind: str) -> None:
        more = {"status": 403} if kind == "status" else {}
        world.fault(kind, "POST /lists/{id}", count=3, **more)
        await world.want("1", "ana@ex.org")
        async with world.running():
            for _ in range(4):
                await world.until(lambda: waiting(world), "it waits or is done")
                world.advance(61)
            await world.quiet()
        item = await world.item("1")
        assert (item["state"], item["attempts"]) == ("done", 0)
        assert [row["reason"] for row in await world.journal("1", "waiting")] == ["MC_THROTTLED"] * 3
        assert await world.told() == world.applied()


class TestTransient:
    async def test_is_tried_again_by_the_schedule_and_parked_after_twelve(self, world: World) -> None:
        world.person("busy", "ana@ex.org")
        await world.want("1", "ana@ex.org")
        async with world.running():
            for _ in range(12):
                await world.execute("update flow.work_item set due_at = '2000-01-01' where state = 'waiting'")
                await asyncio.sleep(0.15)
            await world.until(lambda: rests(world, "1", "parked", again=True), "it is parked")
        item = await world.item("1")
        assert (item["attempts"], item["code"], item["reason"], item["outcome"]) == (12, "MC_TOO_MANY_SIGNUPS", "ATTEMPTS_EXHAUSTED", "failed")  # fmt: skip
        assert len(await world.journal("1", "attempt")) == 12

    async def test_a_new_wish_starts_anew(self, world: World) -> None:
        await world.execute("select 1")
        world.person("busy", "ana@ex.org")
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(lambda: rests(world, "1", "waiting"), "it waits")
            world.advance(3700)
            await world.want("1", "ana@ex.org", FNAME="Ana")
            await world.quiet()
        assert ((await world.item("1"))["state"], (await world.item("1"))["attempts"]) == ("done", 0)


class TestUnauthorised:
    async def test_waits_for_the_gate_and_is_no_attempt(self, world: World) -> None:
        world.fault("token_revoked", "POST /lists/{id}", count=1)
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(lambda: rests(world, "1", "waiting"), "it waits")
            item = await world.item("1")
            assert (item["attempts"], item["kind"]) == (0, "UNAUTHORISED")
            await world.execute(
                "insert into core.gate (connection, reason, set_at) values ('chimp', 'needs_reauth', now())"
            )
            world.advance(60)
            calls = len(world.calls())
            await asyncio.sleep(0.8)
            assert len(world.calls()) == calls


class TestRejected:
    async def test_is_dead_at_once_with_the_vendors_words(self, world: World) -> None:
        world.sandbox.post("limits", {"vendor": "mailchimp", "addresses": "real"})
        await world.want("1", "ana@example.com")
        await world.settled()
        item = await world.item("1")
        assert (item["state"], item["code"], item["kind"]) == ("dead", "MC_ADDRESS_REFUSED", "REJECTED")
        assert "looks fake" in item["vendor_words"]
        assert await world.steps("1") == ["attempt", "dead"]

    async def test_an_audience_that_is_gone_is_no_records_fault_and_nothing_is_written(self, world: World) -> None:
        # It was a dead letter for each record; now the gate of that audience is closed (test_outage.py).
        world.call("DELETE", f"/lists/{LIST}")
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(lambda: rests(world, "1", "waiting"), "it waits")
        item = await world.item("1")
        assert (item["attempts"], item["code"]) == (0, "MC_AUDIENCE_GONE")
        (gate,) = await world.rows("select * from core.gate")
        assert (gate["reason"], gate["place"], gate["code"]) == ("refused", LIST, "MC_AUDIENCE_GONE")
        assert world.writes() == []


class TestStorms:
    @pytest.mark.slow
    async def test_whatever_goes_wrong_the_audience_becomes_what_was_wished(self, world: World) -> None:
        for kind, more in (
            ("half_commit", {"share": 0.2, "seed": 1}),
            ("status", {"share": 0.2, "seed": 2, "status": 500}),
            ("reset_after", {"share": 0.1, "seed": 3}),
            ("storm_429", {"share": 0.2, "seed": 4}),
            ("late_commit", {"share": 0.1, "seed": 5, "seconds": 60}),
            ("truncated_body", {"share": 0.1, "seed": 6}),
        ):
            world.fault(kind, "*", **more)
        people = 12
        async with world.running(executors=2):
            for turn in range(4):
                for n in range(people):
                    if (n + turn) % 5 == 0:
                        await world.want(str(n), how="archive")
                    else:
                        await world.want(str(n), f"m{n}-{turn // 2}@ex.org", FNAME=f"{n}.{turn}", tags=[f"t{turn}"])
                await asyncio.sleep(0.5)
                await world.advance_between_calls(400)
            for _ in range(60):
                if not await world.rows("select from flow.work_item where state not in ('done', 'dead', 'parked')"):
                    break
                await world.advance_between_calls(400)
                await asyncio.sleep(0.4)
            world.sandbox.delete("faults")
            await world.execute(
                "update flow.work_item set state = 'ready', due_at = '2000-01-01', attempts = 0 where state = 'parked'"
            )
            for _ in range(20):
                await world.advance_between_calls(400)
                await asyncio.sleep(0.2)
            await world.quiet(within=40)
        wished = {f"m{n}-1@ex.org": (f"{n}.3", ["t3"]) for n in range(people) if (n + 3) % 5}
        audience = {e: one for e, one in world.audience().items() if one["status"] != "archived"}
        assert {
            e: (one["merge_fields"]["FNAME"], [t["name"] for t in one["tags"]]) for e, one in audience.items()
        } == wished
        assert await world.told() == world.applied()


async def waiting(world: World) -> bool:
    return bool(await world.rows("select from flow.work_item where state in ('waiting', 'done')"))


async def rests(world: World, record: str, state: str, *, again: bool = False) -> bool:
    if again:
        await world.execute("update flow.work_item set due_at = '2000-01-01' where state = 'waiting'")
    return bool((await world.item(record))["state"] == state)
