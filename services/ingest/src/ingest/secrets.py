"""Webhook secrets from the token-broker: five minutes fresh, longer while the broker is away, never on disk.

A connection whose secrets were never fetched cannot be verified while the broker is away: then the vendor has to come again (503). So
it is while a flood of unknown ids comes: those that are not configured wait for the pace, those that are do not.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from common.clock import monotonic
from common.contracts.ids import ConnectionId
from common.flights import Flights
from common.http.broker import BrokerClient, BrokerSilent
from common.secret import Secret
from ingest.unknown import AskPace, UnknownIds

FRESH_S = 300.0
TIMEOUT_S = 1.5
_OK, _NO_SUCH_CONNECTION = 200, 404


class SecretsAway(Exception):
    """Nobody can say now which secrets the connection has."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the broker last said of a connection it knows."""

    secrets: tuple[Secret, ...]
    at: float

    @property
    def fresh(self) -> bool:
        return monotonic() - self.at < FRESH_S


class KnownSecrets:
    """The secrets of each connection, fetched once by whoever asks first."""

    def __init__(self, broker_url: str, key: Callable[[], Secret], configured: Container[ConnectionId] = ()) -> None:
        self._broker = BrokerClient(broker_url, key, timeout_s=TIMEOUT_S)
        self._configured = configured
        self._kept: dict[ConnectionId, _Kept] = {}
        self._unknown = UnknownIds()
        self._pace = AskPace()
        self._asking: Flights[ConnectionId, tuple[Secret, ...] | None] = Flights()

    async def of(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        """The secrets that are valid now, or None when there is no such connection; raises `SecretsAway`."""
        kept = self._kept.get(connection)
        if kept is not None and kept.fresh:
            return kept.secrets
        if connection in self._unknown:
            return None
        try:
            return await self._asked(connection)
        except SecretsAway:
            if kept is None:
                raise
            return kept.secrets

    async def refetched(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        """The same, asked anew if what we have is older than a moment: a secret may just have been rotated."""
        kept = self._kept.get(connection)
        if kept is not None and monotonic() - kept.at < 2.0:
            return kept.secrets
        try:
            return await self._asked(connection)
        except SecretsAway:
            return kept.secrets if kept is not None else None

    async def aclose(self) -> None:
        """Forgets them."""
        self._kept.clear()
        await self._broker.aclose()

    async def _asked(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        known = connection in self._kept or connection in self._configured
        if connection not in self._asking and not known and not self._pace.take():
            raise SecretsAway
        return await self._asking.join(connection, lambda: self._ask(connection))

    async def _ask(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        try:
            answer = await self._broker.ask("GET", f"/v1/webhook-secrets/{connection}")
        except BrokerSilent as away:
            raise SecretsAway from away
        if answer.status == _NO_SUCH_CONNECTION:
            self._kept.pop(connection, None)
            self._unknown.add(connection)
            return None
        if answer.status != _OK or answer.document is None:
            raise SecretsAway
        secrets = tuple(Secret(one["secret"]) for one in answer.document["secrets"])
        self._kept[connection] = _Kept(secrets, monotonic())
        self._unknown.forget(connection)
        return secrets
