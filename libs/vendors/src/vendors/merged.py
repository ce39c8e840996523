"""That a record was merged into another one at its source, as far as the source says into which."""

from __future__ import annotations

from typing import NamedTuple

from common.contracts.ids import Entity, RecordId


class MergedAway(NamedTuple):
    """Of the two only the second is left."""

    entity: Entity
    record: RecordId
    into: RecordId
