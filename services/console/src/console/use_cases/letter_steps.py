"""Acts on many letters in bounded steps, with an outcome for each of them: whoever asked follows the cursor from step to step.

The order is that of the letters' own names, so that each is met once: what fails again meanwhile is not tried a second time, and
messages that came after the first step are not meant. A step that breaks off left the rest open; repeated, it passes over what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from common.api.refusal import Refusal
from common.clock import Clock
from common.codes import CODES
from common.failures import Transient
from common.journal import Step as JournalStep
from common.journal import write
from common.state import pool as state
from common.state.dead_letters import DeadLetters, StoredLetter
from common.state.stuck_items import StuckItem, StuckItems
from console import codes
from console.state import letters as rows
from console.use_cases.letter_choice import LetterWish, is_message, named

if TYPE_CHECKING:
    from common.bus.republishing import Republisher

STEP = 200
Open = Callable[[], AbstractAsyncContextManager["Republisher"]]
Outcome = Literal["retried", "discarded", "not_open"]


class Ended(NamedTuple):
    """What became of one of them; `not_open`: somebody else was quicker."""

    id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LetterStep:
    """What one step did, and where the next one begins."""

    outcomes: Sequence[Ended]
    messages: int
    work: int
    superseded: int
    after: tuple[str, ...] | None

    @property
    def total(self) -> int:
        return self.messages + self.work


class Steps:
    """One act, by one person; with a reason it gives up, without one it tries again."""

    def __init__(self, pool: state.Pool, open_republisher: Open, clock: Clock, by: str, why: str | None = None) -> None:
        self._pool = pool
        self._open = open_republisher
        self._clock = clock
        self._by = by
        self._why = why

    async def step(self, wish: LetterWish, after: tuple[str, ...] | None, limit: int) -> LetterStep:
        """Those that are named, all at once; of others the next `limit`."""
        async with state.connection(self._pool) as link:
            if wish.ids:
                messages, work = await named(link, wish.ids)
                return await self._act(messages, work, None)
            kind, until, *key = after or ("message", str(await DeadLetters(link).last_id()), "0", "", "")
            if kind == "message":
                found = await DeadLetters(link).find(wish.letters(_number(until)), after=_number(key[0]), limit=limit)
                if found:
                    return await self._act(found, (), ("message", until, str(found[-1].id), "", ""))
                key = ["", "", ""]
            items = wish.items()
            stuck = await StuckItems(link).in_order(items, after=(key[0], key[1], key[2]), limit=limit) if items else ()
        last = stuck[-1] if len(stuck) == limit else None
        return await self._act((), stuck, ("work", until, last.sync, last.entity, last.record) if last else None)

    async def _act(
        self, messages: Sequence[StoredLetter], work: Sequence[StuckItem], after: tuple[str, ...] | None
    ) -> LetterStep:
        ids = [one.id for one in messages]
        async with state.connection(self._pool) as link:
            superseded = await rows.superseded(link, ids) if ids else 0
        gone = await (self._send_all(messages) if self._why is None else self._close(messages, self._why))
        ended = await self._end_work([one.id for one in work])
        done: Outcome = "retried" if self._why is None else "discarded"
        closed = {str(id) for id in gone} | ended
        all_of_them = [*(str(id) for id in ids), *(one.id for one in work)]
        outcomes = [Ended(id, done if id in closed else "not_open") for id in all_of_them]
        return LetterStep(outcomes, len(gone), len(ended), superseded, after)

    async def _send_all(self, messages: Sequence[StoredLetter]) -> Sequence[int]:
        if not messages:
            return ()
        try:
            async with self._open() as republisher:
                return [one.id for one in messages if await self._send_again(republisher, one.id)]
        except Transient as away:
            raise Refusal(503, CODES[away.code], away.message, retry_after_s=5) from away

    async def _send_again(self, republisher: Republisher, id: int) -> bool:
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            # Locked until it is closed: two who retry do not both send it.
            stored = await DeadLetters(tx).get(id, lock=True)
            if stored is None or stored.state != "open":
                return False
            await republisher.send(stored)
            await DeadLetters(tx).close([id], "retried", by=self._by, reason="retry", at=now)
            await write(tx, [rows.entry(stored, JournalStep.REPLAYED, "retry", self._by, now)])
        return True

    async def _close(self, messages: Sequence[StoredLetter], why: str) -> Sequence[int]:
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            closed = await DeadLetters(tx).close(
                [one.id for one in messages], "discarded", by=self._by, reason=why, at=now
            )
            discarded = [one for one in messages if one.id in set(closed)]
            await write(tx, [rows.entry(one, JournalStep.DISCARDED, why, self._by, now) for one in discarded])
        return closed

    async def _end_work(self, ids: Sequence[str]) -> set[str]:
        if not ids:
            return set()
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            items = StuckItems(tx)
            if self._why is None:
                return {one.id for one in await items.retry(ids, who=self._by, now=now)}
            return {one.id for one in await items.discard(ids, who=self._by, why=self._why, now=now)}


def _number(text: str) -> int:
    if not is_message(text):
        raise Refusal(422, codes.CURSOR_INVALID)
    return int(text)
