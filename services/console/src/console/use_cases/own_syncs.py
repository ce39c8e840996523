"""Whether a vendor's own sync keeps the records of a sync as well, told by its marks: then ours is refused, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from common.contracts.ids import ConnectionId
from common.contracts.syncs import Leg
from common.failures import Failure
from common.state import pool as state
from console.state import record_marks
from console.use_cases.leg_drafting import End
from console.use_cases.problems import of_vendor, problem
from mapper.mapping.problems import Problem
from vendors.own_sync import OwnSync, said_ended


async def problems(pool: state.Pool, ends: Sequence[End], legs: Iterable[Leg]) -> list[Problem]:
    """Asked of the records that were read; where none was read yet, of the first page of the list."""
    its = list(legs)
    if any(said_ended(leg) for leg in its):
        return []
    return [
        found
        for end in ends
        for own in end.vendor.own_syncs
        if _concerns(end, own, ends, its)
        if (found := await _problem(pool, end, own)) is not None
    ]


def _concerns(end: End, own: OwnSync, ends: Sequence[End], legs: Sequence[Leg]) -> bool:
    others: set[ConnectionId] = {one.connection.id for one in ends if one.vendor.name == own.other}
    return any(
        (leg.source == end.connection.id and leg.source_entity == own.entity and leg.target in others)
        or (leg.target == end.connection.id and leg.target_entity == own.entity and leg.source in others)
        for leg in legs
    )


async def _problem(pool: state.Pool, end: End, own: OwnSync) -> Problem | None:
    async with state.connection(pool) as link:
        many, marked = await record_marks.counted(link, end.connection.id, own.entity, own.mark)
    try:
        many, marked = (many, marked) if many else await _listed(end, own)
    except Failure as failure:
        return of_vendor(failure, "source", end.connection.name)
    if not marked:
        return None
    words = f"{own.code.meaning} Of {many} records of {end.connection.name} it keeps {marked}."
    return problem(own.code, "legs", words)


async def _listed(end: End, own: OwnSync) -> tuple[int, int]:
    """Of the first page: how many records it has, and how many are marked."""
    source = end.vendor.source
    assert source is not None
    async for page in source.pages(end.connection, own.entity, None, end.api):
        return len(page.states), sum(own.keeps(one.fields) for one in page.states)
    return 0, 0
