"""The road of a consent: start address, the vendor's page, the callback, the exchange, the choice of a place.

The start address works once and binds the browser by a cookie; the state works once, only in that browser, only at the callback of
the vendor that it was made for, and only for a quarter of an hour. A new grant takes the place of a former one when its place is
known to be the right one, so that a consent given by the wrong account breaks nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from structlog.typing import FilteringBoundLogger

from common import failpoints
from common.clock import Clock, monotonic
from common.codes import Code
from common.secret import Secret
from common.state import pool as state
from token_broker import codes
from token_broker.accounts import Accounts
from token_broker.adoption import Adoption, NewGrant
from token_broker.consent_store import Consent, ConsentStore
from token_broker.probing import Prober
from token_broker.refresh import times_of
from token_broker.refusals import Refusal, unknown_vendor
from token_broker.registry import Registry
from token_broker.revocation import Revocation
from vendors import grant_codes
from vendors.vendor import App, Ask, Discovery, Granted, GrantReply, NotGranted, NotRegistered, OAuth, Place

OPEN_FOR = timedelta(minutes=15)
CHOOSE_FOR = timedelta(hours=1)
KEPT_FOR = timedelta(days=7)
_LOOK_AGAIN_S = 0.25
_AGAIN = "Start again with `millrace connection add` or `millrace connection reconnect`."
_SINGLE = ("state", "code", "error", "location", "accounts-server", "shop", "realmId")


@dataclass(frozen=True, slots=True)
class Onward:
    """Where the browser goes next, and the cookie it goes with."""

    consent_id: str
    url: str
    session: Secret


class ConsentStopped(Exception):
    """The browser gets a page that says why it does not go on."""

    def __init__(self, status: int, code: Code, message: str = "", next_step: str = _AGAIN) -> None:
        super().__init__(code.name)
        self.status = status
        self.code = code
        self.message = message or code.meaning
        self.next_step = next_step


class Consents:
    """Everything that is done with a consent."""

    def __init__(
        self,
        pool: state.Pool,
        store: ConsentStore,
        adoption: Adoption,
        accounts: Accounts,
        prober: Prober,
        revocation: Revocation,
        registry: Registry,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._pool = pool
        self._store = store
        self._adoption = adoption
        self._accounts = accounts
        self._prober = prober
        self._revocation = revocation
        self._registry = registry
        self._clock = clock
        self._log = log

    async def start(self, wish: Wish) -> tuple[Consent, Secret]:
        """A new consent and the secret part of its start address."""
        oauth = self._registry.wanted(wish.vendor, "consent").oauth
        if oauth is None:
            raise unknown_vendor(wish.vendor, "consent")
        self._check(wish, oauth, self._registry.app(wish.vendor))
        now, ticket = self._clock.now(), secrets.token_urlsafe(32)
        consent = _new(wish, self._registry.family(wish.vendor), now)
        await self._store.add(consent, ticket)
        return consent, Secret(ticket)

    async def read(self, consent_id: str, wait_s: float = 0.0) -> Consent:
        """The consent; with a wait, as soon as it is no longer in the state in which it was found."""
        deadline, first = monotonic() + wait_s, await self._read(consent_id)
        found = first
        while found.state == first.state and monotonic() < deadline:
            await asyncio.sleep(_LOOK_AGAIN_S)
            found = await self._read(consent_id)
        return found

    async def open(self, ticket: str, cookie: Callable[[str], str]) -> Onward:
        """The start address was opened in a browser."""
        consent, now = await self._store.by_ticket(ticket), self._clock.now()
        if consent is None:
            raise ConsentStopped(404, codes.CONSENT_UNKNOWN)
        if consent.expires_at <= now or consent.state in ("expired", "cancelled"):
            raise ConsentStopped(410, codes.CONSENT_EXPIRED)
        oauth, app = self._vendor(consent)
        session, value, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        if not await self._store.open(consent, cookie(consent.id), session, value, Secret(verifier), now):
            raise ConsentStopped(410, codes.CONSENT_REPLAYED)
        challenge = create_s256_code_challenge(verifier) if oauth.pkce else ""
        return Onward(consent.id, oauth.consent_url(app, Ask(consent.asked_site, value, challenge)), Secret(session))

    async def returned(self, family: str, given: list[tuple[str, str]], cookie: Callable[[str], str]) -> Consent:
        """The browser came back from the vendor; the page shows what became of it."""
        query = _once(given)
        consent = await self._recognised(family, query.get("state", ""), cookie)
        oauth, app = self._vendor(consent)
        back = oauth.returned(app, consent.asked_site, query)
        if isinstance(back, NotGranted):
            denied = back.code == grant_codes.CONSENT_DENIED.name
            return await self._end(consent, "denied" if denied else "failed", back)
        granted = await self._exchange(consent, oauth, app, back.site, back.code)
        if isinstance(granted, NotGranted):
            return await self._end(consent, "failed", granted)
        now = self._clock.now()
        await failpoints.hit("broker.consent.exchanged")
        await self._store.keep(consent.id, granted, now, now + CHOOSE_FOR)
        await failpoints.hit("broker.consent.kept")
        return await self.discover(consent.id)

    async def discover(self, consent_id: str) -> Consent:
        """Asks the vendor what the grant opens; completes the consent when there is nothing to choose."""
        consent = await self._read(consent_id)
        if consent.state not in ("granted", "choose"):
            raise Refusal(409, codes.CONSENT_NOT_OPEN)
        async with state.connection(self._pool) as link:
            candidate = await self._store.candidate(link, consent_id)
        if candidate is None:
            raise Refusal(409, codes.CONSENT_NOT_OPEN)
        found = await self._prober.discover(consent.vendor, "oauth", consent.site, candidate.access)
        if isinstance(found, NotGranted):
            return await self._undiscovered(consent, found)
        return await self._offer(consent, found)

    async def choose(self, consent_id: str, place_id: str) -> Consent:
        """The person chose; the grant becomes the connection's."""
        consent = await self._read(consent_id)
        place = next((place for place in consent.places if place.id == place_id), None)
        if consent.state != "choose":
            raise Refusal(409, codes.CONSENT_NOT_OPEN, f"This consent is {consent.state}.")
        if place is None:
            raise Refusal(422, codes.PLACE_UNKNOWN)
        return await self._complete(consent, place)

    async def cancel(self, consent_id: str) -> Consent:
        """The person at the command line gave up."""
        consent = await self._read(consent_id)
        if consent.state in ("complete", "denied", "failed", "expired", "cancelled"):
            return consent
        said = NotGranted("dead", "", "The consent was cancelled.")
        return await self._end(consent, "cancelled", said, "")

    async def tidy(self) -> None:
        """Ends what nobody finished, and gives back what was granted for it."""
        now = self._clock.now()
        for consent in await self._store.over(now):
            said = NotGranted("dead", codes.CONSENT_EXPIRED.name, codes.CONSENT_EXPIRED.meaning)
            await self._end(consent, "expired", said)
        await self._store.forget(now - KEPT_FOR)

    def _check(self, wish: Wish, oauth: OAuth, app: App) -> None:
        if wish.site and oauth.sites and wish.site not in oauth.sites:
            raise Refusal(422, grant_codes.SITE_REFUSED, f"The data centres are {', '.join(oauth.sites)}.")
        if not app.redirect_uri:
            raise Refusal(
                503, grant_codes.APP_REFUSED, "Set MILLRACE_PUBLIC_URL: the vendor sends the browser back there."
            )
        try:
            if wish.site or not app.secrets:
                app.secret(wish.site)
        except NotRegistered as missing:
            raise Refusal(503, grant_codes.APP_REFUSED, str(missing)) from missing

    async def _recognised(self, family: str, value: str, cookie: Callable[[str], str]) -> Consent:
        """The consent that a state belongs to, used up; whoever else comes with it is stopped."""
        consent, now = (await self._store.by_state(value) if value else None), self._clock.now()
        if consent is None:
            raise ConsentStopped(400, grant_codes.CALLBACK_REFUSED)
        session = cookie(consent.id)
        if not session or not await self._store.is_session(consent.id, session):
            raise ConsentStopped(403, codes.CONSENT_FOREIGN)
        if consent.state != "opened":
            raise ConsentStopped(409, codes.CONSENT_REPLAYED)
        if consent.expires_at <= now:
            raise ConsentStopped(410, codes.CONSENT_EXPIRED)
        if not await self._store.take(consent.id, value, session, now):
            raise ConsentStopped(409, codes.CONSENT_REPLAYED)
        if consent.family != family:
            message = "The browser came back at the address of another vendor."
            await self._end(consent, "failed", NotGranted("dead", grant_codes.CALLBACK_REFUSED.name, message))
            raise ConsentStopped(400, grant_codes.CALLBACK_REFUSED, message)
        return consent

    async def _exchange(self, consent: Consent, oauth: OAuth, app: App, site: str, code: str) -> Granted | NotGranted:
        verifier = await self._store.verifier(consent.id)
        try:
            call = oauth.exchange(app, site, code, verifier.reveal() if oauth.pkce else "")
        except NotRegistered as missing:
            return NotGranted("app", grant_codes.APP_REFUSED.name, str(missing))
        reply = await self._accounts.send(call, oauth.origins(app, site))
        return oauth.exchanged(app, site, reply) if isinstance(reply, GrantReply) else reply

    async def _undiscovered(self, consent: Consent, said: NotGranted) -> Consent:
        if said.means == "dead":
            return await self._end(consent, "failed", said)
        await self._store.tell(consent.id, grant_codes.PLACES_UNREADABLE.name, said.message, self._clock.now())
        return await self._read(consent.id)

    async def _offer(self, consent: Consent, found: Discovery) -> Consent:
        site = found.site or consent.site
        words = (f"{len(found.places)} places can be connected.", "Choose one at the command line.")
        await self._store.offer(consent.id, found, site, self._clock.now(), words)
        consent = await self._read(consent.id)
        if not found.places:
            message = "The account that consented has no organisation at the vendor."
            return await self._end(consent, "failed", NotGranted("dead", codes.WRONG_ACCOUNT.name, message))
        if consent.wanted_place:
            return await self._offer_wanted(consent)
        return await self._complete(consent, found.places[0]) if len(found.places) == 1 else consent

    async def _offer_wanted(self, consent: Consent) -> Consent:
        place = next((place for place in consent.places if place.id == consent.wanted_place), None)
        if place is None:
            said = NotGranted("dead", codes.WRONG_ACCOUNT.name, codes.WRONG_ACCOUNT.meaning)
            return await self._end(consent, "failed", said)
        return await self._complete(consent, place)

    async def _complete(self, consent: Consent, place: Place) -> Consent:
        """One transaction: the choice, the grant in its place, the gates open, the candidate forgotten."""
        now = self._clock.now()
        message = f"{self._registry.title(consent.vendor)} is connected to {place.title}."
        async with state.transaction(self._pool) as tx:
            candidate = await self._store.candidate(tx, consent.id)
            if candidate is None or not await self._store.settle(tx, consent.id, place.id, place.details):
                raise Refusal(409, codes.CONSENT_NOT_OPEN)
            new = self._grant(consent, place, candidate.access, candidate.refresh)
            former = await self._adoption.adopt(tx, new)
            next_step = "You can close this window; the rest happens where you started."
            await self._store.finish(tx, consent.id, "complete", "", message, next_step, now)
        self._log.info("consent.completed", connection=consent.connection, vendor=consent.vendor, site=consent.site)
        oauth = self._registry.oauth(consent.vendor)
        if former is not None and oauth is not None and oauth.revokes_replaced and former.refresh != new.refresh:
            await self._revocation.revoke(former.vendor, former.kind, former.site, former.access, former.refresh)
        return await self._read(consent.id)

    def _grant(self, consent: Consent, place: Place, access: Secret, refresh: Secret | None) -> NewGrant:
        oauth = self._registry.oauth(consent.vendor)
        granted = Granted(
            access, refresh, _span(consent.token_lives_s), consent.site, refresh_lives=_span(consent.refresh_lives_s)
        )
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

    async def _end(self, consent: Consent, ended: str, said: NotGranted, next_step: str = _AGAIN) -> Consent:
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
        return await self._read(consent.id)

    def _vendor(self, consent: Consent) -> tuple[OAuth, App]:
        oauth = self._registry.oauth(consent.vendor)
        if oauth is None:
            raise unknown_vendor(consent.vendor, "consent")
        return oauth, self._registry.app(consent.vendor)

    async def _read(self, consent_id: str) -> Consent:
        found = await self._store.read(consent_id)
        if found is None:
            raise Refusal(404, codes.CONSENT_UNKNOWN)
        return found


