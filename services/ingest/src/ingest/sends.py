"""What ingest's parts need of each other, as narrow as they need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from common.bus.producer import Outgoing


class SendsAll(Protocol):
    """A producer."""

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        """Returns when the broker has all of them."""


class Wakes(Protocol):
    """Somebody who looks for work now instead of soon."""

    def wake(self) -> None: ...
