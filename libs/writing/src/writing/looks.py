"""Looks at target records: whatever goes wrong is about the records that were asked for, and ends nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.contracts.ids import Entity
from common.contracts.messages import Lane
from common.failures import Failure
from common.http.at_priority import AtPriority
from common.http.call import Api
from vendors.target import LooksBack, Target
from vendors.target_record import TargetRecord
from writing.items import TargetKey
from writing.vendor_code import of_a_read, vendor_read

Found = Mapping[str, TargetRecord | Failure]


@dataclass(frozen=True, slots=True)
class Finding:
    """What looks have shown, since when it may be so, and whether the vendor as a whole was away."""

    found: Mapping[TargetKey, TargetRecord | Failure]
    asked_at: datetime
    outage: bool = False


def together(keys: Iterable[TargetKey], targets: Mapping[Entity, Target]) -> Iterator[Sequence[TargetKey]]:
    """Those of one place that one look takes."""
    places: dict[tuple[str, str, Entity], list[TargetKey]] = {}
    for key in keys:
        places.setdefault(key[:3], []).append(key)
    for some in places.values():
        many = targets[some[0].entity].looks
        for at in range(0, len(some), many):
            yield some[at : at + many]


async def looked(
    target: Target, place: str, keys: Sequence[str], api: Api, lane: Lane, since: Mapping[str, datetime] | None = None
) -> Found:
    """Records of one place as they are, `target.looks` of them at most; every call of it stands in the lane of what it is for.

    `since`: when a write of each was sent of which nobody saw what became.
    """
    try:
        with vendor_read():
            at_lane = AtPriority(api, lane.value)
            if since is not None and isinstance(target, LooksBack):
                found = await target.look_back(place, since, at_lane)
            else:
                found = await target.look(place, keys, at_lane)
            if set(found) != set(keys):
                raise ValueError(f"{len(found)} answers to {len(keys)} questions")
            return {key: of_a_read(one) for key, one in found.items()}
    except Failure as failure:
        return dict.fromkeys(keys, failure)
