"""Tells vendors that a grant is over, so that no key to somebody's books lies about unused."""

from __future__ import annotations

from typing import Literal

from common.secret import Secret
from token_broker.accounts.client import Accounts
from token_broker.accounts.registry import Registry
from vendors.grant import GrantKind, GrantReply, NotRegistered

Revoked = Literal["yes", "later", "not offered"]


class Revocation:
    """Revokes at the vendor; asks once."""

    def __init__(self, accounts: Accounts, registry: Registry) -> None:
        self._accounts = accounts
        self._registry = registry

    async def revoke(self, vendor: str, kind: GrantKind, site: str, access: Secret, refresh: Secret | None) -> Revoked:
        """`later` when the vendor did not confirm it."""
        oauth = self._registry.oauth(vendor)
        if oauth is None or kind == "api_key":
            return "not offered"
        app = self._registry.app(vendor)
        try:
            call = oauth.revoke(app, site, access, refresh if kind == "oauth" else None)
            if call is None:
                return "not offered"
            reply = await self._accounts.send(call, oauth.origins(app, site))
        except NotRegistered:
            return "later"
        return "yes" if isinstance(reply, GrantReply) and oauth.revoked(reply) else "later"
