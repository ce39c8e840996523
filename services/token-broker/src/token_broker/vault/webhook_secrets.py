"""Webhook secrets: several slots for a connection with several hooks, and in each two secrets while one replaces the other."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.clock import Clock
from common.secret import Secret
from common.state import pool as state
from token_broker.vault.credentials import announce
from token_broker.vault.envelope import Vault

# Books takes 12 to 50 letters and digits, the others anything.
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 48
_FIELD = "webhook"


@dataclass(frozen=True, slots=True)
class HookSecret:
    """One secret that is valid now."""

    slot: str
    version: int
    secret: Secret
    until: datetime | None


class WebhookSecrets:
    """The table of webhook secrets."""

    def __init__(self, pool: state.Pool, vault: Vault, clock: Clock) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock

    async def vendor(self, connection: str) -> str | None:
        """Whose hooks they are, for the permission."""
        async with state.connection(self._pool) as link:
            found: str | None = await link.fetchval(
                "select vendor from vault.webhook_secret where connection = $1 limit 1", connection
            )
        return found

    async def valid(self, connection: str) -> Sequence[HookSecret]:
        """Every secret that is valid now, newest first."""
        async with state.connection(self._pool) as link:
            rows = await link.fetch(
                """select slot, version, sealed, valid_until from vault.webhook_secret
                    where connection = $1 and (valid_until is null or valid_until > $2) order by made_at desc, version desc""",
                connection,
                self._clock.now(),
            )
            return [
                HookSecret(
                    row["slot"],
                    row["version"],
                    await self._vault.open(link, connection, field(row["slot"]), row["version"], row["sealed"]),
                    row["valid_until"],
                )
                for row in rows
            ]

    async def put(self, connection: str, vendor: str, slot: str, secret: Secret, overlap: timedelta) -> HookSecret:
        """The secret from now on; the former one stays valid for the overlap, any older one ends."""
        async with state.transaction(self._pool) as tx:
            await tx.execute("select pg_advisory_xact_lock(hashtextextended('millrace:hook:' || $1, 0))", connection)
            now = self._clock.now()
            version = await self._retire(tx, connection, slot, now, overlap)
            sealed = await self._vault.seal(tx, connection, field(slot), version, secret)
            await tx.execute(
                """insert into vault.webhook_secret (connection, vendor, slot, version, sealed, made_at)
                   values ($1, $2, $3, $4, $5, $6)""",
                connection,
                vendor,
                slot,
                version,
                sealed,
                now,
            )
            await announce(tx, connection)
        return HookSecret(slot, version, secret, None)

    async def delete(self, connection: str, slot: str) -> int:
        """Ends every secret of a slot."""
        async with state.transaction(self._pool) as tx:
            gone = await tx.fetch(
                "delete from vault.webhook_secret where connection = $1 and slot = $2 returning 1", connection, slot
            )
            await announce(tx, connection)
        return len(gone)

    async def tidy(self) -> None:
        """Forgets secrets whose overlap is over."""
        async with state.connection(self._pool) as link:
            await link.execute("delete from vault.webhook_secret where valid_until <= $1", self._clock.now())

    async def _retire(
        self, tx: state.DbConnection, connection: str, slot: str, now: datetime, overlap: timedelta
    ) -> int:
        newest = await tx.fetchval(
            "select max(version) from vault.webhook_secret where connection = $1 and slot = $2", connection, slot
        )
        if newest is None:
            return 1
        await tx.execute(
            "delete from vault.webhook_secret where connection = $1 and slot = $2 and version < $3",
            connection,
            slot,
            newest,
        )
        await tx.execute(
            "update vault.webhook_secret set valid_until = $4 where connection = $1 and slot = $2 and version = $3",
            connection,
            slot,
            newest,
            now + overlap,
        )
        return int(newest) + 1


def fresh_secret() -> Secret:
    """A secret that every vendor takes."""
    return Secret("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))


def field(slot: str) -> str:
    """The place a slot's secrets are sealed for."""
    return f"{_FIELD}:{slot}"
