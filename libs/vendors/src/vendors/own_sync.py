"""A vendor's own sync with another vendor's records: where it runs beside ours, each takes what the other writes for an edit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.codes import Code
from common.contracts.ids import Entity, VendorName
from common.contracts.syncs import Leg

OPTION, ENDED = "own_sync", "ended"
"""The option of a leg by which a person says that it was switched off, and that only its marks are left on the records."""

NOTICE = "sync.own_sync"
"""The kind of the notice by which a running sync tells that it was paused for it."""


@dataclass(frozen=True, slots=True)
class OwnSync:
    """How it is recognised: by what it leaves on records."""

    entity: Entity
    mark: str
    """The field that is true of a record that it keeps in step."""
    other: VendorName
    code: Code

    @property
    def words(self) -> str:
        """One sentence for whoever wants the same of us."""
        return f"{self.code.meaning} {self.code.action}"

    def keeps(self, fields: Mapping[str, Any]) -> bool:
        """Whether it has left its mark on a record."""
        return fields.get(self.mark) is True


def said_ended(leg: Leg) -> bool:
    """Whether the file says that what is marked is history."""
    return leg.mapping is not None and leg.mapping.options.get(OPTION) == ENDED
