"""What becomes of planned changes: a full call, one that is not, company, or a call of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

from common.contracts.ids import RecordId, RunId
from common.state.run_ends import Left
from tests.unit.writing.test_batches import row
from vendors.acts import Act
from vendors.deferred import Deferred
from writing.choice import Chosen, Rows, choose, jobs
from writing.items import BEHIND_LIVE, IN_FRONT

POLL, TODAY = "s.poll.7", "s.live.2026-11-27"


class Operations:
    least, most = 200, 500

    def takes(self, act: Act) -> bool:
        return act.action == "update"


OPERATIONS = cast(Deferred, Operations())


def changes(
    numbers: Iterable[int], run: str = POLL, *, priority: int = IN_FRONT, place: str = "list", action: str = "update"
) -> Rows:
    return [(numbered(n, run=run, priority=priority, place=place), Act(action, str(n), {})) for n in numbers]


def numbered(number: int, **so: Any) -> Any:
    one = row()
    one.item = replace(one.item, key=one.item.key._replace(record=RecordId(str(number))), **so)
    return one


def left(records: int, updated: int = 0, *, reading: bool = False) -> dict[RunId, Left]:
    return {RunId(POLL): Left(records, updated, reading, reading)}


def told(chosen: Chosen) -> tuple[list[int], int, int]:
    """How many are in each call, how many wait, and how many go alone."""
    return [len(one) for one in chosen.together], len(chosen.back), len(chosen.alone)


class TestOfARunOfMany:
    def test_full_calls_go_and_the_rest_waits(self) -> None:
        acts = changes(range(1200))
        assert told(choose(acts, OPERATIONS, left(2000))) == ([500, 500], 200, 0)

    def test_nobody_is_asked_about_where_all_calls_are_full(self) -> None:
        assert jobs(changes(range(1000)), OPERATIONS) == set()
        assert jobs(changes(range(1001)), OPERATIONS) == {POLL}
        assert jobs(changes(range(100), TODAY), OPERATIONS) == set()

    def test_what_has_waited_goes_whatever_its_number(self) -> None:
        assert told(choose(changes(range(3), priority=BEHIND_LIVE), OPERATIONS, left(3, 1997))) == ([3], 0, 0)

    def test_what_was_written_counts(self) -> None:
        assert told(choose(changes(range(3)), OPERATIONS, left(3, 197))) == ([], 3, 0)
        assert told(choose(changes(range(3)), OPERATIONS, left(3, 196))) == ([], 0, 3)

    def test_what_goes_another_way_does_not(self) -> None:
        """Few changes among many new ones."""
        acts = [*changes(range(5)), *changes(range(5, 400), action="create")]
        assert told(choose(acts, OPERATIONS, left(400))) == ([], 0, 400)
        assert told(choose(acts, OPERATIONS, left(600))) == ([], 5, 395)

    def test_what_is_written_once_more_after_its_end_goes_at_once(self) -> None:
        assert told(choose(changes([1]), OPERATIONS, left(0, 2000))) == ([], 0, 1)


class TestOfARunThatIsRead:
    def test_few_wait(self) -> None:
        assert told(choose(changes(range(20)), OPERATIONS, left(20, reading=True))) == ([], 20, 0)

    def test_few_that_have_waited_go_one_by_one(self) -> None:
        acts = changes(range(20), priority=BEHIND_LIVE)
        assert told(choose(acts, OPERATIONS, left(20, reading=True))) == ([], 0, 20)


class TestOfADay:
    def test_many_go_together_and_few_one_by_one(self) -> None:
        assert told(choose(changes(range(200), TODAY), OPERATIONS, {})) == ([200], 0, 0)
        assert told(choose(changes(range(199), TODAY), OPERATIONS, {})) == ([], 0, 199)

    def test_they_are_no_part_of_what_waits(self) -> None:
        acts = [*changes(range(100)), *changes(range(100, 250), TODAY)]
        assert told(choose(acts, OPERATIONS, left(2000))) == ([], 100, 150)

    def test_places_share_no_call(self) -> None:
        acts = [*changes(range(150), TODAY), *changes(range(150, 300), TODAY, place="other")]
        assert told(choose(acts, OPERATIONS, {})) == ([], 0, 300)


class TestSuspects:
    def test_go_as_ever(self) -> None:
        suspects = changes(range(300))
        for number, (one, _) in enumerate(suspects):
            if number % 3 == 0:
                one.alone = True
            elif number % 3 == 1:
                one.call_group = "broken"
            else:
                one.item = replace(one.item, side="left")
        assert told(choose(suspects, OPERATIONS, left(2000))) == ([], 0, 300)
