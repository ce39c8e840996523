"""Pairs of which something is known that the mapper has not judged yet: what may be sent meanwhile, and what the next edit meets (R15)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.contracts.messages import ChangeEvent
from tests.support.database import Database
from tests.support.ledger.both import SIDES, Both, both
from tests.support.ledger.history import history
from tests.support.ledger.process import LedgerProcess

ANA = {"email": "ana@ex.org", "name": "Ana", "city": "Graz"}


@pytest.fixture
async def world(database: Database, ledger: LedgerProcess) -> AsyncIterator[Both]:
    async with both(database, ledger) as opened:
        yield opened


async def written_alone(world: Both, *, until: str) -> None:
    """What the commands that are there come to, with a mapper that is away: until there is such a pair."""
    await world.turn()
    await world.intake()
    async with world.world.running():
        await world.world.until(lambda: _is_there(world, until), until)


async def _is_there(world: Both, state: str) -> bool:
    return bool(await world.world.rows("select from flow.pair where state = $1 and owed", state))


async def same(world: Both) -> dict[str, Any]:
    """What both sides say of the only pair."""
    ((_, fields),) = world.parties("left").items()
    ((_, others),) = world.parties("right").items()
    assert fields == others, await story(world)
    return fields


async def story(world: Both) -> str:
    """All that happened to the only pair."""
    (left,), (right,) = world.parties("left"), world.parties("right")
    return await history(world, left, right)


async def revisions(world: Both) -> dict[str, int]:
    """The newest wish of the only record of each side."""
    return {
        row["source"]: row["revision"] for row in await world.world.rows("select source, revision from flow.work_item")
    }


async def overridden(world: Both) -> list[dict[str, Any]]:
    return [
        row["before"] for row in await world.world.rows("select before from flow.journal where reason like 'overr%'")
    ]


def of(side: str, hooks: list[ChangeEvent]) -> list[ChangeEvent]:
    return [one for one in hooks if one.connection == side]


class TestACreateThatWasLost:
    async def test_is_made_again_with_what_both_have_agreed_on(self, world: Both) -> None:
        """R15: a person's edit after it met a left side that seemed to be edited too, and lost to what nobody had written."""
        world.ledger.faults({"kind": "lost", "route": "write", "entity": "party", "times": 1})
        right = world.make("right", **ANA)
        await written_alone(world, until="linked")
        world.edit("right", right, name="Anna")
        await world.hear(*world.hooks())
        await world.quiet()
        assert await same(world) == ANA | {"name": "Anna"}
        assert await overridden(world) == []

    async def test_waits_for_the_judgement_where_nothing_is_planned(self, world: Both) -> None:
        """R15: the command has the values too, and they are not sent: they would be agreed to by nobody."""
        world.make("right", **ANA)
        await world.turn()
        await world.intake()
        await world.world.execute(
            "update flow.pair set judgement = jsonb_set(judgement, '{planned,left}', '{\"parts\": {}, \"raised\": true}'), owed = true"
        )

        async def given_back() -> bool:
            return bool(await world.world.rows("select from flow.work_item where state = 'waiting'"))

        async with world.world.running():
            await world.world.until(given_back, "it was not given back")
        assert world.parties("left") == {}
        await world.quiet()
        assert await same(world) == ANA


class TestALink:
    async def test_alone_is_no_new_wish(self, world: Both) -> None:
        """R15: it is judged before anybody has heard of the one that was made. What was wished whole is the pair's now, and is wished still."""
        world.make("left", **ANA)
        await written_alone(world, until="linked")
        assert not await world.settling.step()
        assert await revisions(world) == {"left": 1}
        await world.quiet()
        assert await same(world) == ANA
        assert await revisions(world) == {"left": 1, "right": 1}, await story(world)


class TestTwoThatMet:
    async def test_have_agreed_before_the_first_edit(self, world: Both) -> None:
        """R15: they were alike when they were linked, so what is told next is an edit of one of them."""
        _, right = world.make("left", **ANA), world.make("right", **ANA)
        await written_alone(world, until="linked")
        world.later()
        world.edit("right", right, name="Anna")
        await world.hear(*world.hooks())
        await world.quiet()
        assert await same(world) == ANA | {"name": "Anna"}
        assert await overridden(world) == []


class TestAnEditThatALookHasShown:
    async def test_is_judged_before_anything_is_written_over_it(self, world: Both) -> None:
        """R19: it lost to the source, and the journal has to tell of it."""
        left = world.make("left", **ANA)
        await world.quiet()
        (right,) = world.parties("right")
        world.later()
        world.edit("left", left, name="Ane")
        world.edit("right", right, name="Anna")
        hooks = world.hooks()
        await world.hear(*of("left", hooks))
        await world.world.execute("update flow.target_record set doubtful = true")
        await world.quiet()
        await world.hear(*of("right", hooks))
        await world.quiet()
        assert await same(world) == ANA | {"name": "Ane"}
        assert {"name": "Anna"} in await overridden(world)


class TestAWriteThatIsRefused:
    @pytest.mark.parametrize("side", SIDES)
    async def test_of_an_edit_is_sent_once_until_somebody_edits_again(self, world: Both, side: str) -> None:
        """It was raised anew after each refusal, ten times a second."""
        there = SIDES[side == "left"]
        world.make("left", **ANA)
        await world.quiet()
        (own,) = world.parties(side)
        world.ledger.arrange(there, refuses="Bad")
        before = world.writes()
        world.edit(side, own, name="Bad")
        await world.quiet()
        assert world.writes() == before + 1
        assert [
            row["state"] for row in await world.world.rows("select state from flow.work_item where code <> ''")
        ] == ["dead"]
        world.later()
        world.edit(side, own, name="Good")
        await world.quiet()
        assert await same(world) == ANA | {"name": "Good"}

    async def test_of_a_create_is_sent_once_until_somebody_edits_again(self, world: Both) -> None:
        world.ledger.arrange("right", refuses="Bad")
        left = world.make("left", **(ANA | {"name": "Bad"}))
        await world.quiet()
        assert world.writes() == 1
        world.later()
        world.edit("left", left, name="Good")
        await world.quiet()
        assert await same(world) == ANA | {"name": "Good"}

    async def test_by_an_outage_waits_as_long_as_any_other(self, world: Both) -> None:
        """Its schedule of retries is the work item's; a judgement does not shorten it."""
        world.ledger.faults({"kind": "throttled", "route": "write", "entity": "party", "times": 1})
        world.make("left", **ANA)
        await world.quiet()
        assert await same(world) == ANA
        assert world.writes() == 2, await story(world)
        assert (await revisions(world))["left"] == 1, await story(world)
