"""Which of what waits for a person is meant: some by name, or all that have something in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.api.refusal import Refusal
from common.state import pool as state
from common.state.dead_letters import DeadLetters, LetterFilter, StoredLetter
from common.state.stuck_items import StuckFilter, StuckItem, StuckItems
from console import record_codes

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

    def letters(self, most_id: int | None = None) -> LetterFilter:
        prefix = f"{self.sync}:" if self.sync else None
        return LetterFilter(topic=self.topic or None, code=self.code or None, key_prefix=prefix, most_id=most_id)

    def items(self) -> StuckFilter | None:
        """None when only messages are meant."""
        return None if self.topic else StuckFilter(sync=self.sync or None, code=self.code or None)


def refuse_unless_named(wish: LetterWish) -> None:
    """Nobody acts on everything by accident."""
    if not wish.names_any:
        raise Refusal(422, record_codes.LETTERS_NOT_NAMED)


async def named(link: state.DbConnection, ids: Sequence[str]) -> tuple[Sequence[StoredLetter], Sequence[StuckItem]]:
    """The open ones of these ids; refused when one of them is not open, or not there."""
    letters, items = DeadLetters(link), StuckItems(link)
    messages = [await letters.get(int(one)) for one in sorted(set(ids)) if is_message(one)]
    work = [await items.show(one) for one in sorted(set(ids)) if not is_message(one)]
    opened = [one for one in messages if one is not None and one.state == "open"]
    # What is on hold can be looked at by people; nobody may send it before its own look.
    stuck = [one for one in work if one is not None and one.state != "hold"]
    missing = sorted(set(ids) - {str(one.id) for one in opened} - {one.id for one in stuck})
    if missing:
        raise Refusal(404, record_codes.LETTER_UNKNOWN, f"Not open, or not there: {', '.join(missing)[:300]}.")
    return opened, stuck


def is_message(id: str) -> bool:
    return id.isascii() and id.isdigit() and len(id) < 19
