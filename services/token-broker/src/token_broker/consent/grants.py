"""Grants that need no browser, and the end of any grant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from structlog.typing import FilteringBoundLogger

from common.api.refusal import Refusal
from common.clock import Clock
from common.codes import Code
from common.secret import Secret
from common.state import pool as state
from token_broker import codes
from token_broker.accounts.client import Accounts
from token_broker.accounts.discovery import Discoverer
from token_broker.accounts.registry import Registry, stored_client
from token_broker.accounts.revocation import Revocation
from token_broker.consent.credential_replacement import CredentialReplacement, NewGrant
from token_broker.refusals import unknown_vendor
from token_broker.vault.credentials import Credentials
from token_broker.vault.keyring import KeyLost
from token_broker.vault.open_credential import OpenCredential
from token_broker.vault.sealing import SealBroken
from token_broker.vault.times import Times, times_of
from vendors import grant_codes
from vendors.grant import Discovery, Granted, GrantReply, NotGranted, NotRegistered

RevokedAnswer = Literal["yes", "later", "not offered", "nothing"]


@dataclass(frozen=True, slots=True)
class Headless:
    """A grant of the application to itself, without a person."""

    connection: str
    vendor: str
    site: str
    place: str
    client_id: str
    client_secret: Secret
    by: str = ""


class Grants:
    """Takes keys and client credentials in, and lets go of any credential."""

    def __init__(
        self,
        pool: state.Pool,
        credentials: Credentials,
        replacement: CredentialReplacement,
        accounts: Accounts,
        discoverer: Discoverer,
        revocation: Revocation,
        registry: Registry,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._pool = pool
        self._credentials = credentials
        self._replacement = replacement
        self._accounts = accounts
        self._discoverer = discoverer
        self._revocation = revocation
        self._registry = registry
        self._clock = clock
        self._log = log

    async def put_api_key(self, connection: str, vendor: str, key: Secret, by: str, wanted: str = "") -> None:
        """Tries the key at the vendor, then stores it; one that does not work, or opens another place, replaces nothing."""
        way = self._registry.wanted(vendor, "API key").api_key
        if way is None:
            raise unknown_vendor(vendor, "API key")
        key = Secret(key.reveal().strip())
        site = way.site(key)
        if site is None:
            raise Refusal(
                422, grant_codes.API_KEY_REFUSED, "This text does not have the form of an API key of this vendor."
            )
        found = await self._discoverer.discover(vendor, "api_key", site, key)
        if isinstance(found, NotGranted):
            raise _refusal(found, grant_codes.API_KEY_REFUSED)
        place = found.places[0] if found.places else None
        if wanted and (place is None or place.id != wanted):
            raise Refusal(422, codes.WRONG_ACCOUNT)
        now = self._clock.now()
        await self._adopt(
            NewGrant(
                connection=connection,
                vendor=vendor,
                kind="api_key",
                site=site,
                place=place.id if place else "",
                owner=found.owner,
                details={**found.details, **(place.details if place else {})},
                scopes=(),
                access=key,
                refresh=None,
                times=Times(now, None, None),
                granted_by=by,
            )
        )

    async def put_headless(self, wish: Headless) -> None:
        """Makes a first token with the client credentials, then stores both."""
        oauth = self._registry.wanted(wish.vendor, "client credentials").oauth
        if oauth is None or not oauth.headless:
            raise unknown_vendor(wish.vendor, "client credentials")
        if wish.site not in oauth.sites:
            raise Refusal(422, grant_codes.SITE_REFUSED, f"The data centres are {', '.join(oauth.sites)}.")
        client = stored_client(wish.client_id, wish.client_secret)
        app = self._registry.self_client(wish.vendor, client)
        asked_at = self._clock.now()
        try:
            reply = await self._accounts.send(
                oauth.credentials(app, wish.site, wish.place), oauth.origins(app, wish.site)
            )
        except NotRegistered as missing:
            raise Refusal(503, grant_codes.APP_REFUSED, str(missing)) from missing
        said = oauth.refreshed(app, wish.site, reply) if isinstance(reply, GrantReply) else reply
        if isinstance(said, NotGranted):
            raise _refusal(said, grant_codes.APP_REFUSED)
        found = await self._discoverer.discover(wish.vendor, "client_credentials", said.site, said.access)
        await self._adopt(_headless_grant(wish, said, found, client, times_of(said, oauth.renewal, asked_at)))

    async def delete(self, connection: str) -> RevokedAnswer:
        """From the first moment nobody is served; then the vendor is told, now or later; then all of it is erased."""
        standing = await self._credentials.standing(connection)
        if standing is None:
            await self._credentials.erase(connection)
            return "nothing"
        await self._credentials.mark_revoking(connection)
        return await self._let_go(connection)

    async def tidy(self) -> None:
        """Tells the vendors that were away when a grant was deleted."""
        for standing in await self._credentials.standings():
            if standing.state == "revoking":
                await self._let_go(standing.connection)

    async def _let_go(self, connection: str) -> RevokedAnswer:
        held = await self._opened(connection)
        if held is None:
            await self._credentials.erase(connection)
            return "not offered"
        revoked = await self._revocation.revoke(held.vendor, held.kind, held.site, held.access, held.refresh)
        self._log.info("grant.revoked", connection=connection, vendor=held.vendor, revoked=revoked)
        if revoked != "later":
            await self._credentials.erase(connection)
        return revoked

    async def _opened(self, connection: str) -> OpenCredential | None:
        """What does not open cannot be revoked, but it can be erased."""
        try:
            return await self._credentials.read(connection)
        except (SealBroken, KeyLost):
            return None

    async def _adopt(self, new: NewGrant) -> None:
        async with state.transaction(self._pool) as tx:
            former = await self._replacement.adopt(tx, new)
        self._log.info("grant.stored", connection=new.connection, vendor=new.vendor, kind=new.kind, site=new.site)
        if former is not None and former.kind == "oauth":
            await self._revocation.revoke(former.vendor, former.kind, former.site, former.access, former.refresh)


def _headless_grant(
    wish: Headless, said: Granted, found: Discovery | NotGranted, client: Secret, times: Times
) -> NewGrant:
    places = found.places if isinstance(found, Discovery) else ()
    place = next((place for place in places if place.id == wish.place), None)
    return NewGrant(
        connection=wish.connection,
        vendor=wish.vendor,
        kind="client_credentials",
        site=said.site,
        place=wish.place,
        owner=found.owner if isinstance(found, Discovery) else "",
        details={**said.details, **(place.details if place else {"organization_id": wish.place})},
        scopes=said.scopes,
        access=said.access,
        refresh=client,
        times=times,
        granted_by=wish.by,
    )


def _refusal(said: NotGranted, dead: Code) -> Refusal:
    """What a vendor's no means for the person who is connecting."""
    message = f"{said.message} The vendor said: {said.words}" if said.words else said.message
    match said.means:
        case "dead" | "app":
            return Refusal(422, dead, message)
        case "wait":
            return Refusal(503, grant_codes.TOKEN_THROTTLED, message, said.wait.total_seconds())
        case _:
            return Refusal(503, codes.TOKEN_UNAVAILABLE, message, 5)
