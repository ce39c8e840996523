"""The facts of places, kept for minutes: what has to be known of one changes rarely and costs calls to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from common.clock import monotonic
from common.contracts.ids import ConnectionId
from common.http.call import Api
from vendors.target import Target

FRESH_S = 300.0
# A refusal by what is remembered may be mended already: it is asked about so often at most.
MENDED_S = 15.0
_Where = tuple[ConnectionId, str]


class Facts:
    """One process's memory of places."""

    def __init__(self, target: Target, *, clock: Callable[[], float] = monotonic) -> None:
        self._target = target
        self._clock = clock
        self._kept: dict[_Where, tuple[float, object]] = {}
        self._asking: dict[_Where, asyncio.Lock] = {}

    def kept(self, connection: ConnectionId, place: str) -> object | None:
        """What is remembered and fresh enough."""
        found = self._kept.get((connection, place))
        return found[1] if found and self._clock() < found[0] else None

    def may_be_mended(self, connection: ConnectionId, place: str) -> bool:
        """Whether what is remembered is so old that a person may have mended there what it refuses."""
        found = self._kept.get((connection, place))
        return found is not None and self._clock() >= found[0] - FRESH_S + MENDED_S

    async def of(self, connection: ConnectionId, place: str, api: Api) -> object:
        """Remembered, or asked for now; asked for once, whoever waits for it."""
        async with self._asking.setdefault((connection, place), asyncio.Lock()):
            known = self.kept(connection, place)
            if known is None:
                known = await self._target.facts(place, api)
                self._kept[connection, place] = (self._clock() + FRESH_S, known)
            return known

    def forget(self, connection: ConnectionId, place: str) -> None:
        """A refusal showed that they have changed."""
        self._kept.pop((connection, place), None)
