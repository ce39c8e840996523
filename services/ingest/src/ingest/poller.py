"""Reads whole accounts: every source that an active sync starts from, or that its facts are made of, each by one reader at a time. Of places
that a sync writes to it reads what has changed, so that what others did there is known though no webhook came.

In: sources that are due (`flow.poll`). Out: change events of everything, or of what has changed. Durable: how far each was read, page by
page (`poll_turn.py`). A poller that dies leaves its leases to run out; whoever takes them goes on at the last page that was stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from common.clock import Clock, monotonic
from common.http.outage import Outage
from common.loops import Loop
from common.state import feeding, next_looks, polls, run_ends
from common.state.configuration import Configuration, ConfigurationReader
from common.state.polls import NextLook, Poll, Polled
from common.state.pool import DbConnection, Pool, transaction
from ingest.poll_job import PollReading
from ingest.poll_sources import cadence, held_back, judged_sources, listeners, wanted_sources, written_to
from ingest.poll_turn import PollTurn
from ingest.schedule import Cadence
from ingest.sends import Opens, SendsAll
from vendors.registry import VENDORS, vendor_named
from vendors.vendor import Vendor

EVERY_S = 1.0
AT_ONCE = 8
# Of a reader that died the next one waits for it (decision 31).
LEASE = timedelta(seconds=15)
RENEW_S = 5.0

_log = structlog.get_logger(__name__)


class Poller:
    """One task for each source that is read."""

    def __init__(
        self, pool: Pool, door: Opens, producer: SendsAll, configuration: ConfigurationReader, clock: Clock
    ) -> None:
        self._pool = pool
        self._configuration = configuration
        self._clock = clock
        self._running: dict[Polled, asyncio.Task[None]] = {}
        self._leases: dict[Polled, UUID] = {}
        self._next_renewal = 0.0
        self._wanted: tuple[int, list[Polled]] = (-1, [])
        self._tellers: frozenset[Polled] = frozenset()
        self._judged: frozenset[Polled] = frozenset()
        self._cadences: Mapping[Polled, Cadence] = {}
        self._written_to: Mapping[Polled, Vendor] = {}
        self._loop = Loop("poller", EVERY_S, self._look_round)
        self.look = self._loop.look
        outages = {name: Outage(pool, clock, vendor.ping) for name, vendor in VENDORS.items()}
        self._turn = PollTurn(pool, door, producer, clock, outages, self._asked)

    async def run(self, stopping: asyncio.Event) -> None:
        """Reads until the service stops."""
        try:
            await self._loop.run(stopping)
        finally:
            for turn in (turns := list(self._running.values())):
                # Its pages are stored; the rest is read when its lease is over.
                turn.cancel()
            await asyncio.gather(*turns, return_exceptions=True)

    async def step(self) -> bool:
        """Reads what is due to its end; False when nothing is."""
        begun = await self._begin()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        return begun

    async def _look_round(self) -> bool:
        await self._renew_in_time()
        return await self._begin()

    async def _renew_in_time(self) -> None:
        """Whoever lives keeps what it reads."""
        if self._leases and monotonic() >= self._next_renewal:
            self._next_renewal = monotonic() + RENEW_S
            async with transaction(self._pool) as tx:
                await polls.renew(tx, list(self._leases.values()), LEASE)

    async def _begin(self) -> bool:
        """A task for each source that is due, but for those that have one."""
        async with transaction(self._pool) as tx:
            await run_ends.close_those_read(tx, self._clock.now())
            configuration = await self._configuration.read(tx)
            wanted = await self._want(tx, configuration)
            await polls.give_up(tx, self._judged)
            held = held_back(configuration, await feeding.unready(tx)) if self._tellers else frozenset[Polled]()
            free = [one for one in wanted if one not in self._running and one not in held]
            places = AT_ONCE - len(self._running)
            due = await polls.lease(tx, free, self._clock.now(), most=places, within=LEASE) if free and places else []
        for unheard in [turn for source, turn in self._running.items() if source not in self._judged]:
            unheard.cancel()
        for poll in due:
            self._start(poll, configuration)
        return bool(due)

    async def _want(self, tx: DbConnection, configuration: Configuration) -> list[Polled]:
        """What active syncs start from, and what their facts are made of; a source that is new is read at once."""
        revision, wanted = self._wanted
        if revision != configuration.revision:
            sources, tellers = wanted_sources(configuration)
            wanted, now = sorted(sources | tellers), self._clock.now()
            await polls.want(tx, wanted, now)
            self._written_to = written_to(configuration)
            await self._read_back(tx, now)
            wanted += [one for one in self._written_to if configuration.connections[one.connection].state == "active"]
            await feeding.want(tx, sorted(tellers), now)
            await self._plan(tx, configuration, wanted, now)
            self._wanted, self._tellers = (configuration.revision, wanted), tellers
            self._judged = judged_sources(configuration) | self._written_to.keys()
        return wanted

    async def _plan(
        self, tx: DbConnection, configuration: Configuration, wanted: Sequence[Polled], now: datetime
    ) -> None:
        """Who wants a source at other times than before does not wait until the time that was meant before."""
        self._cadences = {one: cadence(configuration, one) for one in wanted}
        usual = {one: vendor_named(configuration.connections[one.connection].vendor).source for one in wanted}
        planned = {
            one: NextLook(cadence.after(now, source.polled_every), cadence.words)
            for one, cadence in self._cadences.items()
            if (source := usual[one]) is not None
        }
        await next_looks.plan(tx, planned)

    def _asked(self, source: Polled) -> Cadence:
        return self._cadences.get(source, Cadence())

    async def _read_back(self, tx: DbConnection, now: datetime) -> None:
        """From this moment on, for the first time after one interval: until then nobody has written much."""
        for polled, vendor in self._written_to.items():
            assert vendor.read_back is not None and vendor.source is not None
            await polls.want_changes(tx, polled, vendor.read_back.since(now), now + vendor.source.polled_every)

    def _start(self, poll: Poll, configuration: Configuration) -> None:
        source = poll.polled
        reading = PollReading(
            poll, configuration.connections[source.connection], listeners(configuration, source),
            changes_only=source in self._written_to,
        )  # fmt: skip
        turn = self._turn.read(reading)
        self._running[source] = asyncio.create_task(turn, name=f"poll:{source.connection}:{source.entity}")
        self._leases[source] = poll.token
        self._running[source].add_done_callback(partial(self._ended, source))

    def _ended(self, source: Polled, turn: asyncio.Task[None]) -> None:
        """Whatever went wrong in it, the others go on; it is read again when its lease is over."""
        del self._running[source], self._leases[source]
        error = None if turn.cancelled() else turn.exception()
        if error is not None:
            _log.error("poller.turn_failed", task=turn.get_name(), reason=str(error), exc_info=error)
