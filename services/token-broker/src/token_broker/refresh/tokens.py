"""Serves access tokens: from memory while they are fresh, else after the one refresh that everybody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from common.api.refusal import Refusal
from common.clock import Clock, monotonic
from common.state.trouble import DATABASE_ERRORS, is_away
from token_broker import codes
from token_broker.refusals import needs_reauth, unavailable, unknown_grant
from token_broker.vault.credentials import Credentials
from token_broker.vault.keyring import KeyLost
from token_broker.vault.open_credential import OpenCredential
from token_broker.vault.sealing import SealBroken

# Below this much life a token is renewed before it is handed out; above it the schedule renews it in time.
MUST_LIVE_S = 120.0
# Not handed out below this, even when the vendor makes no new one: it would die on the way.
LEAST_LIFE_S = 15.0
# A token that never expires is asked for again this often, so that a caller that lost its right loses the token.
LEASE_S = 300.0
# How long memory is believed while no news of other replicas can reach us.
DEAF_S = 2.0
# A token this young that is refused is tried at the vendor before it is replaced again.
YOUNG = timedelta(seconds=60)


class Renews(Protocol):
    """What tokens need of the refresher."""

    async def renew(self, connection: str, seen: int, because: str) -> OpenCredential: ...


class Tries(Protocol):
    """What tokens need of the prober."""

    async def alive(self, held: OpenCredential) -> bool:
        """Whether the vendor accepts the token; raises a Refusal when it cannot be told. Ends a grant that is over."""


@dataclass(slots=True)
class _Kept:
    held: OpenCredential
    at: float


class Tokens:
    """The tokens in this process's memory."""

    def __init__(
        self, credentials: Credentials, refresher: Renews, prober: Tries, clock: Clock, hears: Callable[[], bool]
    ) -> None:
        """`hears` tells whether the news of other replicas reach us."""
        self._credentials = credentials
        self._refresher = refresher
        self._prober = prober
        self._clock = clock
        self._hears = hears
        self._kept: dict[str, _Kept] = {}
        self._reading: dict[str, asyncio.Task[OpenCredential | Refusal]] = {}
        self._drops = 0

    def drop(self, connection: str) -> None:
        """What is remembered of a connection is old."""
        self._drops += 1
        self._kept.pop(connection, None)
        self._reading.pop(connection, None)

    def drop_all(self) -> None:
        """Nobody knows what happened while no news came."""
        self._drops += 1
        self._kept.clear()
        self._reading.clear()

    async def known(self, connection: str) -> OpenCredential:
        """The credential as memory or the vault has it; raises a Refusal when there is none."""
        kept = self._kept.get(connection)
        if kept is not None and (self._hears() or monotonic() - kept.at < DEAF_S):
            return kept.held
        reading = self._reading.get(connection)
        if reading is None:
            reading = asyncio.create_task(self._read(connection), name=f"read:{connection}")
            self._reading[connection] = reading
            reading.add_done_callback(lambda done: self._has_read(connection, done))
        outcome = await asyncio.shield(reading)
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def token(self, held: OpenCredential, refused: int | None) -> OpenCredential:
        """A token to hand out; `refused` is the generation that the vendor answered with a 401, if it did."""
        if held.state != "active":
            raise needs_reauth(held.reason) if held.state == "needs_reauth" else unknown_grant(held.connection)
        if refused is not None and refused >= held.generation:
            return await self._replaced(held)
        if held.left(self._clock.now()) > MUST_LIVE_S:
            return held
        return await self._renewed(held, "expired")

    def good_for(self, held: OpenCredential) -> float:
        """Seconds for which a token may be used from now."""
        left = held.left(self._clock.now())
        return LEASE_S if left == float("inf") else max(0.0, left)

    async def _renewed(self, held: OpenCredential, because: str) -> OpenCredential:
        try:
            return self._keep(await self._beyond(held, because))
        except Refusal as refusal:
            # The vendor or we must wait: as long as the old token lives nobody has to wait with them.
            if refusal.status == 503 and held.left(self._clock.now()) > LEAST_LIFE_S:
                return held
            raise

    async def _beyond(self, held: OpenCredential, because: str) -> OpenCredential:
        for _ in range(2):
            found = await self._refresher.renew(held.connection, held.generation, because)
            if found.generation > held.generation:
                return found
            # We joined a refresh that another caller had begun for an older generation.
        raise unavailable("The token is being renewed.", 1)

    async def _replaced(self, held: OpenCredential) -> OpenCredential:
        young = self._clock.now() - held.made_at < YOUNG
        if held.refresh is None or young:
            if await self._prober.alive(held):
                raise Refusal(409, codes.TOKEN_NOT_AT_FAULT)
            self.drop(held.connection)
            if held.refresh is None or held.made_because == "unauthorised":
                raise needs_reauth("The vendor no longer accepts this credential.")
        return self._keep(await self._beyond(held, "unauthorised"))

    def _has_read(self, connection: str, done: asyncio.Task[OpenCredential | Refusal]) -> None:
        if self._reading.get(connection) is done:
            del self._reading[connection]

    async def _read(self, connection: str) -> OpenCredential | Refusal:
        drops = self._drops
        try:
            found = await self._credentials.read(connection)
        except (SealBroken, KeyLost):
            return Refusal(503, codes.CREDENTIAL_UNREADABLE, retry_after_s=60)
        except DATABASE_ERRORS as error:
            if not is_away(error):
                raise
            return unavailable("The vault's database does not answer.", 2)
        if found is None:
            return unknown_grant(connection)
        # What became old while it was read is answered once and not remembered.
        return self._keep(found) if drops == self._drops else found

    def _keep(self, held: OpenCredential) -> OpenCredential:
        kept = self._kept.get(held.connection)
        # Never backwards: a read that began before a refresh must not bury what the refresh brought.
        if kept is None or (held.lineage, held.generation) >= (kept.held.lineage, kept.held.generation):
            self._kept[held.connection] = _Kept(held, monotonic())
        return held
