"""Tells people before a vendor's calls of a month are used up, and shows how they stand: of every connection whose vendor counts by the month.

In: what was taken of each month (`flow.budget_day`, `flow.budget_use`). Out: two gauges and one notice a connection, which stands while its
reason does. Nothing is held back here: the budget does that. Each process looks, and a notice that stands is not told again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.http.floor import day_ends, metered, ticket
from common.http.profile import Limit
from common.http.quota import foretold
from common.loops import Loop
from common.metric_register import VENDOR_MONTH_FORECAST, VENDOR_MONTH_USED
from common.metrics import Metrics
from common.state.budget_floors import BudgetFloors
from common.state.configuration import ConfigurationReader
from common.state.pool import DbConnection, Pool, transaction
from ingest.codes import QUOTA_MONTH_LOW
from vendors.registry import vendor_named

KIND = "quota.month"
EVERY_S = 60.0
NEARLY = 0.8


class MonthUse(NamedTuple):
    """One limit of a month."""

    limit: Limit
    used: int
    forecast: int
    until: str


class Months:
    """Looks at all connections."""

    def __init__(self, pool: Pool, configuration: ConfigurationReader, clock: Clock, metrics: Metrics) -> None:
        self._pool = pool
        self._floors = BudgetFloors(pool)
        self._configuration = configuration
        self._clock = clock
        self._metrics = metrics
        self._loop = Loop("months", EVERY_S, self.step)
        self.look = self._loop.look

    async def run(self, stopping: asyncio.Event) -> None:
        await self._loop.run(stopping)

    async def step(self) -> None:
        """One look."""
        async with transaction(self._pool) as tx:
            connections = (await self._configuration.read(tx)).connections.values()
        counted = [(one, limits) for one in connections if one.state == "active" and (limits := _monthly(one))]
        told = {one.id: words_of(await self._uses(one, limits)) for one, limits in counted}
        if told:
            async with transaction(self._pool) as tx:
                for connection, words in told.items():
                    await self._tell(tx, connection, words)

    async def _uses(self, connection: Connection, limits: Sequence[Limit]) -> list[MonthUse]:
        now, uses = self._clock.now(), list[MonthUse]()
        # Around its midnight it is both months: the new one says nothing yet.
        for one in {each.limit.name: each for each in reversed(metered(tuple(limits), now))}.values():
            used, exhausted = await self._floors.given(ticket(one, now))
            forecast = await foretold(self._floors, one, used, now)
            assert one.day is not None and forecast is not None
            until = f"{day_ends(one.limit, one.day):%Y-%m-%d}"
            uses.append(MonthUse(one.limit, one.limit.ours if exhausted else used, forecast, until))
        labels = {"system": connection.vendor, "connection": connection.id}
        self._metrics.set(VENDOR_MONTH_USED, max(one.used / one.limit.ours for one in uses), **labels)
        self._metrics.set(VENDOR_MONTH_FORECAST, max(one.forecast / one.limit.ours for one in uses), **labels)
        return uses

    async def _tell(self, tx: DbConnection, connection: ConnectionId, words: str) -> None:
        now = self._clock.now()
        standing = await tx.fetch(
            "select message from core.notification where connection = $1 and kind = $2 and resolved_at is null",
            connection,
            KIND,
        )
        if [row["message"] for row in standing] != [words] * bool(words):
            await tx.execute("select core.untell($1, $2, $3)", connection, KIND, now)
            if words:
                await tx.execute(
                    "select core.tell($1, $2, $3, $4, $5)", connection, KIND, QUOTA_MONTH_LOW.name, words, now
                )


def words_of(uses: Sequence[MonthUse]) -> str:
    """What there is to say, of the limit that is worst; without a figure that moves, so that it is told once."""
    return max((said for one in uses if (said := _said(one))[0]), default=(0, ""))[1]


def _said(one: MonthUse) -> tuple[int, str]:
    what = f"of this month's {one.limit.name.replace('_', ' ')} (ours: {one.limit.ours})"
    if one.used >= one.limit.ours:
        return 3, f"Nothing is left {what}: what has to be called waits until {one.until}."
    if one.used >= NEARLY * one.limit.ours:
        return 2, f"More than four fifths {what} are used; the next begin on {one.until}."
    if one.forecast > one.limit.ours:
        return 1, f"At the pace of the last days there are not enough {what}; the next begin on {one.until}."
    return 0, ""


def _monthly(connection: Connection) -> list[Limit]:
    limits = vendor_named(connection.vendor).profile.limits(connection)
    return [one for one in limits if one.shape == "monthly"]
