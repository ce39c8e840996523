"""Tells when each access token expires, whichever replica renews it, and forgets those of connections that are gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from common.metric_register import TOKEN_EXPIRY
from common.metrics import Metrics
from token_broker.vault.open_credential import CredentialStatus

EVERY_S = 15.0


class Lists(Protocol):
    """The vault, as far as this needs it."""

    async def standings(self) -> Sequence[CredentialStatus]: ...


class Expiries:
    """The gauge of every connection whose token expires."""

    def __init__(self, credentials: Lists, metrics: Metrics) -> None:
        self._credentials = credentials
        self._metrics = metrics
        self._told: set[tuple[str, str]] = set()

    async def tell(self) -> None:
        """What is no more is told no more: a deleted connection has no expiry."""
        found = {
            (one.vendor, one.connection): one.expires_at.timestamp()
            for one in await self._credentials.standings()
            if one.expires_at is not None
        }
        for (system, connection), at in found.items():
            self._metrics.set(TOKEN_EXPIRY, at, system=system, connection=connection)
        for system, connection in self._told - set(found):
            self._metrics.forget(TOKEN_EXPIRY, system=system, connection=connection)
        self._told = set(found)
