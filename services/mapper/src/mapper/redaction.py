"""The job that forgets persons and accounts, as their vendors have asked: a batch a turn, with its place in the same transaction.

A kill loses the batch that was under way, which the next turn takes again; what was redacted is redacted once more and stays so. Records that
are kept inside those that were named (decision 68) go with them, in the same batch.
"""

from __future__ import annotations

from collections.abc import Mapping

from common import failpoints
from common.clock import Clock
from common.contracts.ids import Entity, VendorName
from common.state import privacy
from common.state.pool import Pool, transaction
from vendors.registry import VENDORS

EVERY_S, CALM_S = 1.0, 10.0


class Redaction:
    """Several may run: each takes what nobody else has."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def step(self) -> bool:
        """One batch; False when nothing is due."""
        async with transaction(self._pool) as tx:
            found = await privacy.step(tx, self._clock.now(), _inside)
            await failpoints.hit("mapper.before_redaction_commit")
        return found


def _inside(vendor: VendorName) -> Mapping[Entity, Entity]:
    """None of a vendor that is ours no more: whoever has to be forgotten is so all the same."""
    known = VENDORS.get(vendor)
    if known is None:
        return {}
    kept = known.source.feeds.values() if known.source is not None else ()
    of_kept = {feed.parts.into: feed.to for feed in kept if feed.is_kept and feed.parts is not None}
    return {part: parts.of for part, parts in known.inner.items()} | of_kept
