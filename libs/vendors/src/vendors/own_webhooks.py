"""How webhooks of a source's records are told apart that only our own writes into them have caused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from common.contracts.ids import Entity
from vendors.target_record import TargetRecord


@dataclass(frozen=True, slots=True)
class OwnWebhooks:
    """Of one kind of records."""

    written_as: Entity
    """By what name we write into it."""
    is_ours: Callable[[TargetRecord, datetime, int | None], bool]
    """Whether what is known of the record by our writes explains a webhook of this moment, where the source knew the record last by the
    vendor's version of this number; pure."""
