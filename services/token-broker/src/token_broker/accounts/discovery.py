"""Asks a vendor what a credential opens: whose account, at which site, with which places."""

from __future__ import annotations

from common.secret import Secret
from token_broker.accounts.client import Accounts
from token_broker.accounts.registry import Registry
from token_broker.refusals import unavailable
from vendors.grant import Discovery, GrantReply, NotGranted

# A metadata call that names the site, then the call at that site.
_STEPS = 2


class Discoverer:
    """One question for every way to connect a vendor."""

    def __init__(self, accounts: Accounts, registry: Registry) -> None:
        self._accounts = accounts
        self._registry = registry

    async def discover(self, vendor: str, kind: str, site: str, credential: Secret) -> Discovery | NotGranted:
        """What the credential opens; where only the vendor knows the site, it is asked for that first."""
        grant = self._registry.wanted(vendor, kind)
        way = grant.api_key if kind == "api_key" else grant.oauth
        if way is None:
            raise unavailable(f"{vendor} has no such credentials.", 60)
        app = self._registry.app(vendor)
        found: Discovery | NotGranted = Discovery((), site=site)
        for _ in range(_STEPS):
            asked = found.site if isinstance(found, Discovery) else site
            reply = await self._accounts.send(way.discover(app, asked, credential), way.origins(app, asked))
            found = way.discovered(app, asked, reply) if isinstance(reply, GrantReply) else reply
            if isinstance(found, NotGranted) or found.site == asked:
                return found
        return found
