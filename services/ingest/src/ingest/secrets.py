"""Webhook secrets from the token-broker: five minutes fresh, longer while the broker is away, never on disk.

A connection whose secrets were never fetched cannot be verified while the broker is away: then the vendor has to come again (503). So
it is while a flood of unknown ids comes: those that are not configured wait for the pace, those that are do not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from common.clock import monotonic
from common.contracts.ids import ConnectionId
from common.secret import Secret
from ingest.unknown import Pace, UnknownIds

FRESH_S = 300.0
TIMEOUT_S = 1.5


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


class WebhookSecrets:
    """The secrets of each connection, fetched once by whoever asks first."""

    def __init__(self, broker_url: str, key: Callable[[], Secret], configured: Container[ConnectionId] = ()) -> None:
        self._client = httpx.AsyncClient(base_url=broker_url, timeout=TIMEOUT_S, trust_env=False)
        self._key = key
        self._configured = configured
        self._kept: dict[ConnectionId, _Kept] = {}
        self._unknown = UnknownIds()
        self._pace = Pace()
        self._asking: dict[ConnectionId, asyncio.Task[tuple[Secret, ...] | None]] = {}

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
        await self._client.aclose()

    async def _asked(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        running = self._asking.get(connection)
        if running is None:
            if connection not in self._kept and connection not in self._configured and not self._pace.take():
                raise SecretsAway
            running = asyncio.create_task(self._ask(connection))
            self._asking[connection] = running
            running.add_done_callback(lambda done: self._answered(connection, done))
        return await asyncio.shield(running)

    def _answered(self, connection: ConnectionId, done: asyncio.Task[tuple[Secret, ...] | None]) -> None:
        self._asking.pop(connection, None)
        if not done.cancelled():
            done.exception()

    async def _ask(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        headers = {"authorization": f"Bearer {self._key().reveal()}"}
        try:
            answer = await self._client.get(f"/v1/webhook-secrets/{connection}", headers=headers)
        except httpx.HTTPError as away:
            raise SecretsAway from away
        if answer.status_code == 404:
            self._kept.pop(connection, None)
            self._unknown.add(connection)
            return None
        if answer.status_code != 200:
            raise SecretsAway
        told: dict[str, Any] = orjson.loads(answer.content)
        secrets = tuple(Secret(one["secret"]) for one in told["secrets"])
        self._kept[connection] = _Kept(secrets, monotonic())
        self._unknown.forget(connection)
        return secrets
