"""One record's part in one call: what was about to be sent, stored before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from common.contracts.ids import ConnectionId
from vendors.acts import Act, Attempt
from writing.items import Item, ItemKey, TargetKey


@dataclass(frozen=True, slots=True)
class Intent:
    """One record's part in one call; `attempt` names the call."""

    attempt: str
    key: ItemKey
    connection: ConnectionId
    """The one it was sent through."""
    target: TargetKey
    revision: int
    mapping_version: int
    act: Act
    before: Mapping[str, Any]
    sent_at: datetime
    hold_until: datetime
    run: str = ""
    event_id: str = ""
    trace_id: str = ""

    @property
    def unseen(self) -> Attempt:
        """As the vendor's code needs it to say whether it has landed."""
        return Attempt(self.act, self.before, self.sent_at)


class Closing(NamedTuple):
    """How an intent ends: `settled` for good, `answered` when only a look tells the rest."""

    attempt: str
    key: ItemKey
    state: str
    verdict: str
    stamp: datetime | None = None
    """The vendor's own stamp of what it has made (R17)."""


def intent_of(attempt: str, item: Item, act: Act, before: Mapping[str, Any], at: datetime, until: datetime) -> Intent:
    target = item.target(act.key)
    return Intent(
        attempt, item.key, item.connection, target, item.revision, item.mapping_version, act, before, at, until,
        item.run, item.event_id, item.trace_id,
    )  # fmt: skip
