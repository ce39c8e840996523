"""The end of a consent: what the grant opens is asked for, a place is chosen, and the grant takes its connection; or it is given back.

A new grant takes the place of a former one only when its place is known to be the right one, so that a consent given by the wrong
account breaks nothing.
"""

from __future__ import annotations

from datetime import timedelta

from structlog.typing import FilteringBoundLogger

from common.api.refusal import Refusal
from common.clock import Clock
from common.secret import Secret
from common.state import pool as state
from token_broker import codes
from token_broker.accounts.discovery import Discoverer
from token_broker.accounts.registry import Registry
from token_broker.accounts.revocation import Revocation
from token_broker.consent.credential_replacement import CredentialReplacement, NewGrant
from token_broker.consent.store import Consent, ConsentStore
from token_broker.vault.open_credential import OpenCredential
from token_broker.vault.times import times_of
from vendors import grant_codes
from vendors.grant import Discovery, Granted, NotGranted, Place

AGAIN = "Start again with `millrace connection add` or `millrace connection reconnect`."


class Choice:
    """What becomes of the tokens that a consent brought."""

    def __init__(
        self,
        pool: state.Pool,
        store: ConsentStore,
        replacement: CredentialReplacement,
        discoverer: Discoverer,
        revocation: Revocation,
        registry: Registry,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._pool = pool
        self._store = store
        self._replacement = replacement
        self._discoverer = discoverer
        self._revocation = revocation
        self._registry = registry
        self._clock = clock
        self._log = log

    async def read(self, consent_id: str) -> Consent:
        """The consent, or a Refusal."""
        found = await self._store.read(consent_id)
        if found is None:
            raise Refusal(404, codes.CONSENT_UNKNOWN)
        return found

    async def discover(self, consent_id: str) -> Consent:
        """Asks the vendor what the grant opens; completes the consent when there is nothing to choose."""
        consent = await self.read(consent_id)
        if consent.state not in ("granted", "choose"):
            raise Refusal(409, codes.CONSENT_NOT_OPEN)
        async with state.transaction(self._pool) as tx:
            candidate = await self._store.candidate(tx, consent_id)
        if candidate is None:
            raise Refusal(409, codes.CONSENT_NOT_OPEN)
        found = await self._discoverer.discover(consent.vendor, "oauth", consent.site, candidate.access)
        if isinstance(found, NotGranted):
            return await self._undiscovered(consent, found)
        return await self._offer(consent, found)

    async def choose(self, consent_id: str, place_id: str) -> Consent:
        """The person chose; the grant becomes the connection's. Who says once more what is chosen hears that it is."""
        consent = await self.read(consent_id)
        if consent.state == "complete" and consent.place == place_id:
            return consent
        place = next((place for place in consent.places if place.id == place_id), None)
        if consent.state != "choose":
            raise Refusal(409, codes.CONSENT_NOT_OPEN, f"This consent is {consent.state}.")
        if place is None:
            raise Refusal(422, codes.PLACE_UNKNOWN)
        return await self._complete(consent, place)

    async def end(self, consent: Consent, ended: str, said: NotGranted, next_step: str = AGAIN) -> Consent:
        """A bad end; what was granted meanwhile is given back."""
        message = f"{said.message} The vendor said: {said.words}" if said.words else said.message
        async with state.transaction(self._pool) as tx:
            candidate = await self._store.candidate(tx, consent.id)
            await self._store.finish(tx, consent.id, ended, said.code, message, next_step, self._clock.now())
        self._log.info(
            "consent.ended", connection=consent.connection, vendor=consent.vendor, state=ended, code=said.code
        )
        if candidate is not None:
            await self._revocation.revoke(consent.vendor, "oauth", consent.site, candidate.access, candidate.refresh)
        return await self.read(consent.id)

    async def _undiscovered(self, consent: Consent, said: NotGranted) -> Consent:
        if said.means == "dead":
            return await self.end(consent, "failed", said)
        await self._store.tell(consent.id, grant_codes.PLACES_UNREADABLE.name, said.message, self._clock.now())
        return await self.read(consent.id)

    async def _offer(self, consent: Consent, found: Discovery) -> Consent:
        site = found.site or consent.site
        words = (
            f"The account opens {len(found.places)} places: one of them is to be connected.",
            "Choose one at the command line.",
        )
        await self._store.offer(consent.id, found, site, self._clock.now(), words)
        consent = await self.read(consent.id)
        if not found.places:
            message = "The account that consented has no organisation at the vendor."
            return await self.end(consent, "failed", NotGranted("dead", codes.WRONG_ACCOUNT.name, message))
        if consent.wanted_place:
            return await self._offer_wanted(consent)
        return await self._complete(consent, found.places[0]) if len(found.places) == 1 else consent

    async def _offer_wanted(self, consent: Consent) -> Consent:
        place = next((place for place in consent.places if place.id == consent.wanted_place), None)
        if place is None:
            said = NotGranted("dead", codes.WRONG_ACCOUNT.name, codes.WRONG_ACCOUNT.meaning)
            return await self.end(consent, "failed", said)
        return await self._complete(consent, place)

    async def _complete(self, consent: Consent, place: Place) -> Consent:
        """One transaction: the choice, the grant in its place, the gates open, the candidate forgotten."""
        async with state.transaction(self._pool) as tx:
            candidate = await self._store.candidate(tx, consent.id)
            if candidate is None or not await self._store.settle(tx, consent.id, place.id, place.details):
                candidate = None
            else:
                new = self._grant(consent, place, candidate.access, candidate.refresh)
                former = await self._adopt(tx, consent, place, new)
        if candidate is None:
            return await self._chosen(consent.id, place)
        self._log.info("consent.completed", connection=consent.connection, vendor=consent.vendor, site=consent.site)
        oauth = self._registry.oauth(consent.vendor)
        if former is not None and oauth is not None and oauth.revokes_replaced and former.refresh != new.refresh:
            await self._revocation.revoke(former.vendor, former.kind, former.site, former.access, former.refresh)
        return await self.read(consent.id)

    async def _adopt(
        self, tx: state.DbConnection, consent: Consent, place: Place, new: NewGrant
    ) -> OpenCredential | None:
        """The grant that it replaces, if there is one."""
        former = await self._replacement.adopt(tx, new)
        message = f"{self._registry.title(consent.vendor)} is connected to {place.title}."
        next_step = "You can close this window; the rest happens where you started."
        await self._store.finish(tx, consent.id, "complete", "", message, next_step, self._clock.now())
        return former

    async def _chosen(self, consent_id: str, place: Place) -> Consent:
        """Somebody was quicker: the only place is taken by itself while a person chooses it."""
        consent = await self.read(consent_id)
        if consent.state != "complete" or consent.place != place.id:
            raise Refusal(409, codes.CONSENT_NOT_OPEN)
        return consent

    def _grant(self, consent: Consent, place: Place, access: Secret, refresh: Secret | None) -> NewGrant:
        oauth = self._registry.oauth(consent.vendor)
        granted = Granted(
            access, refresh, _span(consent.token_lives_s), consent.site,
            refresh_lives=_span(consent.refresh_lives_s), hard_lives=_span(consent.hard_lives_s),
        )  # fmt: skip
        made_at = consent.token_made_at or self._clock.now()
        return NewGrant(
            connection=consent.connection,
            vendor=consent.vendor,
            kind="oauth",
            site=consent.site,
            place=place.id,
            owner=consent.owner,
            details={**consent.details, **place.details},
            scopes=consent.scopes,
            access=access,
            refresh=refresh,
            times=times_of(granted, oauth.renewal if oauth else None, made_at),
            granted_by=consent.asked_by,
        )


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
