"""Two ledgers that people edit on both sides, kept in step by pairs: the mapper and the writer judge one row in either direction."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.failures import Failure
from common.state.pool import transaction
from tests.support.database import Database
from tests.support.ledger.both import Both, both
from tests.support.ledger.process import LedgerProcess
from tests.support.ledger.vendor import wire
from tests.support.ledger.vendor.target import LedgerTarget
from vendors.acts import Done, Verdict

ANA = {"email": "ana@ex.org", "name": "Ana", "city": "Graz"}


@pytest.fixture
async def world(database: Database, ledger: LedgerProcess) -> AsyncIterator[Both]:
    async with both(database, ledger) as opened:
        yield opened


async def linked(world: Both) -> tuple[str, str]:
    """A person is entered on the left; our create is the only write."""
    left = world.make("left", **ANA)
    await world.quiet()
    (right,) = world.parties("right")
    assert await world.pairs() == [(left, right, "linked")]
    return left, right


class TestAPair:
    async def test_is_made_once_and_its_echo_writes_nothing(self, world: Both) -> None:
        _, right = await linked(world)
        assert world.parties("right")[right] == ANA
        assert world.writes() == 1

    async def test_takes_edits_of_either_side_to_the_other(self, world: Both) -> None:
        left, right = await linked(world)
        world.edit("left", left, city="Linz")
        await world.quiet()
        world.edit("right", right, name="Anna")
        await world.quiet()
        wanted = ANA | {"city": "Linz", "name": "Anna"}
        assert (world.parties("left")[left], world.parties("right")[right]) == (wanted, wanted)
        assert world.writes() == 3, "one write for each edit"

    async def test_keeps_edits_of_different_fields_at_once(self, world: Both) -> None:
        """R17: an edit of another field is no echo."""
        left, right = await linked(world)
        world.edit("left", left, city="Linz")
        world.edit("right", right, name="Anna")
        await world.quiet()
        wanted = ANA | {"city": "Linz", "name": "Anna"}
        assert (world.parties("left")[left], world.parties("right")[right]) == (wanted, wanted)

    async def test_goes_by_the_link_where_the_match_itself_is_edited(self, world: Both) -> None:
        left, right = await linked(world)
        world.edit("right", right, email="anna@ex.org")
        await world.quiet()
        assert world.parties("left") == {left: ANA | {"email": "anna@ex.org"}}
        assert world.parties("right") == {right: ANA | {"email": "anna@ex.org"}}

    async def test_decides_by_the_source_where_no_rule_says_otherwise(self, world: Both) -> None:
        left, right = await linked(world)
        world.edit("left", left, city="Linz")
        world.edit("right", right, city="Wien")
        await world.quiet()
        assert {world.parties("left")[left]["city"], world.parties("right")[right]["city"]} == {"Linz"}
        (lost,) = await world.world.rows("select * from flow.journal where reason = 'overridden_source'")
        assert lost["before"] == {"city": "Wien"}

    async def test_replayed_whole_writes_nothing(self, world: Both) -> None:
        left, right = await linked(world)
        world.edit("left", left, city="Linz")
        world.edit("right", right, name="Anna")
        await world.quiet()
        before = world.writes()
        world.heard = dict.fromkeys(world.heard, 0)
        await world.quiet()
        assert world.writes() == before

    async def test_sends_what_it_says_now_and_nothing_older(self, world: Both) -> None:
        """R15: the edit of the right side comes while a command for it waits, and is judged before that is sent."""
        left, right = await linked(world)
        world.edit("left", left, city="Linz")
        await world.turn()
        await world.turn()
        world.edit("left", left, city="Wien")
        world.edit("right", right, name="Anna")
        await world.quiet()
        wanted = ANA | {"city": "Wien", "name": "Anna"}
        assert (world.parties("left")[left], world.parties("right")[right]) == (wanted, wanted)


class TestABatch:
    async def test_of_twenty_pairs_takes_as_many_statements_as_one(self, world: Both) -> None:
        await self._told(world, 2)
        assert len(await self._told(world, 1)) == len(await self._told(world, 20))

    async def _told(self, world: Both, count: int) -> list[str]:
        """The mapper's statements for so many new records."""
        for number in range(count):
            world.make("left", email=f"{count}-{number}@ex.org", name="n", city="c")
        batch = [
            Delivered(one, RawRecord("changes.ledger", 0, at, b"k", b"", (), 0)) for at, one in enumerate(world.hooks())
        ]
        assert len(batch) == count
        said: list[str] = []
        async with transaction(world.world.pool) as tx:
            with tx.query_logger(lambda query: said.append(query.query)):
                await world.handler.store(batch, tx)
        return said


