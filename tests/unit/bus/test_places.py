"""R27 as a small model: whatever dies, comes late or is set by hand, nothing is passed over, and only a database that went back is told so.

One partition; two members of the group, of which one has the partition and the other may still be in the middle of a batch; Kafka's
commit and the stored place, which are written one after the other; a release that stores nothing; backups that are put back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.bus.connection import KafkaAddress
from common.bus.places import Committed, Places, committed_of, lacks, mark, set_anew, went_back
from common.clock import SystemClock
from common.state.group_offsets import BatchStep, GroupTopic, StoredPlace, StoredPlaces
from common.state.pool import Pool
from tests.support.drawing import Step, evenly, kind

END = 40


class TestMark:
    @pytest.mark.parametrize("era", [0, 1, 1_000_001])
    def test_is_read_back(self, era: int) -> None:
        assert committed_of(7, mark(era)) == Committed(7, era)

    @pytest.mark.parametrize("other", ["", "era", "era=", "era=x", "era=-1", "somebody else's"])
    def test_of_somebody_else_is_none(self, other: str) -> None:
        assert committed_of(7, other) == Committed(7, None)


class TestWentBack:
    @pytest.mark.parametrize(
        ("told", "stored", "back"),
        [
            (Committed(5, 1), StoredPlace(1, 5), False),
            (Committed(5, 1), StoredPlace(1, 9), False),
            (Committed(5, 1), StoredPlace(1, 4), True),
            (Committed(5, 2), StoredPlace(1, 9), True),
            (Committed(5, 1), StoredPlace(2, 0), False),
            (Committed(5, None), StoredPlace(1, 4), False),
            (Committed(5, 1), StoredPlace(0, 0), True),
        ],
    )
    def test_is_told_by_marked_commits_only(self, told: Committed, stored: StoredPlace, back: bool) -> None:
        assert went_back(told, stored) is back

    @pytest.mark.parametrize(
        ("told", "known"),
        [({0: Committed(0, 3)}, []), ({}, [BatchStep(0, 3, 0, 5)])],
    )
    def test_says_so_with_the_eras_because_the_places_alone_may_be_the_same(
        self, told: dict[int, Committed], known: list[BatchStep]
    ) -> None:
        group = Places(GroupTopic("writer", "commands"), KafkaAddress(""), cast(Pool, None), SystemClock().now)
        back = group._back(told, known, StoredPlaces(1, {}))
        assert "had stored commands/0 up to 0 in era 3, and it says 0 in era 1" in str(back)


class TestSetAnew:
    @pytest.mark.parametrize(
        ("told", "stored", "floor", "place"),
        [
            (None, None, 0, StoredPlace(1, 0)),
            (Committed(5, None), None, 0, StoredPlace(1, 5)),
            (Committed(5, None), StoredPlace(3, 9), 0, StoredPlace(4, 5)),
            (Committed(5, None), StoredPlace(3, 5), 0, None),
            (Committed(5, 3), StoredPlace(3, 9), 0, None),
            (None, StoredPlace(3, 9), 0, StoredPlace(4, 0)),
            (None, StoredPlace(3, 0), 0, None),
            (Committed(5, 3), None, 1_000_000, StoredPlace(1_000_001, 0)),
        ],
    )
    def test_where_kafka_s_word_is_an_order_or_nothing(
        self, told: Committed | None, stored: StoredPlace | None, floor: int, place: StoredPlace | None
    ) -> None:
        assert set_anew(told, stored, floor) == place


class Row(NamedTuple):
    """The database: the place, the floor, and the records whose effects it has."""

    floor: int = 0
    place: StoredPlace | None = None
    has: frozenset[int] = frozenset()


@dataclass
class Member:
    """What one consumer has in its memory; None: it has not asked where to begin."""

    at: StoredPlace | None = None
    untold: Committed | None = None


@dataclass
class World:
    """Kafka, the database, and who is there."""

    row: Row = field(default_factory=Row)
    told: Committed | None = None
    owner: int = 0
    members: list[Member] = field(default_factory=lambda: [Member(), Member()])
    backup: Row | None = None
    restored: bool = False
    lost: bool = False
    """Whether something that Kafka was told of is not in the database any more."""
    ordered: int = 0
    """The first record that nobody ordered to be passed over."""

    def begin(self) -> bool:
        """True: the owner knows where to begin; False: it holds, because the database went back."""
        places = StoredPlaces(self.row.floor, {0: self.row.place} if self.row.place else {})
        place = places.stored.get(0)
        if self.told is not None and went_back(self.told, place or StoredPlace(places.era, 0)):
            return False
        anew = set_anew(self.told, place, places.era)
        if anew is not None:
            self.row = self.row._replace(place=anew)
        assert self.row.place is not None
        self.members[self.owner].at = self.row.place
        return True

    def batch(self, who: int, many: int, told: bool) -> None:
        """The transaction of a batch: all of it or nothing; then, unless somebody dies, Kafka is told."""
        member = self.members[who]
        if member.at is None and who == self.owner:
            assert self.begin() is not self.lost, "it holds exactly while something is lost"
        if member.at is None:
            return
        end, place = min(member.at.next_offset + many, END), self.row.place or StoredPlace(self.row.floor, 0)
        step = BatchStep(0, member.at.era, member.at.next_offset, end)
        if place.era != step.era or place.next_offset < step.since:
            assert self.restored or not lacks(step, place), "the database did not go back"
            member.at = None
            return
        has = self.row.has | set(range(member.at.next_offset, end))
        self.row = self.row._replace(place=place._replace(next_offset=max(place.next_offset, end)), has=has)
        # One that was a member read on where the backup ends: what was lost is done once more, and the places agree again.
        self.lost = self.lost and self.told_of_more
        member.at = member.at._replace(next_offset=end)
        member.untold = Committed(end, member.at.era)
        if told:
            self.tell()

    def tell(self) -> None:
        """Kafka takes a commit from the member that has the partition, and from nobody else."""
        member = self.members[self.owner]
        if member.untold is not None:
            self.told, member.untold = member.untold, None
            # What Kafka is told late may be what a backup that was put back meanwhile does not have.
            self.lost = self.lost or (self.restored and self.told_of_more)

    @property
    def told_of_more(self) -> bool:
        """Whether Kafka was told of more than is stored."""
        place = self.row.place or StoredPlace(self.row.floor, 0)
        return self.told is not None and went_back(self.told, place)

    def rebalance(self) -> None:
        """The other one has the partition; the former does not know it yet, and may be in the middle of a batch."""
        self.owner = 1 - self.owner
        self.members[self.owner] = Member()

    def kill(self) -> None:
        self.members[self.owner] = Member()

    def old_release(self, many: int) -> None:
        """A member of a release that stores no places reads on from where Kafka says."""
        at = self.told.offset if self.told is not None else 0
        end = min(at + many, END)
        self.row = self.row._replace(has=self.row.has | set(range(at, end)))
        self.members, self.told = [Member(), Member()], Committed(end, None)

    def seek(self, to: int) -> None:
        """`millrace group seek`: nobody is a member, but one that was may be in the middle of a batch."""
        self.members[self.owner] = Member()
        self.owner = 1 - self.owner
        self.ordered = max(self.ordered, to)
        self.told = Committed(to, None)

    def put_back(self, silently: bool) -> None:
        if self.backup is None:
            return
        if not silently:
            self.members = [Member(), Member()]
        self.row, self.restored = self.backup, True
        self.lost = self.told_of_more

    def lift(self) -> None:
        """`core.lift_restored`."""
        above = max(self.row.floor, self.row.place.era if self.row.place else 0) + 1_000_000
        self.row = self.row._replace(floor=above, place=self.row.place._replace(era=above) if self.row.place else None)
        self.lost = False


# Most of what happens are batches.
BATCHES = kind("batch", (0, 1), range(1, 8), (False, True))
KINDS = (
    BATCHES, BATCHES, kind("rebalance"), kind("kill"), kind("old_release", range(6)), kind("seek", range(END + 1)), kind("expire"),
)  # fmt: skip
RESTORES = (kind("backup"), kind("put_back", (False, True)))


def run(world: World, steps: list[Step]) -> None:
    for name, *more in steps:
        if name == "expire":
            world.told = None
        elif name == "backup":
            world.backup = world.row
        else:
            getattr(world, str(name))(*more)


def finished(world: World) -> World:
    """The owner reads to the end of the topic."""
    world.members = [Member(), Member()]
    assert world.begin(), "it does not hold"
    for _ in range(END):
        world.batch(world.owner, 7, True)
    return world


class TestModel:
    @settings(max_examples=1500, deadline=None)
    @given(st.lists(evenly(*KINDS), max_size=25))
    def test_without_a_database_that_goes_back_nobody_is_told_so_and_nothing_is_passed_over(
        self, steps: list[Step]
    ) -> None:
        world = World()
        run(world, steps)
        finished(world)
        assert set(range(world.ordered, END)) <= world.row.has

    @settings(max_examples=1500, deadline=None)
    @given(st.lists(evenly(*KINDS, *RESTORES), max_size=25))
    def test_with_one_that_does_it_holds_until_somebody_lifts_it_and_then_reads_what_was_lost(
        self, steps: list[Step]
    ) -> None:
        world = World()
        run(world, [step for step in steps if step[0] not in ("seek", "old_release", "expire")])
        if world.lost:
            assert not world.begin()
            world.lift()
        assert set(range(END)) <= finished(world).row.has

    def test_what_kafka_is_told_only_after_a_backup_was_put_back_is_lost_as_well(self) -> None:
        world = World()
        world.batch(0, 1, True)
        world.backup = world.row
        world.batch(0, 1, False)
        world.put_back(silently=True)
        assert not world.lost
        world.tell()
        assert world.lost and not world.begin()

    def test_one_that_was_a_member_makes_good_what_the_backup_lacks(self) -> None:
        world = World()
        world.batch(0, 1, True)
        world.rebalance()
        world.backup = world.row
        world.batch(1, 1, True)
        world.put_back(silently=True)
        assert world.lost and not world.begin()
        world.batch(0, 1, False)
        assert world.begin() and world.row.has == {0, 1}

    def test_a_batch_that_comes_late_does_not_undo_a_seek(self) -> None:
        world = World()
        world.batch(0, 20, True)
        late = Member(world.members[0].at)
        world.seek(5)
        world.begin()
        world.members[1 - world.owner] = late
        world.batch(1 - world.owner, 7, True)
        assert world.row.place == StoredPlace(2, 5)
