"""What people see of a credential: its standing, how much of the vendor's budgets it uses, and what will soon be a trouble."""

from __future__ import annotations

from typing import Any

from common.api.refusal import Refusal
from common.clock import Clock
from common.state import pool as state
from token_broker.accounts.registry import Registry
from token_broker.refusals import unknown_grant
from token_broker.vault.credentials import Credentials
from token_broker.vault.grant_ends import ending
from token_broker.vault.open_credential import CredentialStatus
from token_broker.vault.token_calls import calls_since, latest_calls
from vendors.grant import OAuth

# Of the grants an account holds before the vendor drops the oldest: from here on people are warned.
_NEARLY = 0.75
_REFRESHES_SHOWN = 20


class Overview:
    """Puts together what is known of each credential."""

    def __init__(self, pool: state.Pool, credentials: Credentials, registry: Registry, clock: Clock) -> None:
        self._pool = pool
        self._credentials = credentials
        self._registry = registry
        self._clock = clock

    async def one(self, connection: str) -> dict[str, Any]:
        """One grant, with its last refreshes."""
        standing = await self._credentials.standing(connection)
        if standing is None:
            raise unknown_grant(connection)
        return await self._document(standing) | {"refreshes": await self._refreshes(connection)}

    async def all(self) -> list[dict[str, Any]]:
        """Every grant."""
        return [await self._document(standing) for standing in await self._credentials.standings()]

    async def _document(self, standing: CredentialStatus) -> dict[str, Any]:
        oauth = self._oauth(standing)
        siblings = await self._siblings(standing, oauth)
        budget = await self._budget(standing, oauth)
        return {
            "connection": standing.connection,
            "vendor": standing.vendor,
            "kind": standing.kind,
            "state": standing.state,
            "reason_code": standing.reason_code,
            "reason": standing.reason,
            "site": standing.site,
            "place": standing.place,
            "details": dict(standing.details),
            "scopes": list(standing.scopes),
            "generation": standing.generation,
            "granted_at": standing.granted_at,
            "granted_by": standing.granted_by,
            "expires_at": standing.expires_at,
            "refresh_at": standing.refresh_at,
            "refreshed_at": standing.refreshed_at,
            "refresh_expires_at": standing.refresh_expires_at,
            "grant_ends_at": standing.grant_ends_at,
            "retry_at": standing.retry_at,
            "failures": standing.failures,
            "budget": budget,
            "siblings": siblings,
            "warnings": self._warnings(standing, siblings, budget),
        }

    def _oauth(self, standing: CredentialStatus) -> OAuth | None:
        try:
            return self._registry.oauth(standing.vendor) if standing.kind != "api_key" else None
        except Refusal:
            return None

    async def _siblings(self, standing: CredentialStatus, oauth: OAuth | None) -> dict[str, int] | None:
        if oauth is None or oauth.grants_per_owner is None or standing.kind != "oauth":
            return None
        relatives = self._registry.relatives(standing.vendor)
        held = await self._credentials.siblings(relatives, standing.site, standing.owner)
        return {"held": held, "of": oauth.grants_per_owner}

    async def _budget(self, standing: CredentialStatus, oauth: OAuth | None) -> dict[str, float] | None:
        allowance = oauth.renewal.allowance if oauth is not None and oauth.renewal is not None else None
        if allowance is None:
            return None
        async with state.connection(self._pool) as link:
            since = self._clock.now() - allowance.window
            used = len(await calls_since(link, standing.connection, standing.lineage, since))
        return {"used": used, "of": allowance.count, "window_s": allowance.window.total_seconds()}

    async def _refreshes(self, connection: str) -> list[dict[str, Any]]:
        async with state.connection(self._pool) as link:
            return await latest_calls(link, connection, _REFRESHES_SHOWN)

    def _warnings(
        self, standing: CredentialStatus, siblings: dict[str, int] | None, budget: dict[str, float] | None
    ) -> list[str]:
        warnings = []
        if siblings and siblings["held"] >= siblings["of"] * _NEARLY:
            warnings.append(
                f"This user has given {siblings['held']} of {siblings['of']} grants; the next ones silently end the oldest."
            )
        if budget and budget["used"] >= budget["of"] * _NEARLY:
            warnings.append(f"{budget['used']:.0f} of {budget['of']:.0f} tokens of this window are made.")
        if said := ending(standing, self._clock.now()):
            warnings.append(f"{said} Reconnect before.")
        if standing.state == "active" and standing.failures:
            warnings.append(f"The last {standing.failures} refreshes failed: {standing.reason}")
        return warnings
