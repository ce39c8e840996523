"""What is left of the listings of a run: about how many records they will have told of, and when the vendor's limits let them end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from common.contracts.connections import Connection
from common.contracts.ids import RunId
from common.http.profile import Limit
from console.state.run_listings import OpenListing
from vendors.registry import vendor_named


class Forecasts(Protocol):
    """Who knows how long so many calls take."""

    async def seconds(self, limits: Sequence[Limit], calls: int) -> float | None: ...


@dataclass(frozen=True, slots=True)
class ListingLeft:
    """Of a run whose sources are being listed."""

    expected: int
    """About so many records it will have."""
    seconds: float
    """Until the last page may be asked for; 0 where no limit holds up anything."""


async def listing_left(listings: Sequence[OpenListing], forecasts: Forecasts | None) -> Mapping[RunId, ListingLeft]:
    """By run; one of which nobody can tell how long a listing is has none."""
    ordered = sorted(listings, key=lambda one: one.run)
    found = {run: list(its) for run, its in groupby(ordered, key=lambda one: one.run)}
    known = {run: its for run, its in found.items() if all(one.about is not None and one.seen for one in its)}
    return {run: ListingLeft(_expected(its), await _seconds(its, forecasts)) for run, its in known.items()}


def _expected(listings: Sequence[OpenListing]) -> int:
    return listings[0].before + sum(max(one.seen, one.about or 0) * one.legs for one in listings)


async def _seconds(listings: Sequence[OpenListing], forecasts: Forecasts | None) -> float:
    calls: dict[str, int] = {}
    of: dict[str, Connection] = {}
    for one in listings:
        of[one.connection.id] = one.connection
        calls[one.connection.id] = calls.get(one.connection.id, 0) + _pages_left(one)
    longest = 0.0
    for id, connection in of.items():
        limits = vendor_named(connection.vendor).profile.limits(connection)
        told = await forecasts.seconds(limits, calls[id]) if forecasts and calls[id] else None
        longest = max(longest, told or 0.0)
    return longest


def _pages_left(one: OpenListing) -> int:
    return math.ceil(max(0, (one.about or 0) - one.seen) * one.pages / max(1, one.seen))
