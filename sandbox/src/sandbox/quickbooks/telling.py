"""From changes to messages on their way: later events wait until the first message is acknowledged (sheet, section 6.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from sandbox.delivery import Attempt, Delivery
from sandbox.quickbooks import posting
from sandbox.quickbooks.apps import App
from sandbox.quickbooks.event import Event
from sandbox.quickbooks.world import World

MOST = 100  # events in a message; the vendor names no number


class Sends(Protocol):
    """The core's delivery queue."""

    def send(self, delivery: Delivery) -> str: ...

    def last(self, many: int) -> list[dict[str, object]]: ...


class Telling:
    """Tells each application what happened at the companies that let it in."""

    def __init__(self, world: World, queue: Sends) -> None:
        self._world, self._queue = world, queue

    def tell(self, events: Iterable[Event], now: datetime) -> None:
        events = list(events)
        for app in self._world.apps.values():
            app.waiting += [event for event in events if app.wants(event, now.timestamp())]
            self.flush(app, now)

    def due(self, now: datetime) -> None:
        """Events that were gathered long enough."""
        for app in self._world.apps.values():
            self.flush(app, now)

    def flush(self, app: App, now: datetime) -> None:
        switches = self._world.switches
        while app.waiting and not (switches.hold_back and app.on_its_way):
            if app.webhook is None:
                app.waiting.clear()
                return
            if (now - app.waiting[0].at).total_seconds() < switches.hook_gather_s:
                return
            events, app.waiting = app.waiting[:MOST], app.waiting[MOST:]
            self._send(app, posting.message(app, app.webhook, events, switches))

    def _send(self, app: App, delivery: Delivery) -> None:
        app.on_its_way = delivery.context
        id_ = self._queue.send(delivery)
        newest = self._queue.last(1)
        if newest and newest[0]["id"] == id_ and newest[0]["fault"] == "lost":
            app.on_its_way = ""  # gone on the way, and nobody here knows

    def ended(self, delivery: Delivery, attempt: Attempt, now: datetime) -> None:
        """An acknowledged message lets the next one go, and so does one that was tried for a week."""
        app = self._world.apps.get(delivery.account)
        if app is None or delivery.context != app.on_its_way:
            return
        if 200 <= attempt.status < 300 or attempt.last:
            app.on_its_way = ""
            self.flush(app, now)
