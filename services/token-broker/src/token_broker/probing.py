"""Tries a credential at the vendor: the judge between a caller that reports a 401 and a credential that may be fine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from common.clock import Clock, monotonic
from common.secret import Secret
from token_broker.accounts import Accounts
from token_broker.codes import FRESH_TOKEN_REFUSED
from token_broker.held import Held
from token_broker.refresh_store import RefreshStore
from token_broker.refusals import unavailable
from token_broker.registry import Registry
from vendors.grant import Discovery, GrantReply, NotGranted

# One try per generation in this time, whoever reports what.
TRUSTED_S = 60.0
# A metadata call that names the site, then the call at that site.
_STEPS = 2


@dataclass(frozen=True, slots=True)
class _Verdict:
    generation: int
    alive: bool
    until: float


class Prober:
    """Tries and remembers the verdict for a while."""

    def __init__(self, accounts: Accounts, store: RefreshStore, registry: Registry, clock: Clock) -> None:
        self._accounts = accounts
        self._store = store
        self._registry = registry
        self._clock = clock
        self._verdicts: dict[str, _Verdict] = {}
        self._trying: dict[str, asyncio.Lock] = {}

    async def alive(self, held: Held) -> bool:
        """Whether the vendor accepts the credential; one that cannot be renewed, or was just renewed for that reason, ends here."""
        async with self._trying.setdefault(held.connection, asyncio.Lock()):
            known = self._verdicts.get(held.connection)
            if known is not None and known.generation == held.generation and monotonic() < known.until:
                return known.alive
            found = await self.discover(held.vendor, held.kind, held.site, held.access)
            if isinstance(found, NotGranted) and found.means != "dead":
                raise unavailable("Whether the vendor accepts the credential cannot be told now.", 10)
            alive = isinstance(found, Discovery)
            self._verdicts[held.connection] = _Verdict(held.generation, alive, monotonic() + TRUSTED_S)
            if isinstance(found, NotGranted):
                await self._judge(held, found)
            return alive

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

    async def _judge(self, held: Held, refused: NotGranted) -> None:
        if held.refresh is None:
            await self._store.end(held, None, refused, self._clock.now())
        elif held.made_because == "unauthorised":
            said = NotGranted("dead", FRESH_TOKEN_REFUSED.name, FRESH_TOKEN_REFUSED.meaning, refused.words)
            await self._store.end(held, None, said, self._clock.now())
