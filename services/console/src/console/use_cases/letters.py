"""Everything that waits for a person, in one list: records that a consumer could not handle, and records that no writer could bring
to its target. They are shown, tried again, or given up with a reason.

Trying a message again sends its original bytes to its topic: judged anew, it decides by what is known now. Trying a work item again
opens it with its newest wish, never with an old one (R8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.clock import Clock
from common.codes import CODES
from common.failures import Transient
from common.journal import Step, write
from common.state import pool as state
from common.state.dead_letters import DeadLetters, LetterFilter, StoredLetter
from common.state.stuck_items import StuckFilter, StuckItem, StuckItems
from console import record_codes
from console.refusals import Refusal
from console.state import letters as rows
from console.state.letters import LetterGroup

if TYPE_CHECKING:
    from common.bus.republishing import Republisher

MOST = 10_000
_PAGE = 500
Open = Callable[[], AbstractAsyncContextManager["Republisher"]]
Waiting = StoredLetter | StuckItem


@dataclass(frozen=True, slots=True)
class LetterWish:
    """Which letters are meant: by id, or by what they have in common."""

    ids: Sequence[str] = ()
    code: str = ""
    sync: str = ""
    topic: str = ""

    @property
    def names_any(self) -> bool:
        return bool(self.ids or self.code or self.sync or self.topic)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an act would do: messages sent again, work opened again, and how many of them are outdated by now."""

    messages: Sequence[StoredLetter]
    work: Sequence[StuckItem]
    superseded: int

    @property
    def total(self) -> int:
        return len(self.messages) + len(self.work)


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

    async def list(self, wish: LetterWish, limit: int) -> tuple[Sequence[Waiting], int]:
        """The newest first, and how many there are; without a wish all of them."""
        found = await self._meant(wish)
        waiting: list[Waiting] = [*found.work, *found.messages]
        return sorted(waiting, key=_when, reverse=True)[:limit], found.total

    async def show(self, id: str) -> Waiting:
        """One of them; a closed message can still be looked at."""
        async with state.connection(self._pool) as link:
            found: Waiting | None = (
                await DeadLetters(link).get(int(id)) if _is_message(id) else await StuckItems(link).show(id)
            )
        if found is None:
            raise Refusal(404, record_codes.LETTER_UNKNOWN, f"There is no dead letter {id[:100]}.")
        return found

    async def plan(self, wish: LetterWish) -> Plan:
        """What an act on these would do."""
        if not wish.names_any:
            raise Refusal(422, record_codes.LETTERS_NOT_NAMED)
        return await self._meant(wish)

    async def _meant(self, wish: LetterWish) -> Plan:
        """At most ten thousand of each kind."""
        async with state.connection(self._pool) as link:
            messages = await _messages(link, wish)
            work = await _work(link, wish)
            superseded = await rows.superseded(link, [one.id for one in messages])
        if wish.ids and len(messages) + len(work) < len(set(wish.ids)):
            known = {str(one.id) for one in messages} | {one.id for one in work}
            missing = ", ".join(sorted(set(wish.ids) - known))
            raise Refusal(404, record_codes.LETTER_UNKNOWN, f"Not open, or not there: {missing[:300]}.")
        return Plan(messages, work, superseded)

    async def retry(self, wish: LetterWish, by: str) -> Plan:
        """Sends and opens again. A crash in between leaves the rest open, and a message sent twice is judged twice, not written twice."""
        plan = await self.plan(wish)
        try:
            await self._send_all(plan.messages, by)
        except Transient as away:
            raise Refusal(503, CODES[away.code], away.message, retry_after_s=5) from away
        await self._end_work(plan.work, by, why=None)
        return plan

    async def discard(self, wish: LetterWish, by: str, why: str) -> Plan:
        """Gives them up; work comes back by itself when something newer is read for its record."""
        if not why.strip():
            raise Refusal(422, record_codes.REASON_MISSING)
        plan = await self.plan(wish)
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            ids = [one.id for one in plan.messages]
            closed = set(await DeadLetters(tx).close(ids, "discarded", by=by, reason=why, at=now))
            told = [one for one in plan.messages if one.id in closed]
            await write(tx, [rows.entry(one, Step.DISCARDED, why, by, now) for one in told])
        await self._end_work(plan.work, by, why=why)
        return plan

    async def _send_all(self, messages: Sequence[StoredLetter], by: str) -> None:
        if not messages:
            return
        async with self._open() as republisher:
            for one in messages:
                await self._send_again(republisher, one.id, by)

    async def _send_again(self, republisher: Republisher, id: int, by: str) -> None:
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            # Locked until it is closed: two who retry do not both send it.
            stored = await DeadLetters(tx).get(id, lock=True)
            if stored is None or stored.state != "open":
                return
            await republisher.send(stored)
            await DeadLetters(tx).close([id], "retried", by=by, reason="retry", at=now)
            await write(tx, [rows.entry(stored, Step.REPLAYED, "retry", by, now)])

    async def _end_work(self, work: Sequence[StuckItem], by: str, why: str | None) -> None:
        for first in range(0, len(work), _PAGE):
            ids = [one.id for one in work[first : first + _PAGE]]
            async with state.transaction(self._pool) as tx:
                if why is None:
                    await StuckItems(tx).retry(ids, who=by, now=self._clock.now())
                else:
                    await StuckItems(tx).discard(ids, who=by, why=why, now=self._clock.now())


def meaning_of(code: str) -> tuple[str, str, bool]:
    """What a code means, what to do, and whether a retry is safe; a code of a newer version is told as it is."""
    known = CODES.get(code)
    return (known.meaning, known.action, known.retry_safe) if known else ("", "", True)


async def _messages(link: state.Connection, wish: LetterWish) -> list[StoredLetter]:
    letters = DeadLetters(link)
    if wish.ids:
        found = [await letters.get(int(one)) for one in sorted(set(wish.ids)) if _is_message(one)]
        return [one for one in found if one is not None and one.state == "open"]
    prefix = f"{wish.sync}:" if wish.sync else None
    wanted = LetterFilter(topic=wish.topic or None, code=wish.code or None, key_prefix=prefix)
    return await letters.find(wanted, limit=MOST)


async def _work(link: state.Connection, wish: LetterWish) -> Sequence[StuckItem]:
    items = StuckItems(link)
    if wish.ids:
        found = [await items.show(one) for one in sorted(set(wish.ids)) if not _is_message(one)]
        return [one for one in found if one is not None]
    if wish.topic:
        return ()
    return await items.list(StuckFilter(sync=wish.sync or None, code=wish.code or None), limit=MOST)


def _is_message(id: str) -> bool:
    return id.isascii() and id.isdigit() and len(id) < 19


def _when(one: Waiting) -> float:
    at = one.letter.at if isinstance(one, StoredLetter) else one.last_at
    return at.timestamp() if at is not None else 0.0
