"""Hears what other replicas wrote about credentials, so that memory never outlives a revocation or a newer token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
from structlog.typing import FilteringBoundLogger

from common.state.pool import COMMAND_TIMEOUT_S, CONNECT_TIMEOUT_S
from common.state.trouble import DATABASE_ERRORS, is_away
from token_broker.vault.credentials import NEWS

_AGAIN_S = 1.0
_BEAT_S = 5.0


class CredentialChanges:
    """One connection that listens; while it is down, `hears` is false and nobody trusts memory for long."""

    def __init__(
        self, url: str, changed: Callable[[str], None], missed: Callable[[], None], log: FilteringBoundLogger
    ) -> None:
        self._url = url
        self._changed = changed
        self._missed = missed
        self._log = log
        self._hearing = False

    def hears(self) -> bool:
        return self._hearing

    async def run(self) -> None:
        """Listens for ever; a broken connection is opened again."""
        while True:
            try:
                await self._listen()
            except DATABASE_ERRORS as error:
                if not is_away(error):
                    raise
                self._log.warning("credential_changes.deaf", error=type(error).__name__)
            finally:
                self._hearing = False
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self) -> None:
        link = await asyncpg.connect(
            self._url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={"application_name": "millrace-token-broker-changes"},
        )
        try:
            await link.add_listener(NEWS, self._heard)
            # What was written before this moment may have been missed.
            self._missed()
            self._hearing = True
            while True:
                await asyncio.sleep(_BEAT_S)
                await link.fetchval("select 1")
        finally:
            link.terminate()

    def _heard(self, _: Any, __: int, ___: str, connection: object) -> None:
        self._changed(str(connection))
