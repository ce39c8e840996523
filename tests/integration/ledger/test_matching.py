"""Records of both sides that are one already: held against each other by what both have told, before anybody is written (decision 69)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.state.pool import transaction
from tests.support.database import Database
from tests.support.ledger.both import BY_ADDRESS, Both, both
from tests.support.ledger.process import LedgerProcess

ANA = {"email": "ana@ex.org", "name": "Ana", "city": "Graz"}


@pytest.fixture
async def world(database: Database, ledger: LedgerProcess) -> AsyncIterator[Both]:
    async with both(database, ledger, match=BY_ADDRESS) as opened:
        yield opened


async def questions(world: Both) -> dict[str, list[str]]:
    """By side and record, the kind and whom it names."""
    rows = await world.world.rows(
        """select case when p.left_id <> '' then 'left ' || p.left_id else 'right ' || p.right_id end as record, q.kind, q.left_value, q.right_value from flow.pair_question q
             join flow.pair p on p.id = q.pair where q.winner = '' and q.field = ''"""
    )
    return {row["record"]: [row["kind"], *row["left_value"], *row["right_value"]] for row in rows}


async def linked(world: Both) -> set[tuple[str, str, str]]:
    rows = await world.world.rows("select left_id, right_id, rule from flow.pair where state = 'linked'")
    return {tuple(row) for row in rows}


class TestBeforeBothSidesWereRead:
    async def test_nobody_is_judged_and_then_everybody(self, world: Both) -> None:
        left, right = world.make("left", **ANA), world.make("right", **ANA)
        new = world.make("left", **(ANA | {"email": "bo@ex.org"}))
        await world.quiet()
        assert (world.writes(), world.commands) == (0, [])
        told = {row["reason"] for row in await world.world.rows("select reason from flow.run_record")}
        assert told == {"sides_unread"}
        await world.both_read()
        await world.quiet()
        assert (left, right, "email = email") in await linked(world)
        assert {one["email"] for one in world.parties("right").values()} == {"ana@ex.org", "bo@ex.org"}
        assert (world.writes(), len(world.parties("left")), new in world.parties("left")) == (1, 2, True)


class TestOneOnEachSide:
    async def test_is_linked_whatever_the_case_of_its_address_and_nothing_is_asked_of_anybody(
        self, world: Both
    ) -> None:
        await world.both_read()
        left = world.make("left", **(ANA | {"email": " Ana@Ex.org"}))
        right = world.make("right", **ANA)
        await world.hear(*world.hooks())
        assert await linked(world) == {(left, right, "email = email")}
        (row,) = await world.world.rows("select * from flow.journal where step = 'linked'")
        assert (row["reason"], row["record"], row["target_key"]) == ("match", left, right)
        assert "ana@ex.org" not in str(dict(row))
        before = len(world.ledger.calls())
        await world.quiet()
        assert world.writes() <= 1, "the spelling of an address, at most"
        assert [one for one in world.ledger.calls()[before:] if one["route"] == "find"] == []

    async def test_is_linked_by_a_number_before_any_address(self, world: Both) -> None:
        await world.both_read()
        right, other = world.make("right", **(ANA | {"email": "a@ex.org"})), world.make("right", **ANA)
        left = world.make("left", **ANA, ref=right)
        await world.hear(*world.hooks())
        assert await linked(world) == {(left, right, "ref = id")}
        assert set(await questions(world)) == {f"right {other}"}, "its address is another one's"

    async def test_told_by_two_mappers_at_once_is_one_pair(self, world: Both) -> None:
        await world.both_read()
        for number in range(6):
            world.make("left", **(ANA | {"email": f"{number}@ex.org"}))
            world.make("right", **(ANA | {"email": f"{number}@ex.org"}))
        hooks = world.hooks()
        halves = [one for one in hooks if one.connection == "left"], [one for one in hooks if one.connection == "right"]
        await asyncio.gather(*(world.hear(*half) for half in halves))
        assert len(await linked(world)) == 6
        await world.quiet()
        assert world.writes() == 0

    async def test_whose_counterpart_is_filtered_out_or_gone_has_none(
        self, database: Database, ledger: LedgerProcess
    ) -> None:
        async with both(database, ledger, match=BY_ADDRESS, filter="city != 'Linz'") as world:
            await world.both_read()
            world.make("right", **(ANA | {"city": "Linz"}))
            gone = world.make("right", **(ANA | {"email": "bo@ex.org"}))
            await world.hear(*world.hooks())
            world.delete("right", gone)
            await world.hear(*world.hooks())
            await world.reads()
            world.make("left", **(ANA | {"email": "bo@ex.org"}))
            world.make("left", **ANA)
            await world.hear(*world.hooks())
            assert (await linked(world), await questions(world)) == (set(), {})


class TestSeveral:
    async def test_are_asked_about_and_nothing_of_them_is_written(self, world: Both) -> None:
        await world.both_read()
        first, second = world.make("left", **ANA), world.make("left", **(ANA | {"name": "Eva"}))
        right = world.make("right", **ANA)
        other = world.make("left", **(ANA | {"email": "bo@ex.org"}))
        await world.quiet()
        named = ["match", *sorted((first, second)), right]
        assert await questions(world) == {f"left {first}": named, f"left {second}": named, f"right {right}": named}
        assert {one["email"] for one in world.parties("right").values()} == {"ana@ex.org", "bo@ex.org"}
        assert (world.writes(), other in world.parties("left")) == (1, True)

    async def test_on_one_side_alone_are_asked_about_too(self, world: Both) -> None:
        await world.both_read()
        first, second = world.make("left", **ANA), world.make("left", **ANA)
        await world.quiet()
        assert set(await questions(world)) == {f"left {first}", f"left {second}"}
        assert world.writes() == 0

    async def test_of_whom_one_comes_later_ask_about_all_of_them(self, world: Both) -> None:
        """Its create has not begun when the second comes; what it was to be waits."""
        await world.both_read()
        first = world.make("left", **ANA)
        await world.hear(*world.hooks())
        second = world.make("left", **ANA)
        await world.quiet()
        assert set(await questions(world)) == {f"left {first}", f"left {second}"}
        assert world.writes() == 0

    async def test_are_one_again_once_the_other_has_another_address(self, world: Both) -> None:
        await world.both_read()
        first, second = world.make("left", **ANA), world.make("left", **ANA)
        right = world.make("right", **ANA)
        await world.quiet()
        world.edit("left", second, email="eva@ex.org")
        await world.quiet()
        assert (first, right, "email = email") in await linked(world)
        assert await questions(world) == {}
        assert len(world.parties("right")) == 2

    async def test_one_of_whom_is_linked_already_is_no_candidate(self, world: Both) -> None:
        await world.both_read()
        left, right = world.make("left", **ANA), world.make("right", **ANA)
        await world.quiet()
        second = world.make("left", **ANA)
        await world.quiet()
        assert await linked(world) == {(left, right, "email = email")}
        assert set(await questions(world)) == {f"left {second}"}
        assert world.writes() == 0


class TestOneThatWasThereBefore:
    async def test_and_has_nothing_to_be_known_by_is_asked_about(self, world: Both) -> None:
        old = world.make("left", email="", name="Ana", city="Graz")
        await world.hear(*world.hooks())
        await world.both_read()
        new = world.make("left", email="", name="Eva", city="Graz")
        await world.quiet()
        assert await questions(world) == {f"left {old}": ["unmatched"]}
        assert new in world.parties("left")

    async def test_and_is_known_by_something_is_made_on_the_other_side(self, world: Both) -> None:
        world.make("left", **ANA)
        await world.hear(*world.hooks())
        await world.both_read()
        await world.quiet()
        assert (list(world.parties("right").values()), await questions(world)) == ([ANA], {})


class TestABatch:
    async def test_of_twenty_takes_as_many_statements_as_one(self, world: Both) -> None:
        await world.both_read()
        await self._told(world, 2)
        one, twenty = await self._told(world, 1), await self._told(world, 20)
        assert len(one) == len(twenty)

    async def _told(self, world: Both, count: int) -> list[str]:
        """The mapper's statements for so many new records on each side."""
        for number in range(count):
            for side in ("left", "right"):
                world.make(side, email=f"{count}-{number}@ex.org", name="n", city="c")
        batch: list[Delivered[Any]] = [
            Delivered(one, RawRecord("changes.ledger", 0, at, b"k", b"", (), 0)) for at, one in enumerate(world.hooks())
        ]
        said: list[str] = []
        async with transaction(world.world.pool) as tx:
            with tx.query_logger(lambda query: said.append(query.query)):
                await world.handler.store(batch, tx)
        assert len(await linked(world)) >= count
        return said
