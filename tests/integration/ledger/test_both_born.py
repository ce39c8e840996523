"""Two records with one match, born on both sides at once: one pair, and nobody is created twice (R21)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from common.state.pool import DbConnection
from tests.support.database import Database
from tests.support.ledger.both import Both, both
from tests.support.ledger.history import history
from tests.support.ledger.process import LedgerProcess
from writing import paired
from writing.items import Item

ANA = {"email": "ana@ex.org", "name": "Ana", "city": "Graz"}


@pytest.fixture
async def world(database: Database, ledger: LedgerProcess) -> AsyncIterator[Both]:
    async with both(database, ledger) as opened:
        yield opened


async def held(world: Both, kind: str) -> str:
    """A record of the left side whose create nobody saw the end of: held, for as long as the test likes, as after a kill."""
    world.ledger.faults({"kind": kind, "route": "write", "entity": "party", "times": 1, "seconds": 0.5})
    left = world.make("left", **ANA)
    hold = "update flow.work_item set hold_until = now() + interval '1 hour' where state = 'hold'"
    async with world.world.running():
        await world.until_held()
        await world.world.execute(hold)
    return left


async def until_in(world: Both, side: str, *states: str) -> str:
    """Until the record that is to be written to this side has come to one of these."""
    found: list[str] = []

    async def come() -> bool:
        await world.turn()
        rows = await world.world.rows("select state from flow.work_item where side = $1", side)
        found[:] = [row["state"] for row in rows if row["state"] in states]
        return bool(found)

    async with world.world.running():
        await world.world.until(come, f"nothing for the {side} side is {states}")
    return found[0]


async def until_seen(world: Both, twin: str) -> None:
    """Until the right one has been heard of, and judged once more after that."""

    async def seen() -> bool:
        await world.turn()
        return ("", twin, "alone") in await world.pairs()

    async with world.world.running():
        await world.world.until(seen, "it is not heard of")
        await world.turn()
        await world.turn()


class TestWhileACreateIsOpen:
    async def test_nothing_is_wanted_of_who_is_born_there(self, world: Both) -> None:
        """R21: it may be what the create has made, until that has its end."""
        left = await held(world, "lost")
        twin = world.make("right", **ANA)
        await until_seen(world, twin)
        assert await world.world.rows("select from flow.wanted where connection = 'right'") == []
        assert sorted(await world.pairs()) == sorted([(left, "", "reserved"), ("", twin, "alone")])
        await world.world.time_passes()
        await world.quiet()
        assert await world.pairs() == [(left, twin, "linked")]
        assert (world.parties("left"), world.parties("right")) == ({left: ANA}, {twin: ANA})
        assert world.writes() == 1, "the one that was lost"

    async def test_its_match_is_nobody_elses_on_either_side(self, world: Both) -> None:
        """R21: one lease for the match over both systems, kept until the create has its end, for whoever was wanted before and has the match since."""
        twin = world.make("right", **{**ANA, "email": "eva@ex.org"})
        await world.hear(*world.hooks())
        assert len(world.waiting) == 1
        world.waiting = []  # It gets to no writer yet.
        left = await held(world, "lost")
        world.edit("right", twin, email=ANA["email"])
        assert await until_in(world, "left", "waiting", "done") == "waiting"
        assert sorted(await world.pairs()) == sorted([(left, "", "reserved"), ("", twin, "alone")])
        await world.world.time_passes()
        await world.quiet()
        assert await world.pairs() == [(left, twin, "linked")]
        assert (world.parties("left"), world.parties("right")) == ({left: ANA}, {twin: ANA})
        assert world.writes() == 1, "the one that was lost"

    @pytest.mark.parametrize("kind", ["ghost", "late"])
    async def test_and_has_landed_nobody_is_created_twice(self, world: Both, kind: str) -> None:
        """What our create has made and the person's own are two: that was so before anybody could know."""
        left = await held(world, kind)
        await until_seen(world, world.make("right", **ANA))

        async def landed() -> bool:
            return len(world.parties("right")) == 2

        await world.world.until(landed, "it does not land")
        await world.world.time_passes()
        await world.quiet()
        assert list(world.parties("left")) == [left]
        assert len(world.parties("right")) == 2
        assert [pair[0] for pair in await world.pairs() if pair[2] == "linked"] == [left]
        assert world.writes() == 1


async def ended_or_waiting(world: Both, task: asyncio.Task[None]) -> None:
    """Until it is over, or waits for somebody's lock."""

    async def so() -> bool:
        return task.done() or bool(await world.world.rows("select from pg_locks where not granted"))

    await world.world.until(so, "it neither ends nor waits")


class TestOneThatIsHeardOfWhileItsAnswerIsStored:
    @pytest.mark.parametrize("nth", [1, 2])
    async def test_is_one_pair_and_nothing_has_to_be_looked_at(
        self, world: Both, monkeypatch: pytest.MonkeyPatch, nth: int
    ) -> None:
        """R21: its hook comes after the pairs were locked that are known of it, and before ours says that it is its own."""
        lock, calls, hearing = paired.lock, list[int](), list[asyncio.Task[None]]()

        async def locked(tx: DbConnection, items: Sequence[Item], found: Sequence[tuple[Item, str]] = ()) -> Any:
            rows = await lock(tx, items, found)
            calls.extend([1] if found else [])
            if len(calls) == nth and not hearing:
                hearing.append(asyncio.create_task(world.hear(*world.hooks())))
                await ended_or_waiting(world, hearing[0])
            return rows

        left = world.make("left", **ANA)
        await world.turn()
        await world.intake()

        async def heard() -> bool:
            return bool(hearing) and hearing[0].done()

        monkeypatch.setattr(paired, "lock", locked)
        async with world.world.running():
            # No hook is heard meanwhile but at that moment.
            await world.world.until(heard, "its answer is not stored")
        await hearing[0]
        await world.quiet()
        (right,) = world.parties("right")
        told = await history(world, left, right)
        assert (await world.pairs(), world.writes()) == ([(left, right, "linked")], 1), told
        assert not await world.world.rows("select from flow.journal where step in ('held', 'settled')"), told


class TestOneThatNoLookFinds:
    async def test_is_met_by_what_we_have_heard_of_it(self, database: Database, ledger: LedgerProcess) -> None:
        """R21: the vendor's look-up lags behind the hook; whom we have heard of is read by id."""
        async with both(database, ledger, right={"lag_s": 3600.0}) as world:
            left, twin = await self._told(world)
            await until_in(world, "right", "done")
            assert await world.pairs() == [(left, twin, "linked")]
            await world.quiet()
            assert (world.parties("left"), world.parties("right")) == ({left: ANA}, {twin: ANA})
            assert world.writes() == 0

    async def test_is_not_met_where_it_is_another_by_now(self, database: Database, ledger: LedgerProcess) -> None:
        """What we have heard may be old: the read by id decides."""
        async with both(database, ledger, right={"lag_s": 3600.0}) as world:
            left, other = await self._told(world)
            world.edit("right", other, email="eva@ex.org")
            assert [one.record for one in world.hooks()] == [other], "and nobody hears of it"
            await until_in(world, "right", "done")
            (made,) = set(world.parties("right")) - {other}
            assert (left, made, "linked") in await world.pairs()

    async def _told(self, world: Both) -> tuple[str, str]:
        """Both are heard of, and the left one's turn comes first."""
        twin = world.make("right", **ANA)
        left = world.make("left", **ANA)
        await world.hear(*world.hooks())
        await world.settling.step()
        world.waiting = [one for one in world.waiting if one.source == "left"]
        assert len(world.waiting) == 1
        return left, twin
