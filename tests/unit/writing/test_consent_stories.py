"""Thousands of stories: no member is ever given a status above what its person last allowed.

The plan, the memory and the rules of knowledge are the product's; the audience, the people and the judge are written here and share nothing
with it. The judge keeps what people really said and when, also what nobody told us.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.drawing import evenly, kind
from vendors.absorbing import ActDone, Heard, Seen, TargetEvent, ToBeSent
from vendors.acts import Act, Done, Look, Nothing, Skip, Work
from vendors.mailchimp.planning import Audience
from vendors.mailchimp.target import MailchimpTarget
from vendors.target_record import TargetRecord

TARGET = MailchimpTarget()
EXAMPLES = 2000
YES, NO = "subscribed", "unsubscribed"


class At(NamedTuple):
    """One address in one audience of one account."""

    account: str
    place: str
    key: str


# Two connections to one account count as one; the third sync goes to another audience, the fourth to another account.
SYNCS = {"one": ("X", "P"), "two": ("X", "P"), "three": ("X", "Q"), "four": ("Y", "P")}
RECORDS, EMAILS, WORDS = ("1", "2"), ("a", "b", "c"), (YES, NO, NO, "cleaned")
WISHES, SAYINGS = kind("wish", SYNCS, RECORDS, EMAILS), kind("says", SYNCS, EMAILS, WORDS, (False, True))
step = evenly(
    WISHES, WISHES, kind("gone", SYNCS, RECORDS, ("archive", "tag", "leave")), SAYINGS, SAYINGS, kind("switch", SYNCS), kind("late", (False, True)),
)  # fmt: skip


# A permission that is merely seen may be older than a withdrawal that was told before.
SEEN_LATE = [
    ("says", "one", "a", YES, False), ("wish", "one", "1", "b"), ("says", "one", "b", NO, True), ("gone", "one", "1", "archive"),
    ("wish", "one", "1", "a"), ("gone", "one", "1", "archive"), ("wish", "one", "1", "c"),
]  # fmt: skip

# Whoever came back in another audience is known to have, once that was told.
HEARD_LATE = [
    ("says", "three", "a", "cleaned", True),
    ("says", "three", "a", YES, False),
    ("late", False),
    ("wish", "one", "1", "a"),
]

# Whoever came back before we looked has said so, though nobody has told it yet.
SEEN_BEFORE_TOLD = [
    ("says", "one", "b", YES, True), ("says", "one", "b", NO, True), ("wish", "one", "1", "b"), ("says", "one", "b", YES, False),
    ("wish", "one", "1", "a"), ("wish", "four", "1", "a"),
]  # fmt: skip


@dataclass
class Story:
    """A company, its audiences and its customers."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    members: dict[At, str] = field(default_factory=dict)
    said: dict[At, list[tuple[datetime, str, bool]]] = field(default_factory=dict)
    known: dict[At, TargetRecord] = field(default_factory=dict)
    owned: dict[tuple[str, str], dict[At, str]] = field(default_factory=dict)
    been: dict[str, set[At]] = field(default_factory=dict)
    off: set[str] = field(default_factory=set)
    untold: list[tuple[At, str, datetime]] = field(default_factory=list)

    def tell(self, steps: Sequence[tuple[Any, ...]]) -> None:
        for name, *more in steps:
            self.now += timedelta(seconds=60)
            getattr(self, f"_{name}")(*more)

    # --- what happens

    def _wish(self, sync: str, record: str, email: str) -> None:
        if sync not in self.off:
            self._write(sync, record, "present", At(*SYNCS[sync], email), {"email": email})

    def _gone(self, sync: str, record: str, how: str) -> None:
        if sync not in self.off:
            self._write(sync, record, "absent", None, {"how": how, "tag": "inactive"})

    def _says(self, sync: str, email: str, status: str, heard: bool) -> None:
        at = At(*SYNCS[sync], email)
        there = self.members.get(at, NO)
        if there in ("archived", status):
            # Nobody leaves who is not there; whoever is not may subscribe without us.
            return
        self.members[at] = status
        # What other audiences know of an address is not looked at: there a judge can ask for no more than we were told.
        self.said.setdefault(at, []).append((self.now, status, heard))
        if heard:
            self._hear(at, status, self.now)
        else:
            self.untold.append((at, status, self.now))

    def _late(self, backwards: bool) -> None:
        """Webhooks that were late, in their order or against it."""
        for at, status, when in reversed(self.untold) if backwards else self.untold:
            self._hear(at, status, when)
            self.said[at] = [(said, word, heard or said == when) for said, word, heard in self.said[at]]
        self.untold = []

    def _switch(self, sync: str) -> None:
        before, after = ("ended", "live") if sync in self.off else ("live", "ended")
        self.off ^= {sync}
        for (owner, _), keys in self.owned.items():
            if owner == sync:
                keys.update({at: after for at, standing in keys.items() if standing == before})

    # --- the core, without a database

    def _hear(self, at: At, status: str, when: datetime) -> None:
        """As event_judgement.py does."""
        event = TargetEvent(at.place, at.key, when, {"standing": status})
        self.known[at] = TARGET.absorb(self.known.get(at, TargetRecord()), Heard(event)).record

    def _write(self, sync: str, record: str, wish: Any, to: At | None, document: dict[str, Any]) -> None:
        own = self.owned.setdefault((sync, record), {})
        stays = wish == "absent" and document["how"] != "archive"
        held = [at for at, standing in own.items() if standing != "left"]
        last = held[-1] if held else None
        lives = to or (last if stays else None)
        for at in held:
            own[at] = "live" if at == lives else "leaving"
        if to is not None:
            own.pop(to, None)
            own[to] = "live"
            self.been.setdefault(record, set()).add(to)
        fresh: set[str] = set()
        for _ in range(40):
            work = self._work(sync, record, wish, to, lives, last, document, fresh)
            act = TARGET.plan(work, Audience())
            if isinstance(act, Nothing | Skip):
                break
            if isinstance(act, Look):
                self._look(At(*SYNCS[sync], act.key))
                fresh.add(act.key)
                continue
            assert isinstance(act, Act)
            self._apply(record, At(*SYNCS[sync], act.key), act)
            fresh.clear()
        else:
            raise AssertionError("the plan comes to no end")
        own.update({at: "left" for at, standing in own.items() if standing == "leaving"})

    def _work(
        self, sync: str, record: str, wish: Any, to: At | None, lives: At | None, last: At | None, document: dict[str, Any],
        fresh: set[str],
    ) -> Work:  # fmt: skip
        where, own = SYNCS[sync], self.owned[sync, record]
        others = {
            at for owner, keys in self.owned.items() if owner != (sync, record) for at, s in keys.items() if s == "live"
        }
        former = tuple(sorted(at.key for at, standing in own.items() if standing == "leaving"))
        past = {at for owner, keys in self.owned.items() if owner[1] == record for at in keys}
        here = {at for at in past if at[:2] == where}
        there = (past - here) | {
            at for at in self.known if to and at.account == to.account and at.key == to.key and at[:2] != where
        }
        key = to.key if to else last.key if last and document["how"] == "tag" and last not in others else ""
        known = {at.key: self.known.get(at, TargetRecord()) for at in {*here, *([to] if to else [])}}
        return Work(
            wish, document, key, former=former, leaving=tuple(k for k in former if At(*where, k) not in others),
            past=tuple(sorted(at.key for at in here if at != to)), elsewhere=tuple(self.known.get(at, TargetRecord()) for at in sorted(there)),
            known=known, fresh=frozenset(fresh),
        )  # fmt: skip

    def _look(self, at: At) -> None:
        known, status = self.known.get(at, TargetRecord()), self.members.get(at)
        shown = {"email": at.key, "tags": [], "standing": status}
        seen = TargetRecord(True, seen=shown) if status else TargetRecord(False)
        self.known[at] = TARGET.absorb(known, Seen(seen, self.now, self.now)).record
        # A look tells the last word too, whatever it is.
        if at in self.said:
            *before, (said, word, _) = self.said[at]
            self.said[at] = [*before, (said, word, True)]

    def _apply(self, record: str, at: At, act: Act) -> None:
        known = self.known.get(at, TargetRecord())
        if act.action == "create" and at in self.members:
            self._look(at)
            return
        known, standing = TARGET.absorb(known, ToBeSent(act)).record, act.values.get("standing")
        if standing:
            self._judge(record, at, act)
            self.members[at] = standing
        done = Done({"standing": standing} if standing else {})
        self.known[at] = TARGET.absorb(known, ActDone(act, done, self.now, self.now)).record

    # --- the judge

    def _judge(self, record: str, at: At, act: Act) -> None:
        """What we give may not be more than the person's last word."""
        if act.values.get("standing") != YES:
            return
        own = [words for one in self.been[record] | {at} if one[:2] == at[:2] for words in self.said.get(one, ())]
        if own:
            assert max(own)[1] == YES, f"{act.action} at {at} after a no"
            return
        if any(one[:2] == at[:2] and one in self.known for one in self.been[record] - {at}) or self.known.get(
            at, TargetRecord()
        ).memory.get("allowed"):
            return
        for one in self.said:
            concerns = one in self.been[record] or (one.account, one.key) == (at.account, at.key)
            heard = [words for words in self.said[one] if words[2]]
            assert not (concerns and heard and max(heard)[1] != YES), f"{act.action} at {at} after a no at {one}"


class TestNobody:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @example(SEEN_LATE)
    @example(HEARD_LATE)
    @example(SEEN_BEFORE_TOLD)
    @given(st.lists(step, min_size=3, max_size=30))
    def test_ever_stands_higher_than_the_person_last_allowed(self, steps: list[tuple[Any, ...]]) -> None:
        Story().tell(steps)

    def test_is_overlooked_by_the_judge(self) -> None:
        """The judge is judged: without a memory the first story of the issue is found out."""
        steps: list[tuple[Any, ...]] = [
            ("wish", "one", "1", "a"), ("says", "one", "a", NO, True), ("gone", "one", "1", "archive"), ("wish", "one", "1", "b"),
        ]  # fmt: skip
        Story().tell(steps)
        forgetful = Story()
        forgetful.tell(steps[:3])
        forgetful.owned.clear()
        try:
            forgetful.tell(steps[3:])
        except AssertionError:
            return
        raise AssertionError("a member was raised, and the judge said nothing")
