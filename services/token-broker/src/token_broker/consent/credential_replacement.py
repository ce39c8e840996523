"""Takes a new credential into the vault in the place of a former one, and opens the gates that the former one had closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.secret import Secret
from common.state import pool as state
from token_broker.vault.credentials import Credentials, announce, sealed_pair
from token_broker.vault.envelope import Vault
from token_broker.vault.gates import reopen_gates
from token_broker.vault.grant_ends import forget_end
from token_broker.vault.open_credential import OpenCredential
from token_broker.vault.sealing import SealBroken
from token_broker.vault.times import Times
from token_broker.vault.token_calls import count_call
from vendors.grant import GrantKind

# A new credential answers exactly these: it says nothing of a pause or of a vendor's quota for calls.
_CURED = ("needs_reauth", "throttled")


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A credential that was tried and whose place is known."""

    connection: str
    vendor: str
    kind: GrantKind
    site: str
    place: str
    owner: str
    details: Mapping[str, str]
    scopes: tuple[str, ...]
    access: Secret
    refresh: Secret | None
    times: Times
    granted_by: str = ""
    made_because: str = field(default="consent")


class CredentialReplacement:
    """Writes new grants."""

    def __init__(self, vault: Vault, credentials: Credentials) -> None:
        self._vault = vault
        self._credentials = credentials

    async def adopt(self, tx: state.DbConnection, new: NewGrant) -> OpenCredential | None:
        """Stores it as the connection's credential; returns the former one, that it may be revoked."""
        former = await self._former(tx, new.connection)
        standing = await tx.fetchrow(
            "select generation, lineage from vault.credential where connection = $1 for update", new.connection
        )
        generation = 1 if standing is None else standing["generation"] + 1
        lineage = 1 if standing is None else standing["lineage"] + 1
        await reopen_gates(tx, new.connection, new.times.made_at)
        await tx.execute("delete from vault.credential where connection = $1", new.connection)
        await self._insert(tx, new, generation, lineage)
        if new.kind != "api_key":
            await count_call(tx, new.connection, lineage, new.made_because, new.times.made_at, "granted")
        for reason in _CURED:
            await tx.execute("select core.clear_gate($1, $2, $3)", new.connection, reason, new.times.made_at)
        await forget_end(tx, new.connection, new.times.made_at)
        await announce(tx, new.connection)
        return former

    async def _former(self, tx: state.DbConnection, connection: str) -> OpenCredential | None:
        try:
            return await self._credentials.read_in(tx, connection)
        except SealBroken:
            # What does not open cannot be revoked either; the new grant heals the connection.
            return None

    async def _insert(self, tx: state.DbConnection, new: NewGrant, generation: int, lineage: int) -> None:
        access, refresh = await sealed_pair(tx, self._vault, new.connection, generation, new.access, new.refresh)
        await tx.execute(
            """insert into vault.credential (connection, vendor, kind, site, place, owner, details, scopes, generation, lineage,
                   sealed_access, sealed_refresh, made_at, made_because, expires_at, refresh_at, refresh_expires_at, granted_at,
                   granted_by, grant_ends_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $13, $18, $19)""",
            new.connection,
            new.vendor,
            new.kind,
            new.site,
            new.place,
            new.owner,
            dict(new.details),
            list(new.scopes),
            generation,
            lineage,
            access,
            refresh,
            new.times.made_at,
            new.made_because,
            new.times.expires_at,
            new.times.refresh_at,
            new.times.refresh_expires_at,
            new.granted_by,
            new.times.grant_ends_at,
        )
