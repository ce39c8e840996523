"""The road of a consent: start address, the vendor's page, the callback, the exchange.

The start address works once and binds the browser by a cookie; the state works once, only in that browser, only at the callback of
the vendor that it was made for, and only for a quarter of an hour.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from common import failpoints
from common.api.refusal import Refusal
from common.clock import Clock, monotonic
from common.codes import Code
from common.secret import Secret
from token_broker import codes
from token_broker.accounts.client import Accounts
from token_broker.accounts.registry import Registry
from token_broker.consent.choice import AGAIN, Choice
from token_broker.consent.store import OPEN_STATES, Consent, ConsentStore
from token_broker.refusals import unknown_vendor
from vendors import grant_codes
from vendors.grant import App, Ask, Granted, GrantReply, NotGranted, NotRegistered, OAuth, OwnSite

OPEN_FOR = timedelta(minutes=15)
CHOOSE_FOR = timedelta(hours=1)
KEPT_FOR = timedelta(days=7)
_LOOK_AGAIN_S = 0.25
_SINGLE = ("state", "code", "error", "location", "accounts-server", "shop", "realmId")


@dataclass(frozen=True, slots=True)
class Onward:
    """Where the browser goes next, and the cookie it goes with."""

    consent_id: str
    url: str
    session: Secret


class ConsentStopped(Exception):
    """The browser gets a page that says why it does not go on."""

    def __init__(self, status: int, code: Code, message: str = "", next_step: str = AGAIN) -> None:
        super().__init__(code.name)
        self.status = status
        self.code = code
        self.message = message or code.meaning
        self.next_step = next_step


class Consents:
    """Everything that is done with a consent."""

    def __init__(
        self,
        store: ConsentStore,
        choice: Choice,
        accounts: Accounts,
        registry: Registry,
        clock: Clock,
    ) -> None:
        self._store = store
        self._choice = choice
        self._accounts = accounts
        self._registry = registry
        self._clock = clock

    async def start(self, wish: ConsentRequest) -> tuple[Consent, Secret]:
        """A new consent and the secret part of its start address."""
        grant = self._registry.wanted(wish.vendor, "consent")
        oauth = grant.oauth
        if oauth is None:
            raise unknown_vendor(wish.vendor, "consent")
        if grant.own_site is not None:
            wish = replace(wish, site=_own(grant.own_site, wish.site))
        self._check(wish, oauth, self._registry.app(wish.vendor))
        now, ticket = self._clock.now(), secrets.token_urlsafe(32)
        consent = _new(wish, self._registry.family(wish.vendor), now)
        await self._store.add(consent, ticket)
        return consent, Secret(ticket)

    async def read(self, consent_id: str, wait_s: float = 0.0) -> Consent:
        """The consent; with a wait, as soon as it is over or no longer in the state in which it was found."""
        deadline, first = monotonic() + wait_s, await self._choice.read(consent_id)
        found = first
        while found.state == first.state and first.state in OPEN_STATES and monotonic() < deadline:
            await asyncio.sleep(_LOOK_AGAIN_S)
            found = await self._choice.read(consent_id)
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
            return await self._choice.end(consent, "denied" if denied else "failed", back)
        asked_at = self._clock.now()
        granted = await self._exchange(consent, oauth, app, back.site, back.code)
        if isinstance(granted, NotGranted):
            return await self._choice.end(consent, "failed", granted)
        granted = replace(granted, details={**back.details, **granted.details})
        await failpoints.hit("broker.consent.exchanged")
        await self._store.keep(consent.id, granted, asked_at, asked_at + CHOOSE_FOR)
        await failpoints.hit("broker.consent.kept")
        return await self.discover(consent.id)

    async def discover(self, consent_id: str) -> Consent:
        """Asks the vendor once more what the grant opens."""
        return await self._choice.discover(consent_id)

    async def choose(self, consent_id: str, place_id: str) -> Consent:
        """The person chose; the grant becomes the connection's."""
        return await self._choice.choose(consent_id, place_id)

    async def cancel(self, consent_id: str) -> Consent:
        """The person at the command line gave up."""
        consent = await self._choice.read(consent_id)
        if consent.state in ("complete", "denied", "failed", "expired", "cancelled"):
            return consent
        said = NotGranted("dead", "", "The consent was cancelled.")
        return await self._choice.end(consent, "cancelled", said, "")

    async def tidy(self) -> None:
        """Ends what nobody finished, and gives back what was granted for it."""
        now = self._clock.now()
        for consent in await self._store.over(now):
            said = NotGranted("dead", codes.CONSENT_EXPIRED.name, codes.CONSENT_EXPIRED.meaning)
            await self._choice.end(consent, "expired", said)
        await self._store.forget(now - KEPT_FOR)

    def _check(self, wish: ConsentRequest, oauth: OAuth, app: App) -> None:
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
            await self._choice.end(consent, "failed", NotGranted("dead", grant_codes.CALLBACK_REFUSED.name, message))
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

    def _vendor(self, consent: Consent) -> tuple[OAuth, App]:
        oauth = self._registry.oauth(consent.vendor)
        if oauth is None:
            raise unknown_vendor(consent.vendor, "consent")
        return oauth, self._registry.app(consent.vendor)


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What the console asks for."""

    connection: str
    vendor: str
    name: str
    site: str = ""
    place: str = ""
    by: str = ""


def _own(asked: OwnSite, given: str) -> str:
    """The site that the person named, by its form and nothing else."""
    site = asked.read(given)
    if not site:
        said = f"{given} is no {asked.word}." if given else f"The {asked.word} is not named."
        raise Refusal(422, grant_codes.SITE_REFUSED, f"{said} Name it as in {asked.example}.")
    return site


def _new(wish: ConsentRequest, family: str, now: datetime) -> Consent:
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
        hard_lives_s=None,
    )


def _once(given: list[tuple[str, str]]) -> Mapping[str, str]:
    """The parameters; one that is there twice means two things to two readers, and is refused."""
    names = [name for name, _ in given]
    if any(names.count(name) > 1 for name in _SINGLE):
        raise ConsentStopped(400, grant_codes.CALLBACK_REFUSED, "A parameter of the callback was there twice.")
    return dict(given)
