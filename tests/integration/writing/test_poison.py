"""One bad row among five hundred: its neighbours are written, and it ends where an operator finds it."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.support.writing import World
from vendors.mailchimp.limits import HORIZON, READ_LAG

BATCH = "POST /lists/{list_id}"
H = HORIZON.total_seconds()
ROWS, BAD = 500, "bad0137@ex.org"
PROBLEM = '{"type": "x", "title": "%s", "status": %d, "detail": "this one breaks us", "instance": "i"}'
FAULTS: dict[str, dict[str, Any]] = {
    "refused whole": {"kind": "status", "status": 400, "body": PROBLEM % ("Invalid Resource", 400)},
    "too large": {"kind": "status", "status": 413, "body": PROBLEM % ("Request Entity Too Large", 413)},
    "complete 500": {"kind": "status", "status": 500, "body": PROBLEM % ("Internal Server Error", 500)},
    "reset": {"kind": "reset_before"},
}


async def wish(world: World, rows: int = ROWS) -> None:
    emails = [BAD if n == 137 else f"m{n:04}@ex.org" for n in range(rows)]
    await world.store(*(world.command(f"{n:04}", email, FNAME="A") for n, email in enumerate(emails)))


async def states(world: World) -> Counter[str]:
    return Counter(row["state"] for row in await world.rows("select state from flow.work_item"))


def batch_calls(world: World) -> int:
    return sum(call["route"] == BATCH for call in world.calls())


async def until_nobody_is(world: World, *busy: str, within: float = 60.0) -> None:
    async def rests() -> bool:
        found = await states(world)
        return not any(found[state] for state in busy)

    await world.until(rests, f"nobody is {busy}", within)


class TestOneBadRowInFiveHundred:
    async def test_refused_as_a_row_costs_one_call(self, world: World) -> None:
        emails = ["bad" if n == 137 else f"m{n:04}@ex.org" for n in range(ROWS)]
        await world.store(*(world.command(f"{n:04}", email, FNAME="A") for n, email in enumerate(emails)))
        await world.settled(within=60)
        assert await states(world) == {"done": 499, "dead": 1}
        assert batch_calls(world) == 1

    @pytest.mark.parametrize("kind", ["refused whole", "too large"])
    async def test_refused_whole_is_found_in_the_same_round(self, world: World, kind: str) -> None:
        world.fault(route="POST /lists/{id}", contains=BAD, **FAULTS[kind])
        await wish(world)
        await world.settled(within=60)
        assert await states(world) == {"done": 499, "dead": 1}
        item = await world.item("0137")
        assert (item["state"], item["kind"], item["vendor_words"]) == ("dead", "REJECTED", "this one breaks us")
        assert batch_calls(world) <= 16
        assert len(world.audience()) == 499
        # Nobody pays for the guilty one, not even with an attempt.
        assert not await world.rows("select from flow.work_item where attempts > 0 and record <> '0137'")
        assert await world.told() == world.applied()

    @pytest.mark.parametrize(("kind", "rest"), [("complete 500", READ_LAG.total_seconds()), ("reset", H)])
    async def test_broken_whole_is_found_by_parts_of_what_broke(self, world: World, kind: str, rest: float) -> None:
        world.fault(route="POST /lists/{id}", contains=BAD, **FAULTS[kind])
        await wish(world)
        written: list[int] = []
        async with world.running():
            while not written or written[-1] < 499:
                await until_nobody_is(world, "ready", "leased")
                done = (await states(world))["done"]
                written += [done] if done not in written else []
                await self._next_round(world, rest)
            calls = batch_calls(world)
            assert calls <= 16
            # Round 1: nothing. Then always at least five of eight of what is left.
            assert written[0] == 0 and written[1] >= 500 * 5 // 8
            assert len(written) <= 1 + 6
            found_at = await world.item("0137")
            assert found_at["state"] in ("hold", "waiting") and found_at["call_group"]
            await self._to_its_end(world, rest)
        item = await world.item("0137")
        assert (item["state"], item["reason"], item["attempts"]) == ("parked", "ATTEMPTS_EXHAUSTED", 12)
        assert item["code"] == ("MC_FAULT" if kind == "complete 500" else "VENDOR_CONNECTION_LOST")
        assert batch_calls(world) - calls <= 12
        assert len(world.audience()) == 499
        assert await world.told() == world.applied()
        assert await world.rows("select from flow.target_lease") == []
        print(f"\n{kind}: written after each round {written}, {calls} calls until it stood alone")

    async def _next_round(self, world: World, rest: float) -> None:
        """The hold passes, everything is looked at, and the pause after the look passes too."""
        world.advance(rest + 1)

        async def looked_at() -> bool:
            now = world.clock.now()
            return not await world.rows(
                "select from flow.work_item where state = 'hold' and hold_until <= $1 limit 1", now
            )

        await world.until(looked_at, "everything is looked at", within=60)
        world.advance(900)
        await asyncio.sleep(0.1)

    async def _to_its_end(self, world: World, rest: float) -> None:
        for _ in range(60):
            if (await world.item("0137"))["state"] == "parked":
                return
            await until_nobody_is(world, "ready", "leased")
            await self._next_round(world, rest)


class TestPoison:
    async def test_one_alone_backs_off_and_ends_with_the_vendors_words(self, world: World) -> None:
        world.fault(route="POST /lists/{id}", **FAULTS["complete 500"])
        await world.store(*(world.command(str(n), f"m{n}@ex.org") for n in range(3)))
        async with world.running():
            for _ in range(200):
                found = await states(world)
                if found == {"parked": 3}:
                    break
                await until_nobody_is(world, "ready", "leased")
                world.advance(30)
                await asyncio.sleep(0.15)
        for row in await world.rows("select * from flow.work_item"):
            assert (row["state"], row["attempts"], row["vendor_words"]) == ("parked", 12, "this one breaks us")
        # 30 s of an unbounded loop made 536 calls for 20 rows; here are all there ever are.
        assert batch_calls(world) <= 3 * 12 + 3
        assert await world.rows("select from flow.write_intent where state = 'sent'") == []

    async def test_a_whole_500_is_not_looked_at_before_the_read_lag_is_over(self, world: World) -> None:
        world.fault("half_commit", "POST /lists/{id}", count=1, body=FAULTS["complete 500"]["body"])
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(lambda: _is(world, "hold"), "it is on hold")
            await asyncio.sleep(1.5)
            assert [call["method"] for call in world.calls() if "members" in call["route"]] == []
            world.advance(READ_LAG.total_seconds())
            await world.quiet()
        assert (await world.item("1"))["state"] == "done"
        assert await world.told() == world.applied()

    async def test_where_everything_is_refused_not_every_row_is_tried_alone(self, world: World) -> None:
        world.fault(route="POST /lists/{id}", **FAULTS["refused whole"])
        await wish(world, 300)
        await world.settled(within=60)
        assert await states(world) == {"dead": 300}
        assert batch_calls(world) <= 25


async def _is(world: World, state: str) -> bool:
    return bool(await world.rows("select from flow.work_item where state = $1", state))
