"""Hears what other replicas wrote about credentials, so that memory never outlives a revocation or a newer token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg

from common.state.pool import COMMAND_TIMEOUT_S, CONNECT_TIMEOUT_S
from token_broker.vault.credentials import NEWS

BEAT_S = 2.0


class CredentialChanges:
    """One connection that listens; while it is down, `hears` is false and nobody trusts memory for long."""

    def __init__(self, url: str, changed: Callable[[str], None], missed: Callable[[], None]) -> None:
        self._url = url
        self._changed = changed
        self._missed = missed
        self._link: Any = None

    def hears(self) -> bool:
        return self._link is not None

    async def listen(self) -> None:
        """A beat: asks whether the connection lives, or opens it."""
        try:
            if self._link is None:
                await self._open()
            else:
                await self._link.fetchval("select 1")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hears nothing any more."""
        link, self._link = self._link, None
        if link is not None:
            link.terminate()

    async def _open(self) -> None:
        link = await asyncpg.connect(
            self._url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={"application_name": "millrace-token-broker-changes"},
        )
        try:
            await link.add_listener(NEWS, self._heard)
        except BaseException:
            link.terminate()
            raise
        # What was written before this moment may have been missed.
        self._missed()
        self._link = link

    def _heard(self, _: Any, __: int, ___: str, connection: object) -> None:
        self._changed(str(connection))
