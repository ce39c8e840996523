"""Looks at target records: whatever goes wrong is about the records that were asked for, and ends nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.failures import Failure
from common.http.call import Api
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing.items import TargetKey
from writing.vendor_code import of_a_read, vendor_read

Found = Mapping[str, TargetRecord | Failure]


async def looked(target: Target, place: str, keys: Sequence[str], api: Api) -> Found:
    """Records of one place as they are, `target.looks` of them at most."""
    try:
        with vendor_read():
            found = await target.look(place, keys, api)
            if set(found) != set(keys):
                raise ValueError(f"{len(found)} answers to {len(keys)} questions")
            return {key: of_a_read(one) for key, one in found.items()}
    except Failure as failure:
        return dict.fromkeys(keys, failure)


async def looked_at(target: Target, key: TargetKey, api: Api) -> TargetRecord | Failure:
    """One record as it is."""
    return (await looked(target, key.place, [key.key], api))[key.key]
