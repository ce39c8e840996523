"""Members as tests speak of them: what is known of one, with its status and what we remember, in one value or one row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.contracts.outcomes import SkipReason
from vendors.mailchimp.memory import STANDING, Memory, memory_of, written
from vendors.mailchimp.wire import CHANGED_AT, MADE_AT, MADE_BY
from vendors.target_record import TargetRecord
from writing.target_records import record_of


def member(
    *, exists: bool | None = None, met: bool = False, standing: str = "", values: Mapping[str, Any] | None = None, doubtful: bool = False,
    former: str = "", ours: tuple[str, ...] = (), born_of: str = "", barred: SkipReason | None = None,
) -> TargetRecord:  # fmt: skip
    """What is known: last seen is what was last agreed."""
    seen = {**(values or {}), **({STANDING: standing} if standing else {})}
    memory = Memory(former=former, ours=ours, born_of=born_of, barred=barred)
    return TargetRecord(exists, met, "", seen, seen, written(memory), doubtful)


def looked_at(
    *, standing: str = "", values: Mapping[str, Any] | None = None, made_at: datetime | None = None, made_by: str = "",
    stamp: datetime | None = None,
) -> TargetRecord:  # fmt: skip
    """What a look at a member shows that is there."""
    seen = {**(values or {}), **({STANDING: standing} if standing else {})}
    return TargetRecord(True, seen=seen, memory={MADE_AT: made_at, MADE_BY: made_by, CHANGED_AT: stamp})


def known_of(row: Any) -> dict[str, Any]:
    """A row of `flow.target_record`, with what we remember of the member in words of its own."""
    record = record_of(row)
    memory = memory_of(record)
    return dict(row) | {
        "standing": record.seen.get(STANDING, ""),
        "standing_at": memory.standing_at,
        "standing_by": "target" if memory.heard else "",
        "standing_reason": memory.reason,
        "former": memory.former,
        "ours": list(memory.ours),
        "born_of": memory.born_of,
        "barred": memory.barred.value if memory.barred else "",
    }
