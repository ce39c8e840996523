"""Two records are kept in step both ways by one sync alone: what is known of them is one pair, and one mapping judges it (R15).

Two such syncs would judge the same pair by two mappings, one after the other, and send each other's decisions back for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from common.api.refusal import Refusal
from common.contracts.syncs import Leg
from common.state import pool as state
from console import sync_codes
from console.state import syncs as rows

End = tuple[str, str, str]
"""An account, a place, an entity."""
Ways = frozenset[End]
"""Whichever end the forward leg starts from: turned round, they are the same records."""


async def refuse_if_shared(link: state.DbConnection, name: str, legs: Sequence[Leg]) -> None:
    """Nothing where no leg has a way back. In a transaction nobody else decides the same meanwhile."""
    if not any(one.leads_back(other) for one in legs for other in legs):
        return
    await rows.exclude_other_two_ways(link)
    accounts = await rows.accounts(link)
    mine = Counter(_ways(legs, accounts))
    twice = next((ways for ways, count in mine.items() if count > 1), None)
    if twice is not None:
        raise _refusal(twice, f"{name} itself, by two pairs of legs")
    for sync in await rows.running(link):
        shared = mine.keys() & set(_ways(sync.legs, accounts))
        if shared and name not in (sync.name, sync.id):
            raise _refusal(min(shared, key=sorted), sync.name)


def _ways(legs: Sequence[Leg], accounts: Mapping[str, str]) -> Iterator[Ways]:
    for forward in legs:
        for back in legs:
            if forward.direction == "forward" and forward.leads_back(back):
                yield frozenset(
                    (accounts[leg.target], leg.target_place, str(leg.target_entity)) for leg in (back, forward)
                )


def _refusal(ways: Ways, sync: str) -> Refusal:
    ends = " and ".join(
        f"{entity} of {account}{f' in {place}' if place else ''}" for account, place, entity in sorted(ways)
    )
    return Refusal(409, sync_codes.SYNC_PAIR_TAKEN, f"{ends} are kept in step both ways by {sync}.")