@dataclass(frozen=True, slots=True)
class Wish:
    """What the console asks for."""

    connection: str
    vendor: str
    name: str
    site: str = ""
    place: str = ""
    by: str = ""


def _new(wish: Wish, family: str, now: datetime) -> Consent:
    return Consent(
        id=secrets.token_hex(8),
        connection=wish.connection,
        vendor=wish.vendor,
        family=family,
        name=wish.name,
        asked_site=wish.site,
        wanted_place=wish.place,
        asked_by=wish.by,
        state="waiting",
        code="",
        message="Waiting for the address to be opened in a browser.",
        next="Open the address and accept.",
        made_at=now,
        expires_at=now + OPEN_FOR,
        changed_at=now,
        site="",
        scopes=(),
        details={},
        places=(),
        place="",
        owner="",
        token_made_at=None,
        token_lives_s=None,
        refresh_lives_s=None,
    )


def _once(given: list[tuple[str, str]]) -> Mapping[str, str]:
    """The parameters; one that is there twice means two things to two readers, and is refused."""
    names = [name for name, _ in given]
    if any(names.count(name) > 1 for name in _SINGLE):
        raise ConsentStopped(400, grant_codes.CALLBACK_REFUSED, "A parameter of the callback was there twice.")
    return dict(given)


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
