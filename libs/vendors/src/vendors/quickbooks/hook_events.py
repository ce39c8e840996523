"""What a webhook of QuickBooks tells: that something happened to a record of a company, and no field of it (sheet, section 6).

Two forms: a list of CloudEvents, companies mixed, and the former object. What differs from one event to the next is not relied upon: fractions of
a second, what an id looks like, whether there is any data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vendors.quickbooks import wire

_TYPE = re.compile(r"qbo\.([a-z]+)\.([a-z]+)\.v[0-9]+")


@dataclass(frozen=True, slots=True)
class QboEvent:
    """One event, in either form."""

    realm: str
    entity: str
    """The vendor's name of it in small letters; empty where the event is of no known form."""
    record: str
    loser: str
    """Who was merged into the record."""
    at: datetime | None
    body: bytes
    """The same event is the same bytes, whatever it came with."""


def events_of(body: bytes) -> list[QboEvent]:
    """Every event, in the order of the body."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise wire.UnreadableBooks("The body is not JSON.") from error
    rows = told if isinstance(told, list) else list(_former(told))
    if not all(isinstance(row, dict) for row in rows):
        raise wire.UnreadableBooks("The body is no list of events.")
    return [_event(row) for row in rows]


def _former(told: Any) -> Iterator[Any]:
    """The events of the former object, each with its company."""
    try:
        for one in told["eventNotifications"]:
            for entity in one["dataChangeEvent"]["entities"]:
                yield {"realmId": one["realmId"], **entity}
    except (LookupError, TypeError) as error:
        raise wire.UnreadableBooks("The body is of neither form.") from error


def _event(row: Mapping[str, Any]) -> QboEvent:
    body = json.dumps([row] if "type" in row else _as_former(row), sort_keys=True).encode()
    if "type" not in row:
        entity, loser = str(row.get("name", "")).lower(), row.get("deletedId")
        return QboEvent(_id(row.get("realmId")), entity, _id(row.get("id")), _id(loser), _moment(row.get("lastUpdated")), body)  # fmt: skip
    kind, more = _TYPE.fullmatch(str(row["type"])), row.get("data")
    loser = more.get("deletedid") if isinstance(more, dict) else None
    realm, record = _id(row.get("intuitaccountid")), _id(row.get("intuitentityid"))
    return QboEvent(realm, kind[1] if kind else "", record, _id(loser), _moment(row.get("time")), body)


def _as_former(row: Mapping[str, Any]) -> Mapping[str, Any]:
    entity = {name: value for name, value in row.items() if name != "realmId"}
    return {"eventNotifications": [{"realmId": row.get("realmId"), "dataChangeEvent": {"entities": [entity]}}]}


def _id(value: Any) -> str:
    return wire.record_id(value) or ""


def _moment(written: Any) -> datetime | None:
    """By the second, as records are stamped."""
    try:
        moment = datetime.fromisoformat(written)
        return moment.astimezone(UTC).replace(microsecond=0) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None
