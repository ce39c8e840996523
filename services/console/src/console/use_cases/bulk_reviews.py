"""One decision for all questions of a kind and a sync that somebody has counted: in bounded steps, each of them journalled (decision 76).

A question that is asked, or asked anew, after they were counted has a higher number and is not meant: nobody has seen it. A step that breaks
off has decided nothing, or all of its questions; the same request again decides those that are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.api.refusal import Refusal
from common.clock import Clock
from common.journal import write
from common.state import pool as state
from console import link_codes
from console.state import bulk_reviews as rows
from console.state import links
from console.state.reviews import Review
from console.use_cases.reviews import KINDS, entry, winner

STEP = 500
ANSWERS = {
    "conflict": ("left", "right"),
    "gone": ("leave", "new"),
    "match": ("new", "leave"),
    "unmatched": ("new", "leave"),
    "unexplained": ("keep", "take"),
    "merge": ("leave", "new"),
}
"""Those that mean the same for every question of the kind; `link:ID` is about one record."""


@dataclass(frozen=True, slots=True)
class BulkWish:
    """Which questions, and what becomes of all of them."""

    kind: str
    sync: str
    answer: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class BulkStep:
    """How many were decided, how many are left, and the highest number that is meant."""

    decided: int
    left: int
    until: int


class BulkReviews:
    """Counts, and decides what was counted."""

    def __init__(self, pool: state.Pool, clock: Clock, step: int = STEP) -> None:
        self._pool = pool
        self._clock = clock
        self._step = step

    async def plan(self, wish: BulkWish) -> BulkStep:
        """What would be decided now."""
        _refuse_unless_named(wish)
        async with state.connection(self._pool) as link:
            left, until = await rows.count(link, KINDS[wish.kind], wish.sync, None)
        return BulkStep(0, left, until)

    async def step(self, wish: BulkWish, until: int, who: str) -> BulkStep:
        """Decides the next of those up to this number, all in one transaction."""
        _refuse_unless_named(wish)
        kind = KINDS[wish.kind]
        async with state.transaction(self._pool) as tx:
            found = await rows.take(tx, kind, wish.sync, until, self._step)
            await self._decide(tx, found, wish, who)
            left, _ = await rows.count(tx, kind, wish.sync, until)
        return BulkStep(len(found), left, until)

    async def _decide(self, tx: state.DbConnection, found: Sequence[Review], wish: BulkWish, who: str) -> None:
        now = self._clock.now()
        decided = {one["id"]: winner(one, wish.answer) for one in found}
        await rows.decide(tx, decided, [one["pair"] for one in found], who, wish.why, now)
        accounts = {one[f"{side}_account"] for one in found for side in ("left", "right")}
        named = {account: await links.connection_of(tx, account) for account in sorted(accounts)}
        await write(tx, [entry(one, wish.answer, named, who, wish.why, now) for one in found])


def _refuse_unless_named(wish: BulkWish) -> None:
    answers = ANSWERS[wish.kind]
    if wish.answer not in answers:
        words = f"Of all questions of the kind {wish.kind} the answers are: {', '.join(answers)}."
        raise Refusal(422, link_codes.ANSWER_UNKNOWN, words)
