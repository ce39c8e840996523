"""A webhook of one connection is one receipt: durable with the broker's acknowledgement."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from common.clock import Clock, monotonic
from common.contracts.ids import ConnectionId, VendorName
from common.contracts.topics import receipts
from ingest import asgi
from ingest.hook_address import Hook
from ingest.receipt_message import keeping
from ingest.sends import SendsOne
from vendors.vendor import HookRequest

# The broker's acknowledgement takes a millisecond, so two seconds mean that it is away.
PRODUCE_DEADLINE_S = 2.0
_SHORTEST_S = 0.05


class KeepsReceipts(Protocol):
    """How what was recognised is made durable."""

    async def keep(self, request: HookRequest, hook: Hook, by: str, until: float) -> None:
        """Returns when it is; `by` names the proof, `until` is when the vendor stops listening. Raises a `Failure`."""


class Keepers(NamedTuple):
    """How the webhooks of one connection are kept, and those of an application."""

    one: KeepsReceipts
    app: KeepsReceipts


Heard = Callable[[VendorName, ConnectionId, HookRequest], None]
"""Who notes when a channel last told us something."""


class ReceiptKeeper:
    """Keeps what was recognised."""

    def __init__(self, producer: SendsOne, heard: Heard, clock: Clock) -> None:
        self._producer = producer
        self._heard = heard
        self._clock = clock

    async def keep(self, request: HookRequest, hook: Hook, by: str, until: float) -> None:
        """One receipt."""
        kept = keeping(request, hook.vendor, hook.owner, hook.inbox, by, self._clock.now())
        await self._producer.send(
            receipts(hook.vendor), kept.key, kept.value, asgi.with_trace(kept.headers), deadline=deadline(until)
        )
        self._heard(hook.vendor, hook.owner, request)


def deadline(until: float) -> float:
    """How long the broker may take."""
    return max(_SHORTEST_S, min(PRODUCE_DEADLINE_S, until - monotonic()))
