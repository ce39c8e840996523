"""Reads the target records that plans cannot do without, as many of one place in one look as it takes, and remembers what they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from common.failures import Failure
from common.http.outage import Outage
from vendors.acts import Look
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import verdicts
from writing.caller import VendorCaller
from writing.claimed import Claimed
from writing.endings import Endings
from writing.under_way import all_of

Looked = tuple[Claimed, str, TargetRecord | Failure]


class Looker:
    """Looks for the executor of one target."""

    def __init__(self, target: Target, endings: Endings, outage: Outage) -> None:
        self._target = target
        self._endings = endings
        self._outage = outage

    async def look(
        self, looks: Sequence[tuple[Claimed, Look]], caller: VendorCaller
    ) -> tuple[list[Claimed], list[tuple[Claimed, Failure]]]:
        """Reads what cannot be decided unseen, and remembers it."""
        asked_at = self._endings.now()
        found = [
            one for part in await all_of(self._look_at(some, caller) for some in self._parts(looks)) for one in part
        ]
        seen = [(row, key, one) for row, key, one in found if isinstance(one, TargetRecord)]
        if seen:
            await self._endings.learn(seen, asked_at)
        return [row for row, _, _ in seen], [(row, one) for row, _, one in found if isinstance(one, Failure)]

    def _parts(self, looks: Sequence[tuple[Claimed, Look]]) -> Iterator[Sequence[tuple[Claimed, Look]]]:
        """As many of one place as one look takes."""
        places: defaultdict[str, list[tuple[Claimed, Look]]] = defaultdict(list)
        for row, look in looks:
            places[row.item.place].append((row, look))
        for some in places.values():
            for at in range(0, len(some), self._target.looks):
                yield some[at : at + self._target.looks]

    async def _look_at(self, looks: Sequence[tuple[Claimed, Look]], caller: VendorCaller) -> list[Looked]:
        """One look; the first that meets a vendor that is away or refuses everything spares it the others."""
        rows, keys = [row for row, _ in looks], [look.key for _, look in looks]
        async with caller.line:
            if caller.stops(self._outage, rows[0].item.place):
                return [(row, look.key, verdicts.behind_a_gate()) for row, look in looks]
            found = await caller.look(rows, keys)
            failed = [(rows[0].item.place, one) for one in found.values()]
            await self._outage.is_on(caller.connection, failed, caller.api)
            return [(row, look.key, found[look.key]) for row, look in looks]
