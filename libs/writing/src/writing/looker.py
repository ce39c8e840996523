"""Reads the target records that plans cannot do without, as many of one place in one look as it takes, and remembers what they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from common.failures import Failure
from common.http.outage import Outage
from vendors.acts import Look, id_of_key, key_of_id
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import verdicts
from writing.caller import VendorCaller
from writing.claimed import Claimed
from writing.endings import Endings
from writing.looks import Found
from writing.under_way import all_of
from writing.vendor_code import judged

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
            await self._endings.learn(seen, asked_at, [[row.item for row, _ in some] for some in self._parts(looks)])
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
            if caller.stops(self._outage, rows[0].item.spot):
                return [(row, look.key, verdicts.behind_a_gate()) for row, look in looks]
            found = await caller.look(rows, keys)
            found = {**found, **await self._heard(looks, found, caller)}
            failed = [(row.item.spot, found[look.key]) for row, look in looks]
            await self._outage.is_on(caller.connection, failed, caller.api)
            return [(row, look.key, found[look.key]) for row, look in looks]

    async def _heard(self, looks: Sequence[tuple[Claimed, Look]], found: Found, caller: VendorCaller) -> Found:
        """R21: a look by a match may lag. Whom our own tables know by it is read by id, which does not, before anything is created."""
        alone = [row for row, look in looks if row.item.side and not id_of_key(look.key) and _nobody(found[look.key])]
        ids = await self._endings.heard(alone) if alone else {}
        if not ids:
            return {}
        rows = [row for row in alone if row.item.key in ids]
        by_id = {row.item.target_key: key_of_id(ids[row.item.key]) for row in rows}
        read = await caller.look(rows, list(by_id.values()))
        shown = {key: read[id] for key, id in by_id.items()}
        return {key: one for key, one in shown.items() if isinstance(one, Failure) or self._has(one, key)}

    def _has(self, shown: TargetRecord, match: str) -> bool:
        """Whether it is there, and still has the match."""
        identity = judged(lambda: self._target.identify(shown.seen)) if shown.exists else None
        return identity is not None and not isinstance(identity, Failure) and identity.value == match


def _nobody(found: TargetRecord | Failure) -> bool:
    return isinstance(found, TargetRecord) and not found.exists
