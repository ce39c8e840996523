"""Everything that waits for a person, in one list: records that a consumer could not handle, and records that no writer could bring
to its target. They are shown, tried again, or given up with a reason.

Trying a message again sends its original bytes to its topic: judged anew, it decides by what is known now. Trying a work item again
opens it with its newest wish, never with an old one (R8). Acting on many goes in steps (`letter_steps`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.api.refusal import Refusal
from common.clock import Clock
from common.codes import CODES
from common.state import pool as state
from common.state.dead_letters import DeadLetters, StoredLetter
from common.state.stuck_items import StuckItems
from console import codes, record_codes
from console.state import letters as rows
from console.state.letters import LetterGroup
from console.use_cases.letter_choice import LetterWish, Waiting, is_message, named, refuse_unless_named
from console.use_cases.letter_steps import STEP, LetterStep, Open, Steps

MOST_COUNTED = 10_000
"""A list says how many there are up to this; nobody reads on to the ten thousandth."""
_UNTOLD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LetterPlan:
    """What an act would do: messages sent again, work opened again, and how many of the messages are outdated by now."""

    messages: int
    work: int
    superseded: int

    @property
    def total(self) -> int:
        return self.messages + self.work


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Some of what waits, how many there are (at most `MOST_COUNTED`), and where the next ones begin."""

    items: Sequence[Waiting]
    total: int
    after: tuple[str, ...] | None


class Letters:
    """Lists, retries and discards."""

    def __init__(self, pool: state.Pool, open_republisher: Open, clock: Clock) -> None:
        self._pool = pool
        self._open = open_republisher
        self._clock = clock

    async def groups(self) -> Sequence[LetterGroup]:
        """By code, the largest first."""
        async with state.connection(self._pool) as link:
            return await rows.groups(link)

    async def list(self, wish: LetterWish, limit: int, after: tuple[str, ...] | None = None) -> LetterPage:
        """The newest first; without a wish all of them."""
        items = wish.items()
        async with state.connection(self._pool) as link:
            letters, stuck = DeadLetters(link), StuckItems(link)
            messages = await letters.newest(wish.letters(), before=_before_message(after), limit=limit + 1)
            work = await stuck.newest(items, before=_before_item(after), limit=limit + 1) if items else ()
            total = await letters.count(wish.letters(), MOST_COUNTED)
            total += await stuck.count(items, MOST_COUNTED - total) if items and total < MOST_COUNTED else 0
        waiting: list[Waiting] = sorted([*messages, *work], key=_order, reverse=True)
        shown = waiting[:limit]
        return LetterPage(shown, total, _cursor(shown[-1]) if len(waiting) > limit else None)

    async def held(self, wish: LetterWish, limit: int) -> LetterPage:
        """Records whose last call nobody saw the end of: those that are looked at next first, and how many there are."""
        wanted = wish.items()
        if wanted is None:
            return LetterPage((), 0, None)
        async with state.connection(self._pool) as link:
            items = StuckItems(link)
            return LetterPage(await items.held(wanted, limit=limit), await items.count_held(wanted), None)

    async def show(self, id: str) -> Waiting:
        """One of them; a closed message can still be looked at."""
        async with state.connection(self._pool) as link:
            found: Waiting | None = (
                await DeadLetters(link).get(int(id)) if is_message(id) else await StuckItems(link).show(id)
            )
        if found is None:
            raise Refusal(404, record_codes.LETTER_UNKNOWN, f"There is no dead letter {id[:100]}.")
        return found

    async def plan(self, wish: LetterWish) -> LetterPlan:
        """What an act on all of these would do; nothing is left out of the count."""
        refuse_unless_named(wish)
        async with state.connection(self._pool) as link:
            if wish.ids:
                messages, work = await named(link, wish.ids)
                return LetterPlan(len(messages), len(work), await rows.superseded(link, [one.id for one in messages]))
            items = wish.items()
            many = await DeadLetters(link).count(wish.letters(), _UNTOLD)
            stuck = await StuckItems(link).count(items, _UNTOLD) if items else 0
            return LetterPlan(many, stuck, await rows.superseded_of(link, wish.letters()))

    async def retry(
        self, wish: LetterWish, by: str, after: tuple[str, ...] | None = None, limit: int = STEP
    ) -> LetterStep:
        """One step of trying again; the next one begins behind it."""
        refuse_unless_named(wish)
        return await Steps(self._pool, self._open, self._clock, by).step(wish, after, limit)

    async def discard(
        self, wish: LetterWish, by: str, why: str, after: tuple[str, ...] | None = None, limit: int = STEP
    ) -> LetterStep:
        """One step of giving up; work comes back by itself when something newer is read for its record."""
        if not why.strip():
            raise Refusal(422, record_codes.REASON_MISSING)
        refuse_unless_named(wish)
        return await Steps(self._pool, self._open, self._clock, by, why).step(wish, after, limit)


def meaning_of(code: str) -> tuple[str, str, bool]:
    """What a code means, what to do, and whether a retry is safe; a code of a newer version is told as it is."""
    known = CODES.get(code)
    return (known.meaning, known.action, known.retry_safe) if known else ("", "", True)


def _order(one: Waiting) -> tuple[object, ...]:
    """Of two that failed at the same moment the message comes first, in the order of the list."""
    if isinstance(one, StoredLetter):
        return (one.letter.at, 1, one.id)
    return (one.stuck_at, 0, one.sync, one.entity, one.record)


def _cursor(last: Waiting) -> tuple[str, ...]:
    if isinstance(last, StoredLetter):
        return (last.letter.at.isoformat(), str(last.id), "", "", "")
    return (last.stuck_at.isoformat(), "", last.sync, last.entity, last.record)


def _before_message(after: tuple[str, ...] | None) -> tuple[datetime, int] | None:
    return None if after is None else (_moment(after[0]), _number(after[1] or "0"))


def _before_item(after: tuple[str, ...] | None) -> tuple[datetime, str, str, str] | None:
    if after is None:
        return None
    # Behind a message come the items of the same moment too.
    at = _moment(after[0]) + (timedelta(microseconds=1) if after[1] else timedelta(0))
    return (at, after[2], after[3], after[4])


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Refusal(422, codes.CURSOR_INVALID)
    return found


def _number(text: str) -> int:
    if not is_message(text):
        raise Refusal(422, codes.CURSOR_INVALID)
    return int(text)