class TestByRule:
    @pytest.mark.parametrize(("rule", "city"), [("target", "Wien"), ("newest", "Wien")])
    async def test_the_winner_goes_to_both(
        self, database: Database, ledger: LedgerProcess, rule: str, city: str
    ) -> None:
        async with both(database, ledger, {"city": rule}) as world:
            left, right = await linked(world)
            world.edit("left", left, city="Linz")
            world.later()
            world.edit("right", right, city="Wien")
            await world.quiet()
            assert {world.parties("left")[left]["city"], world.parties("right")[right]["city"]} == {city}

    async def test_a_person_is_asked_and_the_answer_goes_to_both(
        self, database: Database, ledger: LedgerProcess
    ) -> None:
        """R20."""
        async with both(database, ledger, {"city": "ask"}) as world:
            left, right = await linked(world)
            world.edit("left", left, city="Linz")
            world.edit("right", right, city="Wien")
            await world.quiet()
            (asked,) = await world.questions()
            assert (asked["field"], asked["left_value"], asked["right_value"]) == ("city", "Linz", "Wien")
            await world.answer(asked, "right")
            await world.quiet()
            assert {world.parties("left")[left]["city"], world.parties("right")[right]["city"]} == {"Wien"}
            assert await world.questions() == []


class TestASpellingOfItsOwn:
    async def test_comes_to_rest(self, database: Database, ledger: LedgerProcess) -> None:
        """R15, R18: the right side writes names its own way; what it became is agreed, and not sent to and fro."""
        async with both(database, ledger, right={"titles": ["name"]}) as world:
            left = world.make("left", **(ANA | {"name": "ana maria"}))
            await world.quiet()
            (right,) = world.parties("right")
            assert world.parties("right")[right]["name"] == "Ana Maria"
            assert world.parties("left")[left]["name"] == "ana maria"
            before = world.writes()
            world.edit("right", right, city="Linz")
            await world.quiet()
            assert world.parties("left")[left] == {"email": "ana@ex.org", "name": "ana maria", "city": "Linz"}
            assert world.writes() == before + 1

    async def test_comes_to_rest_where_the_answer_tells_nothing_but_its_author(
        self, database: Database, ledger: LedgerProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """R18: the settled read that names us tells what a write became, and it is no edit of anybody's."""
        monkeypatch.setattr(LedgerTarget, "_verdict", told_by_its_author)
        async with both(database, ledger, right={"titles": ["name"]}) as world:
            left = world.make("left", **(ANA | {"name": "ana maria"}))
            await world.quiet()
            (right,) = world.parties("right")
            assert world.parties("right")[right]["name"] == "Ana Maria"
            assert world.parties("left")[left]["name"] == "ana maria"
            world.later()
            world.edit("left", left, name="ana ruth")
            await world.quiet()
            assert (world.parties("left")[left]["name"], world.parties("right")[right]["name"]) == (
                "ana ruth",
                "Ana Ruth",
            )
            before = world.writes()
            world.later()
            world.edit("right", right, city="Linz")
            await world.quiet()
            assert world.parties("left")[left] == {"email": "ana@ex.org", "name": "ana ruth", "city": "Linz"}
            assert world.writes() == before + 1


def told_by_its_author(self: LedgerTarget, told: wire.Record | Failure) -> Verdict:
    """As a vendor answers that tells when the record was changed, and by whom."""
    if isinstance(told, Failure):
        return told
    return Done(id=str(told["id"]), stamp=wire.stamp(told), author=str(told["author"]))


class TestTwoThatMeet:
    async def test_become_one_pair_and_no_third(self, world: Both) -> None:
        """R21: the same person is entered on both sides at once."""
        left, right = world.make("left", **ANA), world.make("right", **(ANA | {"city": "Linz"}))
        await world.quiet()
        assert await world.pairs() == [(left, right, "linked")]
        assert (world.parties("left"), world.parties("right")) == ({left: ANA}, {right: ANA})

    async def test_a_second_of_the_same_match_is_nobodys_counterpart(self, world: Both) -> None:
        """R21: one counterpart for each."""
        left, right = await linked(world)
        second = world.make("left", **(ANA | {"city": "Linz"}))
        await world.quiet()
        assert sorted(await world.pairs()) == sorted([(left, right, "linked"), (second, "", "alone")])
        assert world.parties("right") == {right: ANA}

    async def test_while_one_is_being_created_wait_for_its_link(self, world: Both) -> None:
        """R21: one lease for the match over both systems."""
        world.ledger.faults({"kind": "slow", "route": "write", "entity": "party", "times": 1, "seconds": 1.8})
        left = world.make("left", **ANA)
        async with world.world.running():
            await world.until_sent()
            twin = world.make("right", **(ANA | {"city": "Linz"}))
            await world.turn()
            await world.turn()
        await world.quiet()
        (made,) = set(world.parties("right")) - {twin}
        assert sorted(await world.pairs()) == sorted([(left, made, "linked"), ("", twin, "alone")])


class TestOneThatIsGone:
    async def test_is_not_made_again_by_an_edit_of_the_other(self, world: Both) -> None:
        """R22."""
        left, right = await linked(world)
        world.delete("right", right)
        await world.quiet()
        assert await world.pairs() == [(left, right, "ended_right")]
        world.edit("left", left, city="Linz")
        await world.quiet()
        assert world.parties("right") == {}
        (asked,) = await world.questions()
        assert (asked["kind"], asked["field"]) == ("gone", "")

    async def test_is_made_anew_where_a_person_says_so(self, world: Both) -> None:
        left, right = await linked(world)
        world.delete("right", right)
        await world.quiet()
        world.edit("left", left, city="Linz")
        await world.quiet()
        (asked,) = await world.questions()
        await world.answer(asked, "left")
        await world.quiet()
        ((made, fields),) = world.parties("right").items()
        assert (made != right, fields) == (True, ANA | {"city": "Linz"})
        assert await world.pairs() == [(left, made, "linked")]

    async def test_is_followed_by_a_new_record_with_its_match(self, world: Both) -> None:
        """R22: it takes the dead one's place."""
        left, right = await linked(world)
        world.delete("right", right)
        await world.quiet()
        new = world.make("right", **(ANA | {"city": "Linz"}))
        await world.quiet()
        assert await world.pairs() == [(left, new, "linked")]
        assert (world.parties("left"), world.parties("right")) == ({left: ANA}, {new: ANA})


class TestAnOutcomeThatNobodySaw:
    @pytest.mark.parametrize("fault", ["ghost", "lost"])
    async def test_of_a_create_makes_one_pair(self, world: Both, fault: str) -> None:
        """R21, R2: an open create is settled before anything else."""
        world.ledger.faults({"kind": fault, "route": "write", "entity": "party", "times": 1})
        left = world.make("left", **ANA)
        await world.quiet()
        (right,) = world.parties("right")
        assert await world.pairs() == [(left, right, "linked")]

    async def test_of_an_update_is_looked_at_and_loses_no_edit(self, world: Both) -> None:
        """R15, R16: what is seen meanwhile waits, and the look agrees to nothing but what has landed."""
        left, right = await linked(world)
        world.ledger.faults({"kind": "ghost", "route": "write", "entity": "party", "times": 1})
        world.edit("left", left, city="Linz")
        async with world.world.running():
            await world.until_held()
        world.edit("right", right, city="Wien")
        await world.quiet()
        cities = {world.parties("left")[left]["city"], world.parties("right")[right]["city"]}
        assert cities == {"Linz"}, "nobody saw that ours had landed, so both have edited it"
        lost = await world.world.rows("select before from flow.journal where reason = 'overridden_source'")
        assert {"city": "Wien"} in [row["before"] for row in lost]


class TestByHand:
    async def test_two_that_do_not_match_are_one_from_then_on(self, world: Both) -> None:
        """Both were seen before somebody said that they are one; what was seen of them is not asked for again."""
        left = world.make("left", email="", name="Ana", city="Graz")
        right = world.make("right", email="", name="Anna", city="Graz")
        await world.quiet()
        assert world.writes() == 0, "without an address nobody can be found or made"
        await world.link(left, right)
        await world.quiet()
        assert await world.pairs() == [(left, right, "linked")]
        world.edit("right", right, city="Linz", email="ana@ex.org")
        await world.quiet()
        wanted = {"name": "Ana", "city": "Linz", "email": "ana@ex.org"}
        assert (world.parties("left"), world.parties("right")) == ({left: wanted}, {right: wanted})

    async def test_the_place_of_one_that_is_gone_is_taken(self, world: Both) -> None:
        """R22: the survivor has a counterpart again, and nobody has to say what shall become of it."""
        left = world.make("left", **ANA)
        await world.quiet()
        (gone,) = world.parties("right")
        world.delete("right", gone)
        await world.quiet()
        world.edit("left", left, city="Linz")
        await world.quiet()
        assert [one["kind"] for one in await world.questions()] == ["gone"]
        right = world.make("right", email="other@ex.org", name="Other", city="Wels")
        await world.link(left, right)
        await world.quiet()
        assert await world.pairs() == [(left, gone, "unlinked"), (left, right, "linked")]
        assert await world.questions() == []
        assert (list(world.parties("left")), list(world.parties("right"))) == ([left], [right])
        assert world.parties("left")[left] == world.parties("right")[right]

    async def test_who_gets_another_counterpart_meanwhile_keeps_that(self, world: Both) -> None:
        """R21: the create had begun when the link was made, and a record has one counterpart."""
        left = world.make("left", **ANA)
        await world.turn()
        await world.intake()
        other = world.make("right", email="other@ex.org", name="Other", city="Wels")
        await world.link(left, other)

        async def made() -> bool:
            return bool(await world.world.rows("select from flow.pair where exclusive and state = 'linked'"))

        async with world.world.running():
            await world.world.until(made, "it is not made")
        await world.quiet()
        (right,) = [id for id in world.parties("right") if id != other]
        assert (left, right, "linked") in await world.pairs()
        assert (left, other, "unlinked") in await world.pairs()
        assert len(world.parties("left")) == len(world.parties("right")) == 2


class TestAFreshInstall:
    async def test_with_the_links_of_the_old_one_creates_nothing(self, world: Both) -> None:
        left, right = await linked(world)
        world.edit("right", right, city="Linz")
        await world.quiet()
        exported = await world.exported()
        before = world.writes()
        await world.forget_everything()
        await world.imported(exported)
        world.heard = dict.fromkeys(world.heard, 0)
        await world.quiet()
        assert await world.pairs() == [(left, right, "linked")]
        assert world.writes() == before
