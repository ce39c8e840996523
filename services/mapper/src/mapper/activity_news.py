"""What audiences tell as a cause: customers of whom there is a new row are judged again, however many rows there are of each.

In: `flow.activity_due`, which whoever keeps a row adds to in the same transaction. Out: wishes, raised as by any change (R9). Durable with one
transaction a page: who was due is so no more, and what is wanted. Rows are read after the locks, so that of two who judge one customer the later
one knows all that the earlier one did. A crash before the commit leaves everybody due; one after it leaves wishes that the republisher sends.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.clock import Clock
from common.contracts.messages import Lane
from common.state import activity
from common.state.configuration import ConfigurationReader
from common.state.pool import DbConnection, Pool, transaction
from mapper import activity_records, state_rows
from mapper.judged_again import judged_again
from mapper.mappings import Mappings
from mapper.publisher import Publisher
from mapper.state_rows import Key
from mapper.wanted_rows import Cause

EVERY_S = 0.5
PAGE = 500


class ActivityNews:
    """Judges a page of customers; several may run, each takes what nobody else has."""

    def __init__(
        self, pool: Pool, clock: Clock, configuration: ConfigurationReader, mappings: Mappings, publisher: Publisher
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._configuration = configuration
        self._mappings = mappings
        self._publisher = publisher

    async def step(self) -> bool:
        """One page; False when nobody is due."""
        async with transaction(self._pool) as tx:
            keys = [Key(*one) for one in await activity.take_due(tx, PAGE)]
            cause = Cause(self._clock.now(), Lane.LIVE if len(keys) < PAGE else Lane.BACKFILL)
            keys += await self._events(tx, keys, cause) if keys else []
            raised = await judged_again(tx, self._configuration, self._mappings, keys, cause) if keys else []
        if raised:
            await self._publisher.publish(raised)
        return bool(keys)

    async def _events(self, tx: DbConnection, customers: Sequence[Key], cause: Cause) -> list[Key]:
        """R9: made after whoever begins to want them can wait for this."""
        await state_rows.judging(tx, customers)
        return await activity_records.make(tx, await self._configuration.read(tx), customers, cause.happened_at)
