"""One bad row among five hundred: its neighbours are written, and it ends where an operator finds it."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from tests.support.pace import SEVERAL_SWEEPS_S
from tests.support.writing import World
from vendors.mailchimp.limits import HORIZON, READ_LAG

BATCH = "POST /lists/{list_id}"
H = HORIZON.total_seconds()
LAG_S = 120.0
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


class Tried(NamedTuple):
    """One call as the journal tells it."""

    rows: int
    bad: bool
    came_back: str

    @property
    def hunts(self) -> bool:
        """Whether the bad row was not alone yet, or not with them at all."""
        return self.rows > 1 or not self.bad


async def tried(world: World) -> list[Tried]:
    """The calls in their order: how many rows, whether the bad one was among them, what came back."""
    rows = await world.rows(
        """select count(*) as rows, bool_or(record = '0137') as bad, coalesce(nullif(reason, ''), 'written') as came_back
             from flow.journal where step = 'attempt' group by attempt, coalesce(nullif(reason, ''), 'written') order by min(id)"""
    )
    return [Tried(**row) for row in rows]


@dataclass(frozen=True)
class Rest:
    """What is so while nothing is due."""

    done: int
    bad: str
    """The state of the bad row."""
    call_group: str


async def at_rest(world: World) -> Rest:
    """Until nobody is at work, and nothing that waits or is on hold is due: the next thing happens by the clock."""
    found: list[Rest] = []

    async def rests() -> bool:
        (row,) = await world.rows(
            """select count(*) filter (where state = 'done') as done,
                      max(state) filter (where record = '0137') as bad, max(call_group) filter (where record = '0137') as call_group,
                      bool_or(state in ('ready', 'leased') or (state = 'waiting' and due_at <= $1) or (state = 'hold' and hold_until <= $1)) as busy
                 from flow.work_item""",
            world.clock.now(),
        )
        found[:] = [Rest(row["done"], row["bad"] or "", row["call_group"] or "")]
        return not row["busy"]

    await world.until(rests, "nothing is due", within=150)
    return found[0]


async def until_due(world: World, state: str) -> Rest:
    """The time passes until all rows in this state are due, and what they were due for is over."""
    moments = await due(world, state)
    if moments:
        world.advance(max(0.0, (moments[-1] - world.clock.now()).total_seconds()) + 0.01)
    return await at_rest(world)


async def due(world: World, state: str) -> list[datetime]:
    """The moments when rows in this state are due."""
    rows = await world.rows(
        "select distinct case state when 'hold' then hold_until else due_at end as at from flow.work_item where state = $1",
        state,
    )
    return sorted(row["at"] for row in rows)


async def next_round(world: World) -> Rest:
    """Everything on hold is looked at, and then sent again."""
    await until_due(world, "hold")
    return await until_due(world, "waiting")


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

    @pytest.mark.parametrize(("kind", "rest"), [("complete 500", LAG_S), ("reset", H)])
    async def test_broken_whole_is_found_by_parts_of_what_broke(self, world: World, kind: str, rest: float) -> None:
        world.lags(LAG_S)
        world.fault(route="POST /lists/{id}", contains=BAD, **FAULTS[kind])
        await wish(world)
        written: list[int] = []
        async with world.running():
            rests = await at_rest(world)
            written.append(rests.done)
            while rests.done < 499:
                until = await due(world, "hold")
                assert len(until) <= 1, "the rows of one call are due together"
                assert all(one <= world.clock.now() + timedelta(seconds=rest) for one in until)
                rests = await next_round(world)
                written += [rests.done] if rests.done not in written else []
            # Round 1: nothing. Then always at least five of eight of what is left.
            assert written[0] == 0 and written[1] >= 500 * 5 // 8
            assert len(written) <= 1 + 6
            assert rests.bad in ("hold", "waiting") and rests.call_group
            for _ in range(60):
                if rests.bad == "parked":
                    break
                rests = await next_round(world)
        item = await world.item("0137")
        assert (item["state"], item["reason"], item["attempts"]) == ("parked", "ATTEMPTS_EXHAUSTED", 12)
        assert item["code"] == ("MC_FAULT" if kind == "complete 500" else "VENDOR_CONNECTION_LOST")
        calls = await tried(world)
        shown = "\n".join(map(str, calls))
        # The search is over with the call in which the bad row is alone; from then on it pays for nobody but itself.
        search = sum(call.hunts for call in calls) + 1
        assert search <= 16, shown
        assert batch_calls(world) - search <= 12, shown
        assert sum(call.bad for call in calls) == 12 and batch_calls(world) == len(calls), shown
        assert len(world.audience()) == 499
        assert await world.told() == world.applied()
        assert await world.rows("select from flow.target_lease") == []
        print(f"\n{kind}: written after each round {written}, {search} calls until it stood alone")


class TestPoison:
    async def test_one_alone_backs_off_and_ends_with_the_vendors_words(self, world: World) -> None:
        world.fault(route="POST /lists/{id}", **FAULTS["complete 500"])
        await world.store(*(world.command(str(n), f"m{n}@ex.org") for n in range(3)))
        async with world.running():
            await at_rest(world)
            for _ in range(60):
                if await states(world) == {"parked": 3}:
                    break
                await next_round(world)
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
            await asyncio.sleep(SEVERAL_SWEEPS_S)
            world.advance(READ_LAG.total_seconds())
            await world.quiet()
        # Judged by the vendor's clock, which the pace of this machine does not change.
        (broke,) = (at(call) for call in world.calls() if call["route"] == BATCH)
        looks = [at(call) for call in world.calls() if "members" in call["route"]]
        assert looks and min(looks) >= broke + READ_LAG
        assert (await world.item("1"))["state"] == "done"
        assert await world.told() == world.applied()

    async def test_where_everything_is_refused_not_every_row_is_tried_alone(self, world: World) -> None:
        world.fault(route="POST /lists/{id}", **FAULTS["refused whole"])
        await wish(world, 300)
        await world.settled(within=60)
        assert await states(world) == {"dead": 300}
        assert batch_calls(world) <= 25


def at(call: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(call["at"])


async def _is(world: World, state: str) -> bool:
    return bool(await world.rows("select from flow.work_item where state = $1", state))
