"""Tries a credential at the vendor: the judge between a caller that reports a 401 and a credential that may be fine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from common.clock import Clock, monotonic
from token_broker.accounts.discovery import Discoverer
from token_broker.codes import FRESH_TOKEN_REFUSED
from token_broker.refresh.store import RefreshStore
from token_broker.refusals import unavailable
from token_broker.vault.open_credential import OpenCredential
from vendors.grant import Discovery, NotGranted

# One try per generation in this time, whoever reports what.
TRUSTED_S = 60.0


@dataclass(frozen=True, slots=True)
class _Verdict:
    generation: int
    alive: bool
    until: float


class Prober:
    """Tries and remembers the verdict for a while."""

    def __init__(self, discoverer: Discoverer, store: RefreshStore, clock: Clock) -> None:
        self._discoverer = discoverer
        self._store = store
        self._clock = clock
        self._verdicts: dict[str, _Verdict] = {}
        self._trying: dict[str, asyncio.Lock] = {}

    async def alive(self, held: OpenCredential) -> bool:
        """Whether the vendor accepts the credential; one that cannot be renewed, or was just renewed for that reason, ends here."""
        async with self._trying.setdefault(held.connection, asyncio.Lock()):
            known = self._verdicts.get(held.connection)
            if known is not None and known.generation == held.generation and monotonic() < known.until:
                return known.alive
            found = await self._discoverer.discover(held.vendor, held.kind, held.site, held.access)
            if isinstance(found, NotGranted) and found.means != "dead":
                raise unavailable("Whether the vendor accepts the credential cannot be told now.", 10)
            alive = isinstance(found, Discovery)
            self._verdicts[held.connection] = _Verdict(held.generation, alive, monotonic() + TRUSTED_S)
            if isinstance(found, NotGranted):
                await self._judge(held, found)
            return alive

    async def _judge(self, held: OpenCredential, refused: NotGranted) -> None:
        if held.refresh is None:
            await self._store.end(held, None, refused, self._clock.now())
        elif held.made_because == "unauthorised":
            said = NotGranted("dead", FRESH_TOKEN_REFUSED.name, FRESH_TOKEN_REFUSED.meaning, refused.words)
            await self._store.end(held, None, said, self._clock.now())
