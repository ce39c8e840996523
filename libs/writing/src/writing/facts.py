"""The facts of places, kept for minutes, or for a day where each part can be asked for again: they change rarely and cost calls to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from common.clock import monotonic
from common.contracts.ids import ConnectionId
from common.http.call import Api
from vendors.acts import NeedFacts
from vendors.target import Target

FRESH_S = 300.0
# Of what can be asked for part by part, and is, where a part lacks something.
FRESH_IN_PARTS_S = 86_400.0
# A refusal by what is remembered may be mended already: it is asked about so often at most.
MENDED_S = 15.0
_Where = tuple[ConnectionId, str]


@dataclass(slots=True)
class _Kept:
    """What is known of one place, and when it was asked for: all of it, and parts by themselves."""

    facts: object
    at: float
    parts: dict[str, float] = field(default_factory=dict)


class Facts:
    """One process's memory of places."""

    def __init__(self, target: Target, *, clock: Callable[[], float] = monotonic) -> None:
        self._target = target
        self._clock = clock
        self._fresh_s = FRESH_IN_PARTS_S if target.facts_in_parts else FRESH_S
        self._kept: dict[_Where, _Kept] = {}
        self._asking: dict[_Where, asyncio.Lock] = {}

    def kept(self, connection: ConnectionId, place: str) -> object | None:
        """What is remembered and fresh enough."""
        found = self._kept.get((connection, place))
        return found.facts if found and self._clock() < found.at + self._fresh_s else None

    def may_be_mended(self, connection: ConnectionId, place: str) -> bool:
        """Whether what is remembered is so old that a person may have mended there what it refuses; parts are asked for by `NeedFacts`."""
        found = self._kept.get((connection, place))
        return found is not None and not self._target.facts_in_parts and self._clock() >= found.at + MENDED_S

    def is_due(self, connection: ConnectionId, place: str, need: NeedFacts) -> bool:
        """Whether this has to be asked for, or was a moment ago."""
        return need.otherwise is None or bool(self._due((connection, place), need))

    async def of(self, connection: ConnectionId, place: str, api: Api, need: NeedFacts | None = None) -> object:
        """Remembered, or asked for now, as far as it is due; asked for once, whoever waits for it."""
        where = (connection, place)
        async with self._asking.setdefault(where, asyncio.Lock()):
            known = self.kept(*where)
            if known is None:
                known = await self._target.facts(place, api)
                self._kept[where] = _Kept(known, self._clock())
            elif need is not None and (due := self._due(where, need)):
                known = await self._target.facts(place, api, known, due)
                kept = self._kept[where]
                kept.facts = known
                kept.parts |= dict.fromkeys(due, self._clock())
            return known

    def forget(self, connection: ConnectionId, place: str) -> None:
        """A refusal showed that they have changed."""
        self._kept.pop((connection, place), None)

    def _due(self, where: _Where, need: NeedFacts) -> Collection[str]:
        found = self._kept.get(where)
        if found is None:
            return need.lacking
        before = self._clock() - (MENDED_S if need.hurry else FRESH_S)
        return [part for part in sorted(need.lacking) if self._asked_at(found, part) <= before]

    def _asked_at(self, found: _Kept, part: str) -> float:
        whole = found.at if part in self._target.facts_in_parts else float("-inf")
        return max(found.parts.get(part, float("-inf")), whole)
