"""The table of credentials: read opened or as a standing, written sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from common.secret import Secret
from common.state import pool as state
from token_broker.vault.envelope import Vault
from token_broker.vault.open_credential import CredentialStatus, OpenCredential

ACCESS, REFRESH = "access", "refresh"
NEWS = "vault_credential"

_COLUMNS = """connection, vendor, kind, state, reason_code, reason, site, place, owner, details, scopes, generation, lineage, attempt,
    made_at, made_because, expires_at, refresh_at, refresh_expires_at, grant_ends_at, granted_at, granted_by, refreshed_at,
    retry_at, failures, closed"""


class Credentials:
    """Reads and removes; what a refresh or a consent writes is with them."""

    def __init__(self, pool: state.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def read(self, connection: str) -> OpenCredential | None:
        """The credential, opened; raises SealBroken when it is not what was sealed."""
        async with state.connection(self._pool) as link:
            return await self.read_in(link, connection)

    async def read_in(self, link: state.DbConnection, connection: str) -> OpenCredential | None:
        """The same inside a transaction."""
        row = await link.fetchrow(
            f"select {_COLUMNS}, sealed_access, sealed_refresh from vault.credential where connection = $1",  # noqa: S608
            connection,
        )
        if row is None:
            return None
        generation = row["generation"]
        access = await self._vault.open(link, connection, ACCESS, generation, row["sealed_access"])
        sealed = row["sealed_refresh"]
        refresh = None if sealed is None else await self._vault.open(link, connection, REFRESH, generation, sealed)
        return OpenCredential(**_standing(row), access=access, refresh=refresh)

    async def standing(self, connection: str) -> CredentialStatus | None:
        """What anybody may know of it."""
        async with state.connection(self._pool) as link:
            row = await link.fetchrow(f"select {_COLUMNS} from vault.credential where connection = $1", connection)  # noqa: S608
        return None if row is None else CredentialStatus(**_standing(row))

    async def standings(self) -> Sequence[CredentialStatus]:
        """All of them."""
        async with state.connection(self._pool) as link:
            rows = await link.fetch(f"select {_COLUMNS} from vault.credential order by connection")  # noqa: S608
        return [CredentialStatus(**_standing(row)) for row in rows]

    async def due(self, now: datetime, limit: int) -> Sequence[CredentialStatus]:
        """Those whose token is to be renewed now."""
        async with state.connection(self._pool) as link:
            rows = await link.fetch(
                f"""select {_COLUMNS} from vault.credential
                     where state = 'active' and refresh_at <= $1 and (retry_at is null or retry_at <= $1)
                     order by expires_at limit $2""",  # noqa: S608
                now,
                limit,
            )
        return [CredentialStatus(**_standing(row)) for row in rows]

    async def siblings(self, vendor_names: Sequence[str], site: str, owner: str) -> int:
        """How many grants the same person's account holds with us."""
        async with state.connection(self._pool) as link:
            count: int = await link.fetchval(
                "select count(*) from vault.credential where vendor = any($1) and site = $2 and owner = $3 and kind = 'oauth'",
                list(vendor_names),
                site,
                owner,
            )
        return count

    async def erase(self, connection: str) -> None:
        """The credential, its webhook secrets and the data key that opens them in any backup."""
        async with state.transaction(self._pool) as tx:
            await tx.execute("delete from vault.webhook_secret where connection = $1", connection)
            await tx.execute("delete from vault.credential where connection = $1", connection)
            await self._vault.forget(tx, connection)
            await announce(tx, connection)

    async def mark_revoking(self, connection: str) -> None:
        """From now on nobody is served; the vendor is told as soon as it listens."""
        async with state.transaction(self._pool) as tx:
            await tx.execute(
                "update vault.credential set state = 'revoking', retry_at = null where connection = $1", connection
            )
            await announce(tx, connection)


async def sealed_pair(
    tx: state.DbConnection, vault: Vault, subject: str, generation: int, access: Secret, refresh: Secret | None
) -> tuple[bytes, bytes | None]:
    """Both ciphertexts of one generation."""
    sealed = await vault.seal(tx, subject, ACCESS, generation, access)
    return sealed, None if refresh is None else await vault.seal(tx, subject, REFRESH, generation, refresh)


async def announce(tx: state.DbConnection, connection: str) -> None:
    """Tells every replica, with the commit, that what it remembers of a connection is old."""
    await tx.execute("select pg_notify($1, $2)", NEWS, connection)


def _standing(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: row[name] for name in CredentialStatus.__dataclass_fields__}
    return found | {"scopes": tuple(row["scopes"]), "closed": tuple(row["closed"]), "details": dict(row["details"])}
