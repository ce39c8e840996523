"""What ingest's parts need of each other, as narrow as they need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from common.bus.producer import Landed, Outgoing
from common.contracts.connections import Connection
from common.contracts.topics import Topic
from common.http.call import Api
from common.http.profile import Profile


class SendsOne(Protocol):
    """A producer."""

    async def send(
        self, topic: Topic, key: str, value: bytes, headers: list[tuple[str, bytes]], *, deadline: float
    ) -> None:
        """Returns when the broker has the message."""


class SendsAll(Protocol):
    """A producer."""

    async def send_all(self, messages: Sequence[Outgoing]) -> Sequence[Landed]:
        """Returns when the broker has all of them: where they are."""


class SendsInTime(Protocol):
    """A producer, for somebody who is not waited for."""

    async def send_all(self, messages: Sequence[Outgoing], *, deadline: float) -> Sequence[Landed]:
        """As `SendsAll`; on a failure some may have arrived."""


class Wakes(Protocol):
    """Somebody who looks for work now instead of soon."""

    def wake(self) -> None: ...


class Opens(Protocol):
    """The door to vendors."""

    def open(self, profile: Profile, connection: Connection) -> Api: ...
