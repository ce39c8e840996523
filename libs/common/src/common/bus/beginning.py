"""Where a consumer begins, and how it holds while the database says less than it did (R27)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog

from common.bus.batch import Away, Take
from common.bus.judgement import BatchJudgement, judge
from common.bus.offsets import Offsets
from common.bus.places import Displaced, Places, Start, WentBack
from common.state.group_offsets import BatchStep
from common.state.pool import DbConnection

_log = structlog.get_logger(__name__)


class Beginning:
    """The stored places of one consumer over its present assignment."""

    def __init__(self, places: Places, offsets: Offsets) -> None:
        self._places = places
        self._offsets = offsets
        self._known: list[BatchStep] = []
        self._one = asyncio.Lock()
        self.placed = asyncio.Event()
        self.trouble = ""
        """Why nothing is handled; empty when all is well."""

    async def known(self, consumer: Any, partitions: Collection[Any]) -> bool:
        """Whether it was known where to begin here; if not it is now, and what was fetched until now may be from elsewhere."""
        if self._offsets.begun(partitions):
            return True
        # One at a time: a second beginning would send the consumer back behind the batch that the first one let through.
        async with self._one:
            if not self._offsets.begun(partitions):
                assigned, generation = consumer.assignment(), self._offsets.generation
                starts = await self._looked([one.partition for one in assigned])
                self._offsets.begin(consumer, {one: starts[one.partition] for one in assigned}, generation)
        return False

    def taking(self, nexts: Mapping[Any, int]) -> Take:
        """What a batch that ends there does first in its transaction."""
        steps = self._offsets.steps(nexts)

        async def take(tx: DbConnection, last: bool) -> None:
            await self._places.take(tx, steps if last else [one._replace(next_offset=one.since) for one in steps])

        return take

    async def place(self, pause_s: float) -> None:
        """Compares the places of the whole group once, before anybody else relies on what the database says."""
        said = ""
        while not self.placed.is_set():
            try:
                await self._looked(())
            except Away as away:
                if str(away) != said:
                    said = str(away)
                    _log.warning("consumer.not_placed", group=self._places.whose.group, reason=said)
                await asyncio.sleep(pause_s)

    async def compare(self, consumer: Any) -> None:
        """A database that goes back under a consumer with nothing to do is seen as well; one that is away is asked later."""
        try:
            if await self.known(consumer, consumer.assignment()):
                await self._places.compare(self._offsets.steps())
        except Displaced as displaced:
            await self.forget(displaced)
        except Exception as error:
            if not isinstance(error, Away) and judge(error) is not BatchJudgement.WAIT:
                raise

    async def forget(self, displaced: Displaced) -> None:
        """The places are looked up again before anything more is handled; if they went back, behind closed gates."""
        if isinstance(displaced, WentBack):
            # Kafka may not have been told yet of what is lost, but we know.
            self._known = self._known or self._offsets.steps()
        self._offsets.reassigned()
        if isinstance(displaced, WentBack):
            self.trouble = str(displaced)
            with suppress(Away):
                await self._looked(())

    async def _looked(self, partitions: Sequence[int]) -> Mapping[int, Start]:
        try:
            starts = await self._places.look(partitions, self._known)
        except WentBack as back:
            self.trouble = str(back)
            raise
        except Exception as error:
            if isinstance(error, Away) or judge(error) is not BatchJudgement.WAIT:
                raise
            raise Away(f"{type(error).__name__}: {error}") from error
        self.trouble, self._known = "", []
        self.placed.set()
        return starts
