"""What people decide of records that nobody can match, as one queue with conflicts and survivors (decision 70)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from common.api.refusal import Refusal
from common.state.pool import transaction
from console.state import notifications, queues
from console.use_cases.bulk_reviews import BulkWish
from tests.support.database import Database
from tests.support.ledger.both import BY_ADDRESS, Both, both
from tests.support.ledger.process import LedgerProcess

ANA = {"email": "ana@ex.org", "name": "Ana", "city": "Graz"}


@pytest.fixture
async def world(database: Database, ledger: LedgerProcess) -> AsyncIterator[Both]:
    async with both(database, ledger, match=BY_ADDRESS) as opened:
        yield opened


async def of(world: Both, side: str, id: str, kind: str = "match", sync: str = "") -> Any:
    found, _ = await world.reviews.list(kind, sync, None, 100)
    return next(one for one in found if (one["left_id"], one["right_id"]) == ((id, "") if side == "left" else ("", id)))


async def two_of_one_address(world: Both) -> tuple[str, str, str]:
    await world.both_read()
    first, second = world.make("left", **ANA), world.make("left", **(ANA | {"name": "Eva"}))
    right = world.make("right", **ANA)
    await world.quiet()
    return first, second, right


async def shown(world: Both) -> tuple[int, tuple[str, ...]]:
    """What a sync says of its questions, and of sides that are not read."""
    async with transaction(world.world.owner) as tx:
        queued = (await queues.of_syncs(tx, ["s1"]))["s1"]
    return queued.asked, queued.unread_sides


class TestASync:
    async def test_says_what_has_to_be_read_first_and_how_many_questions_wait(self, world: Both) -> None:
        assert await shown(world) == (0, ("there",))
        await two_of_one_address(world)
        assert await shown(world) == (3, ())


class TestAMatch:
    async def test_is_shown_with_its_candidates_and_linked_as_decided(self, world: Both) -> None:
        first, second, right = await two_of_one_address(world)
        asked = await of(world, "left", first, sync="s1")
        shown = await world.reviews.show(asked["id"])
        assert list(shown.answers) == [f"link:{right}", "new", "leave"]
        assert {(one.side, one.id) for one in shown.candidates} == {("left", first), ("left", second), ("right", right)}
        with pytest.raises(Refusal, match="ANSWER_UNKNOWN"):
            await world.reviews.decide(asked["id"], "link:99", "eva", "")
        await world.reviews.decide(asked["id"], f"link:{right}", "eva", "same person")
        await world.quiet()
        assert (first, right, "linked") in await world.pairs()
        (told,) = await world.world.rows("select who, words from flow.journal where step = 'linked'")
        assert tuple(told) == ("eva", "same person")
        found, _ = await world.reviews.list("", "", None, 100)
        assert [one["left_id"] for one in found] == [second]
        assert list((await world.reviews.show(found[0]["id"])).answers) == ["new", "leave"], (
            "its candidate has a counterpart"
        )
        assert world.writes() == 0

    async def test_holds_for_what_it_showed_and_is_asked_anew_under_another_number(self, world: Both) -> None:
        first, second, right = await two_of_one_address(world)
        asked = await of(world, "right", right)
        await world.reviews.decide(asked["id"], "leave", "eva", "")
        await world.quiet()
        world.edit("right", right, city="Linz")
        await world.quiet()
        found, _ = await world.reviews.list("", "", None, 100)
        assert {one["left_id"] for one in found} == {first, second}
        world.make("left", **ANA)
        await world.quiet()
        again = await of(world, "right", right)
        assert again["id"] != asked["id"]
        with pytest.raises(Refusal, match="QUESTION_UNKNOWN"):
            await world.reviews.decide(asked["id"], "leave", "eva", "")


class TestOneOfWhomNothingIsKnown:
    async def test_is_linked_to_whom_a_person_names(self, world: Both) -> None:
        left = world.make("left", email="", name="Ana", city="Graz")
        right = world.make("right", email="bo@ex.org", name="Ana", city="Graz")
        await world.hear(*world.hooks())
        await world.both_read()
        asked = await of(world, "left", left, "unmatched")
        await world.reviews.decide(asked["id"], f"link:{right}", "eva", "")
        await world.quiet()
        assert (left, right, "linked") in await world.pairs()
        assert (await world.reviews.list("", "", None, 100))[0] == []


async def merged(world: Both) -> tuple[str, str]:
    """Two of one address on the right, of which one is linked; a person merges that one into the other."""
    await world.both_read()
    left = world.make("left", **ANA)
    await world.quiet()
    ((loser, _),) = world.parties("right").items()
    survivor = world.make("right", **(ANA | {"name": "Ana B."}))
    await world.quiet()
    world.edit("right", survivor, city="Linz")
    world.delete("right", loser)
    await world.quiet()
    return left, survivor


class TestAMerge:
    async def test_proposes_the_survivor_and_nothing_is_made_before_a_person_agrees(self, world: Both) -> None:
        left, survivor = await merged(world)
        written = world.writes()
        world.edit("left", left, city="Wien")
        await world.quiet()
        ((asked,), _) = await world.reviews.list("", "s1", None, 100)
        shown = await world.reviews.show(asked["id"])
        assert (asked["kind"], asked["right_id"], asked["left_value"]) == ("merge", survivor, [left]), "one question"
        assert list(shown.answers) == [f"link:{left}", "new", "leave"]
        assert world.writes() == written
        await world.reviews.decide(asked["id"], f"link:{left}", "eva", "merged")
        await world.quiet()
        assert [one for one in await world.pairs() if one[2] == "linked"] == [(left, survivor, "linked")]
        assert (list(world.parties("left")), list(world.parties("right"))) == ([left], [survivor])
        assert world.parties("left")[left] == world.parties("right")[survivor]
        assert (await world.reviews.list("", "", None, 100))[0] == []

    async def test_that_was_none_leaves_both_without_a_counterpart(self, world: Both) -> None:
        left, survivor = await merged(world)
        ((asked,), _) = await world.reviews.list("merge", "s1", None, 100)
        await world.reviews.decide(asked["id"], "leave", "eva", "two persons")
        await world.quiet()
        world.edit("right", survivor, city="Bonn")
        world.edit("left", left, city="Wien")
        await world.quiet()
        ((asked,), _) = await world.reviews.list("", "s1", None, 100)
        assert (asked["kind"], asked["left_id"]) == ("gone", left)
        assert (len(world.parties("left")), len(world.parties("right"))) == (1, 1)


class TestASurvivor:
    async def test_and_a_conflict_are_in_the_same_queue(self, database: Database, ledger: LedgerProcess) -> None:
        async with both(database, ledger, {"city": "ask"}) as world:
            left = world.make("left", **ANA)
            await world.quiet()
            (right,) = world.parties("right")
            world.edit("left", left, city="Linz")
            world.edit("right", right, city="Wien")
            await world.quiet()
            ((asked,), _) = await world.reviews.list("conflict", "s1", None, 100)
            await world.reviews.decide(asked["id"], "right", "eva", "she moved")
            await world.quiet()
            assert {world.parties("left")[left]["city"], world.parties("right")[right]["city"]} == {"Wien"}
            world.delete("right", right)
            await world.quiet()
            world.edit("left", left, city="Graz")
            await world.quiet()
            ((asked,), _) = await world.reviews.list("", "", None, 100)
            await world.reviews.decide(asked["id"], "new", "eva", "")
            await world.quiet()
            assert list(world.parties("right").values()) == [ANA]


class TestAFormThatNobodyKnows:
    async def test_is_asked_about_and_only_that_field_waits(self, database: Database, ledger: LedgerProcess) -> None:
        async with both(database, ledger, right={"keeps": {"Graz": "Linz", "Bonn": "Linz"}}) as world:
            left = world.make("left", **ANA)
            await world.quiet()
            (right,) = world.parties("right")
            world.edit("left", left, name="Eva")
            await world.quiet()
            assert (world.parties("left")[left], world.parties("right")[right]) == (
                ANA | {"name": "Eva"},
                ANA | {"name": "Eva", "city": "Linz"},
            )
            await _decided(world, ("Graz", "Linz"), "keep")
            assert world.writes() == 2, "each has its own"

            world.edit("left", left, city="Bonn")
            await world.quiet()
            await _decided(world, ("Bonn", "Linz"), "take")
            assert world.parties("left")[left] == ANA | {"name": "Eva", "city": "Linz"}
            assert world.writes() == 4, "what was asked, and what was said"


async def _decided(world: Both, values: tuple[str, str], answer: str) -> None:
    """The only question, with its answers by name; nothing is asked any more afterwards."""
    ((asked,), _) = await world.reviews.list("unexplained", "s1", None, 100)
    assert (asked["field"], (asked["left_value"], asked["right_value"])) == ("city", values)
    shown = await world.reviews.show(asked["id"])
    assert (sorted(shown.answers), shown.answers["take"]) == (
        ["keep", "take"],
        "left (party) gets what right (party) shows.",
    )
    await world.reviews.decide(asked["id"], answer, "eva", "she knows")
    await world.quiet()
    assert (await world.reviews.list("", "", None, 100))[0] == []


class TestAllOfAKind:
    async def test_that_were_counted_are_decided_in_steps_and_what_was_asked_later_is_not(self, world: Both) -> None:
        await two_of_one_address(world)
        wish = BulkWish("match", "s1", "leave", "none of them")
        counted = await world.bulk().plan(wish)
        assert (counted.decided, counted.left) == (0, 3)
        world.make("left", **ANA)
        await world.quiet()
        late = await world.bulk().step(wish, counted.until, "eva")
        assert (late.decided, late.left) == (0, 0), "each of them has one more candidate by now"
        counted = await world.bulk().plan(wish)
        first = await world.bulk(3).step(wish, counted.until, "eva")
        last = await world.bulk(3).step(wish, counted.until, "eva")
        assert [(one.decided, one.left) for one in (first, last)] == [(3, 1), (1, 0)]
        told = await world.world.rows("select who, words, reason from flow.journal where step = 'linked'")
        assert [tuple(one) for one in told] == [("eva", "none of them", "answered_leave")] * 4
        await world.quiet()
        for id in world.parties("left"):
            world.edit("left", id, city="Linz")
        await world.quiet()
        assert ((await world.reviews.list("", "", None, 100))[0], world.writes()) == ([], 0)

    async def test_that_were_there_before_are_made_on_the_other_side_at_once(
        self, database: Database, ledger: LedgerProcess
    ) -> None:
        async with both(database, ledger, match=BY_ADDRESS[:1]) as world:
            for number in range(3):
                world.make("left", email=f"{number}@ex.org", name="n", city="c")
            await world.hear(*world.hooks())
            await world.both_read()
            counted = await world.bulk().plan(BulkWish("unmatched", "s1", "new"))
            for other in (BulkWish("unmatched", "s2", "new"), BulkWish("match", "s1", "new")):
                assert (await world.bulk().step(other, counted.until, "eva")).decided == 0
            with pytest.raises(Refusal, match="ANSWER_UNKNOWN"):
                await world.bulk().plan(BulkWish("unmatched", "s1", "link:1"))
            assert (await world.bulk().step(BulkWish("unmatched", "s1", "new"), counted.until, "eva")).decided == 3
            await world.quiet()
            made = [one["email"] for one in world.parties("right").values()]
            assert sorted(made) == ["0@ex.org", "1@ex.org", "2@ex.org"]


class TestQuestions:
    async def test_that_were_asked_since_a_moment_are_listed_page_by_page(self, world: Both) -> None:
        await two_of_one_address(world)
        everything, _ = await world.reviews.list("", "", None, 100)
        since = max(one["asked_at"] for one in everything)
        found, after = await world.reviews.list("", "", None, 1, since)
        while after is not None:
            page, after = await world.reviews.list("", "", after, 1, since)
            found = [*found, *page]
        assert [one["id"] for one in found] == [one["id"] for one in everything if one["asked_at"] >= since]
        assert (await world.reviews.list("", "", None, 100, since + timedelta(seconds=1)))[0] == []

    async def test_that_are_new_are_told_of_once_an_hour_and_no_more_when_decided(self, world: Both) -> None:
        await two_of_one_address(world)
        now = world.world.clock.now()

        async def told(at: Any) -> list[Any]:
            async with transaction(world.world.owner) as tx:
                await notifications.tell_of_states(tx, at)
            return list(
                await world.world.rows(
                    "select code, message, resolved_at from core.notification where kind = 'review.asked' order by id"
                )
            )

        await world.world.execute("delete from core.notification")
        await told(now)
        (first,) = await told(now + timedelta(minutes=10))
        assert (first["code"], first["message"][:13]) == ("s1", "3 questions o")
        assert len(await told(now + timedelta(hours=2))) == 1, "nothing new was asked"
        for one in (await world.reviews.list("", "", None, 100))[0]:
            await world.reviews.decide(one["id"], "leave", "eva", "")
        assert [row["resolved_at"] is None for row in await told(now + timedelta(hours=3))] == [False]
