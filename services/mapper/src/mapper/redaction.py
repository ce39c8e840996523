"""The job that forgets persons and accounts, as their vendors have asked: a batch a turn, with its place in the same transaction.

A kill loses the batch that was under way, which the next turn takes again; what was redacted is redacted once more and stays so.
"""

from __future__ import annotations

from common import failpoints
from common.clock import Clock
from common.state import privacy
from common.state.pool import Pool, transaction

EVERY_S, CALM_S = 1.0, 10.0


class Redaction:
    """Several may run: each takes what nobody else has."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def step(self) -> bool:
        """One batch; False when nothing is due."""
        async with transaction(self._pool) as tx:
            found = await privacy.step(tx, self._clock.now())
            await failpoints.hit("mapper.before_redaction_commit")
        return found
