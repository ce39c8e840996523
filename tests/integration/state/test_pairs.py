"""Pairs that are edited on both sides, in PostgreSQL: every judgement locks the row, and what is asked is a row somebody answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, get_args

import pytest

from common.clock import FixedClock
from common.journal import write
from common.pairs import pair as pairs
from common.pairs.merging import SIDES, Rule, SideName
from common.pairs.pair import Judgement
from common.pairs.sides import Observation
from common.state.pairs import PairEnd, PairRow, judge, lock, save, survivor_edited
from common.state.pool import Pool, close_pool, open_pool, transaction
from console.use_cases.questions import Questions
from tests.support.database import Database
from tests.unit.pairs.two_vendors import BEGAN, FIELDS, TwoVendors, Vendor

LEFT, RIGHT = PairEnd("books:7", "", "customer", "1"), PairEnd("crm:9", "", "contact", "77")
END: Mapping[SideName, PairEnd] = {"left": LEFT, "right": RIGHT}


async def make(pool: Pool) -> None:
    async with transaction(pool) as tx:
        await tx.execute("truncate flow.pair, flow.pair_question, flow.journal cascade")
        await tx.execute(
            """insert into flow.pair (left_account, left_entity, left_id, right_account, right_entity, right_id, exclusive, state, since, changed_at)
               values ('books:7', 'customer', '1', 'crm:9', 'contact', '77', true, 'linked', $1, $1)""",
            BEGAN,
        )


class Stored(TwoVendors):
    """The same world, with its pair in a row: what is not stored is forgotten after every judgement."""

    def __init__(self, runner: asyncio.Runner, owner: Pool, pool: Pool, console: Pool, *args: Any) -> None:
        self.runner, self.pool, self.questions = runner, pool, Questions(console, FixedClock(BEGAN))
        runner.run(make(owner))
        super().__init__(*args)

    def judge(self) -> Judgement:
        found: Judgement = self.runner.run(self._judged())
        self.asked = dict(found.merged.asks)
        self.journal += found.overridden
        return found

    async def _judged(self) -> Judgement:
        async with transaction(self.pool) as tx:
            (row,) = await lock(tx, [END[self.chance.choice(SIDES)]])
            found, entries = await judge(
                tx, row, self.pair, dict.fromkeys(FIELDS, self.rule), "left", lambda _, v: v, self.now
            )
            await write(tx, entries)
        async with transaction(self.pool) as tx:
            (row,) = await lock(tx, [LEFT, RIGHT])
            assert row.pair == found.pair, "what was stored is what was meant"
            self.pair = row.pair
        return found

    def say(self) -> None:
        self.runner.run(self._said())

    async def _said(self) -> None:
        winner: SideName = "right" if self.answers_right else "left"
        found, _ = await self.questions.list(None, 100)
        assert {one["field"]: (one["left_value"], one["right_value"]) for one in found} == self.asked
        for one in found:
            await self.questions.answer(one["pair"], one["field"], winner, "eva", "she knows")


@pytest.fixture
def world(database: Database) -> Iterator[Any]:
    with asyncio.Runner() as runner:
        owner = runner.run(open_pool(database.owner_url, name="test owner", size=2))
        pool = runner.run(open_pool(database.url("service"), name="mapper", size=4))
        console = runner.run(open_pool(database.url("console"), name="console", size=2))
        try:
            yield lambda *args: Stored(runner, owner, pool, console, *args)
        finally:
            for one in (owner, pool, console):
                runner.run(close_pool(one))


@pytest.mark.parametrize("rule", get_args(Rule))
class TestBothSidesEdited:
    def test_equal_when_quiet_no_edit_lost_then_no_more_writes(self, world: Any, rule: Rule) -> None:
        for seed in range(6):
            vendors = {"left": Vendor("values", "-"), "right": Vendor("author" if seed % 2 else "values", "+")}
            both = world(random.Random(seed), rule, vendors, bool(seed % 3))
            for _ in range(40):
                both.step()
            both.settle()
            if both.asked:
                both.say()
                both.settle()
            assert (both.apart(), both.lost_edits()) == ({}, []), seed
            assert both.writes <= 2 * sum(len(one.edits) for one in vendors.values()) + both.unknown
            assert both.replay() == []


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    await make(owner)
    await close_pool(owner)
    made = await open_pool(database.url("service"), name="mapper", size=4)
    yield made
    await close_pool(made)


@pytest.fixture
async def questions(database: Database) -> AsyncIterator[Questions]:
    made = await open_pool(database.url("console"), name="console", size=2)
    yield Questions(made, FixedClock(BEGAN))
    await close_pool(made)


async def only(pool: Pool) -> PairRow:
    async with transaction(pool) as tx:
        (row,) = await lock(tx, [RIGHT])
    return row


class TestTheRow:
    async def test_is_locked_from_either_end(self, pool: Pool) -> None:
        """R15: two judgements, one from each side, one after the other."""
        async with transaction(pool) as tx:
            (row,) = await lock(tx, [LEFT])
            other = asyncio.create_task(self._seen_at_right(pool))
            await asyncio.sleep(0.2)
            assert not other.done()
            await save(tx, row, pairs.seen(row.pair, "left", Observation(BEGAN, True, {"city": "a"})), BEGAN)
        await asyncio.wait_for(other, 30)
        both = (await only(pool)).pair
        assert (both.left.seen, both.right.seen) == ({"city": "a"}, {"city": "b"})

    async def _seen_at_right(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            (row,) = await lock(tx, [RIGHT])
            await save(tx, row, pairs.seen(row.pair, "right", Observation(BEGAN, True, {"city": "b"})), BEGAN)

    async def test_of_records_that_nobody_edits_on_both_sides_is_none_of_these(
        self, pool: Pool, database: Database
    ) -> None:
        owner = await open_pool(database.owner_url, name="test owner", size=2)
        async with transaction(owner) as tx:
            await tx.execute("update flow.pair set exclusive = false")
        await close_pool(owner)
        async with transaction(pool) as tx:
            assert await lock(tx, [LEFT]) == []


class TestQuestions:
    async def test_an_answer_holds_for_its_two_values(self, pool: Pool, questions: Questions) -> None:
        """R20: over a row, a person and another edit."""
        asked = await self._judged(pool, city=("a", "b"))
        assert dict(asked.merged.asks) == {"city": ("a", "b")}
        ((one,), after) = await questions.list(None, 10)
        assert (one["field"], one["left_value"], one["right_value"], after) == ("city", "a", "b", None)
        await questions.answer(one["pair"], "city", "right", "eva", "she moved")
        assert (await questions.list(None, 10))[0] == []
        assert (await self._judged(pool, city=("a", "b"))).merged.to_left == {"city": "b"}
        assert dict((await self._judged(pool, city=("c", "b"))).merged.asks) == {"city": ("c", "b")}
        assert len((await questions.list(None, 10))[0]) == 1

    async def test_goes_when_both_say_the_same(self, pool: Pool, questions: Questions) -> None:
        await self._judged(pool, city=("a", "b"))
        await self._judged(pool, city=("b", "b"))
        assert (await questions.list(None, 10))[0] == []

    async def _judged(self, pool: Pool, **values: tuple[str, str]) -> Judgement:
        """Both sides seen, each with its value, a second later than before."""
        async with transaction(pool) as tx:
            (row,) = await lock(tx, [LEFT])
            both, at = row.pair, BEGAN
            for name in SIDES:
                if (version := both.side(name).version) is not None:
                    at = max(at, version.stamp.replace(second=version.stamp.second + 1))
            for at_, name in enumerate(SIDES):
                both = pairs.seen(
                    both, name, Observation(at, True, {field: pair[at_] for field, pair in values.items()})
                )
            found, _ = await judge(tx, row, both, {"city": "ask"}, "left", lambda _, v: v, at)
        return found


class TestASurvivor:
    """R22."""

    async def test_its_edit_is_a_question_and_never_a_create(self, pool: Pool, questions: Questions) -> None:
        for _ in range(2):
            assert await self._edited(pool) is False
        ((one,), _) = await questions.list(None, 10)
        assert (one["kind"], one["field"]) == ("gone", "")
        await questions.answer(one["pair"], "", "left", "eva", "it was deleted by mistake")
        assert await self._edited(pool) is True

    async def test_that_shall_stay_alone_is_not_asked_about_again(self, pool: Pool, questions: Questions) -> None:
        await self._edited(pool)
        ((one,), _) = await questions.list(None, 10)
        await questions.answer(one["pair"], "", "right", "eva", "")
        assert await self._edited(pool) is False
        assert (await questions.list(None, 10))[0] == []

    async def _edited(self, pool: Pool) -> bool:
        async with transaction(pool) as tx:
            await tx.execute("update flow.pair set state = 'ended_right'")
            (row,) = await lock(tx, [LEFT])
            assert row.gone == "right"
            return await survivor_edited(tx, row, "left", BEGAN)
