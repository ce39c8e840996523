"""What a person has to decide about pairs: two values of one field, or an edit of a record whose counterpart is gone (R20, R22)."""

from __future__ import annotations

from collections.abc import Sequence

from common.api.refusal import Refusal
from common.clock import Clock
from common.journal import Entry, Step, write
from common.pairs.merging import SideName
from common.state import pool as state
from console import codes, link_codes
from console.state import links, questions
from console.state.questions import Question


class Questions:
    """Lists what is asked and takes answers."""

    def __init__(self, pool: state.Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def list(
        self, after: tuple[str, ...] | None, limit: int
    ) -> tuple[Sequence[Question], tuple[str, ...] | None]:
        """Open questions, the oldest first, and where the next page begins."""
        async with state.connection(self._pool) as link:
            try:
                found = await questions.open_ones(link, after, limit + 1)
            except ValueError as error:
                raise Refusal(422, codes.CURSOR_INVALID) from error
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], (last["asked_at"].isoformat(), str(last["pair"]), last["field"]) if last else None

    async def answer(self, pair: int, field: str, winner: SideName, who: str, why: str) -> Question:
        """The answer holds for the two values that are asked about; it is carried out when the pair is judged next."""
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            found = await questions.answer(tx, pair, field, winner, who, why, now)
            if found is None:
                raise Refusal(404, link_codes.QUESTION_UNKNOWN)
            connection = await links.connection_of(tx, found["left_account"])
            await write(tx, [_entry(found, winner, who, why, connection)])
        return found


def _entry(found: Question, winner: SideName, who: str, why: str, connection: str) -> Entry:
    return Entry(
        at=found["answered_at"], step=Step.LINKED, reason=f"answered_{winner}", words=why, connection=connection,
        entity=found["left_entity"], record=found["left_id"] or found["left_key"],
        target_key=found["right_key"] or found["right_id"], details={"pair": found["pair"], "field": found["field"]}, who=who,
    )  # fmt: skip
