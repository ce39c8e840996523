"""When each channel last told us something that was verified: noted by the gateway in memory, stored by whoever keeps the channels.

A process that dies takes the notes of a second with it; the next webhook is noted again.
"""

from __future__ import annotations

from datetime import datetime

from common.clock import Clock
from common.contracts.ids import ConnectionId, VendorName
from common.state.channels import HeardSubject
from vendors.registry import vendor_named
from vendors.vendor import HookRequest

# What is larger tells its subject late; finding it would keep the gateway from its next request.
_LARGEST = 65_536


class Deliveries:
    """The newest of each, since somebody last took them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[HeardSubject, datetime] = {}
        self._by_app: dict[ConnectionId, datetime] = {}

    def note(self, vendor: VendorName, connection: ConnectionId, request: HookRequest) -> None:
        """A webhook was verified."""
        channel, app = vendor_named(vendor).channel, vendor_named(vendor).app_inbox
        if app is not None:
            self._by_app[connection] = self._clock.now()
        if channel is None or len(request.body) > _LARGEST:
            return
        subject = channel.heard(request.query, request.body)
        if subject:
            self._heard[HeardSubject(connection, subject)] = self._clock.now()

    def take_by_app(self) -> dict[ConnectionId, datetime]:
        """Those that webhooks of applications told of."""
        taken, self._by_app = self._by_app, {}
        return taken

    def take(self) -> dict[HeardSubject, datetime]:
        """All of them; they are the caller's to store."""
        taken, self._heard = self._heard, {}
        return taken
