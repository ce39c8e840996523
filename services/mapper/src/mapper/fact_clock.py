"""The calendar as a cause: records whose facts a new day changes are judged again, found by the day on which something changes.

In: `flow.fact_due`, by its index; nobody else is looked at. Out: wishes, raised as by any change (R9). Durable with one transaction a page.
A day begins where the account is. Here also begins the time of facts: when all that a listing told of has been merged, those who waited for
their facts are judged.
"""

from __future__ import annotations

from common.clock import Clock
from common.contracts.messages import Lane
from common.state import feeding
from common.state.configuration import ConfigurationReader
from common.state.pool import DbConnection, Pool, transaction
from mapper import deal_choosing, feed_rows, state_rows
from mapper.judged_again import judged_again
from mapper.mappings import Mappings
from mapper.publisher import Publisher
from mapper.state_rows import Key
from mapper.wanted_rows import Cause

EVERY_S = 2.0
PAGE = 500


class FactClock:
    """Judges the records on whom a new day has begun."""

    def __init__(
        self, pool: Pool, clock: Clock, configuration: ConfigurationReader, mappings: Mappings, publisher: Publisher
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._configuration = configuration
        self._mappings = mappings
        self._publisher = publisher

    async def step(self) -> bool:
        """One page; False when nothing is due."""
        await self._arrivals()
        async with transaction(self._pool) as tx:
            if not await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended('fact clock', 0))"):
                return False
            keys = await feed_rows.due(tx, self._clock.now(), PAGE)
            raised = await self._judge(tx, keys) if keys else []
        if raised:
            await self._publisher.publish(raised)
        return bool(keys)

    async def _arrivals(self) -> None:
        """Whoever judged while something was still to come has stored that it waits before anybody is woken here."""
        async with transaction(self._pool) as tx:
            arrived = await feeding.arrive(tx, self._clock.now())
            if arrived:
                await deal_choosing.arrived(tx, await self._configuration.read(tx), arrived)
            waiting = await feed_rows.waiting(tx)
        for connection in waiting:
            async with transaction(self._pool) as tx:
                await state_rows.judged_so_far(tx, connection)
                await feed_rows.wake(tx, connection, self._clock.now())

    async def _judge(self, tx: DbConnection, keys: list[Key]) -> list[Key]:
        cause = Cause(self._clock.now(), Lane.BACKFILL)
        raised = await judged_again(tx, self._configuration, self._mappings, keys, cause)
        await feed_rows.over(tx, keys, cause.happened_at)
        return raised
