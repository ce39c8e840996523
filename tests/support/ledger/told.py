"""What two ledgers tell as sources: hooks of every change, and reads by id."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from common.contracts.ids import ConnectionId, RecordId
from common.contracts.messages import ChangeEvent, Version
from tests.support.ledger.vendor import PARTY, wire
from tests.support.ledger.vendor.client import NAME


def event(side: str, change: dict[str, Any]) -> ChangeEvent:
    """A hook: its body carries the record, and settles nothing. One of a deletion only asks (R12)."""
    record = change["record"]
    gone = bool(record.get("deleted"))
    return _event(
        side,
        str(change["id"]),
        record,
        "asked" if gone else "changed",
        "ask" if gone else "hook",
        "webhook",
        settled=False,
    )


def read(side: str, id: str, record: dict[str, Any] | None) -> ChangeEvent:
    """A read by id."""
    if record is None or record.get("deleted"):
        return _event(side, id, record or {}, "deleted", "gone", "read", settled=True)
    settled = time.time() > record["modified"] + 1
    return _event(side, id, record, "changed", "detail", "read", settled=settled)


def _event(
    side: str, id: str, record: dict[str, Any], kind: Any, coverage: Any, via: Any, *, settled: bool
) -> ChangeEvent:
    now = datetime.now(UTC)
    version = Version(stamp=wire.stamp(record) if kind == "changed" else now, settled=settled)
    fields = wire.fields(record) if kind == "changed" else {}
    ids = (ConnectionId(side), PARTY, RecordId(id))
    return ChangeEvent(
        id=ChangeEvent.derive_id(*ids, version, coverage, fields), connection=ids[0], vendor=NAME, entity=ids[1], record=ids[2],
        kind=kind, version=version, coverage=coverage, fields=fields, observed_at=now, via=via,
        author=str(record.get("author") or ""),
    )  # fmt: skip
