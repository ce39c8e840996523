"""Hundreds of stories of our own writes, whose webhooks come late, doubled and in any order: what we know is right, or known to be in doubt.

Nobody but us writes here, and the vendor's clock goes up to three seconds wrong. Withdrawals are left out: they are believed whoever made
them. The vendor is written here and shares nothing with the product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from vendors.absorbing import ActDone, Heard, Seen, TargetEvent, ToBeSent
from vendors.acts import Act, Done, Written
from vendors.mailchimp.knowledge import absorb
from vendors.mailchimp.memory import memory_of, standing
from vendors.target_record import TargetRecord

NEXT = {"": "create", "subscribed": "archive", "archived": "return"}
BECOMES = {"create": "subscribed", "archive": "archived", "return": "subscribed"}
step = st.one_of(
    st.tuples(st.just("write"), st.sampled_from((0.05, 0.3, 0.9, 2.0, 7.0))),
    st.tuples(st.just("hear"), st.integers(0, 9)),
)
# We archived and brought back within one second, and hear of it afterwards.
WITHIN_A_SECOND: list[tuple[str, Any]] = [("write", 60.0), ("write", 0.3), ("write", 0.05), ("hear", 1)]


@dataclass
class Story:
    """One member."""

    wrong_by: timedelta
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    status: str = ""
    known: TargetRecord = field(default_factory=TargetRecord)
    written: list[Written] = field(default_factory=list)
    told: list[TargetEvent] = field(default_factory=list)

    def write(self, later: float) -> None:
        """A call, and its answer."""
        self.now += timedelta(seconds=later)
        action = NEXT[self.status]
        status = BECOMES[action]
        act = Act(action, "k", {"standing": status})
        self.known, since = absorb(self.known, ToBeSent(act)).record, self.now
        self.now += timedelta(seconds=0.02)
        self.status, stamp = status, (self.now + self.wrong_by).replace(microsecond=0)
        self.told.append(TargetEvent("p", "k", stamp, {"standing": status}))
        self.now += timedelta(seconds=0.02)
        # Who archives is told no stamp.
        done = Done({"standing": status}, stamp=None if action == "archive" else stamp)
        self.known = absorb(self.known, ActDone(act, done, since, self.now)).record
        self.written.insert(0, Written(act, done.stamp, since, self.now))

    def hear(self, which: int) -> None:
        """One of the webhooks, perhaps not for the first time."""
        if self.told:
            event = self.told[which % len(self.told)]
            self.known = absorb(self.known, Heard(event, self.written)).record
            self.judge()

    def judge(self) -> None:
        assert self.known.doubtful or standing(self.known) == self.status
        if standing(self.known) == "archived":
            assert memory_of(self.known).former, "an archive of ours was taken for somebody else's"
        shown = Seen(TargetRecord(True, seen={"standing": self.status}), self.now, self.now)
        looked = absorb(self.known, shown).record
        assert (standing(looked), looked.doubtful) == (self.status, False)


class TestOurOwnEchoes:
    @settings(max_examples=300)
    @example(WITHIN_A_SECOND, 0.0)
    @given(st.lists(step, min_size=3, max_size=25), st.floats(-3.0, 3.0))
    def test_in_any_order_leave_what_we_know_right_or_in_doubt(
        self, steps: list[tuple[str, Any]], wrong_by: float
    ) -> None:
        story = Story(timedelta(seconds=wrong_by))
        for name, how in steps:
            if story.known.doubtful and name == "write":
                # Nothing is written in doubt.
                look = Seen(TargetRecord(True, seen={"standing": story.status}), story.now, story.now)
                story.known = absorb(story.known, look).record
            getattr(story, name)(how)
