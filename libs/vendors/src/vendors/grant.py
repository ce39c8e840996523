"""How a vendor lets us in: consents, tokens and keys as pure functions over requests and answers, without a socket in them.

A vendor folder fills in a `Grant`; the token-broker asks, waits, stores and decides by what these say, and knows no vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from common.secret import Secret

GrantKind = Literal["oauth", "client_credentials", "api_key"]


class NotRegistered(Exception):
    """This installation has no application at the vendor, or none at that site; the message says what to set."""


@dataclass(frozen=True, slots=True)
class App:
    """Our registration at a vendor, and where that vendor is: `base_url` is the stand-in's address, empty for the real hosts."""

    family: str
    client_id: str
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """By site where the vendor has one per site; under "" the one for all."""
    redirect_uri: str = ""
    base_url: str = ""
    former: Secret | None = None
    """The secret that is being replaced: what was signed with it still counts."""

    def secret(self, site: str) -> Secret:
        """The client secret for a site; never another site's."""
        found = self.secrets.get(site) or self.secrets.get("")
        if not self.client_id or not found:
            where = f"{self.family} ({site})" if site else self.family
            name = f"MILLRACE_{self.family.upper()}_CLIENT"
            raise NotRegistered(f"There is no client for {where}: set {name}_ID and {name}_SECRET_FILE.")
        return found


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many in so long: the vendor's budget for new tokens."""

    count: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Renewal:
    """How an access token is renewed before it dies."""

    age: timedelta
    """A token of this age is renewed, or a little earlier."""
    rotates: bool = False
    """Whether the answer may replace the refresh token: then an answer that nobody saw may have cost us the grant."""
    allowance: Allowance | None = None
    """Access tokens that one refresh token may make."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One consent as we ask for it."""

    site: str
    state: str = field(repr=False)
    challenge: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GrantCall:
    """One request to a vendor's accounts server; `template` is what spans and logs show of it."""

    method: str
    url: str = field(repr=False)
    template: str
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Mapping[str, str] | None = field(default=None, repr=False)
    """Instead of a form, where the vendor's own address is asked with JSON."""


@dataclass(frozen=True, slots=True)
class GrantReply:
    """What came back, whole; the status alone means little here."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Granted:
    """Tokens; `refresh` is None when the answer brings none, `lives` when the token does not expire."""

    access: Secret
    refresh: Secret | None
    lives: timedelta | None
    site: str
    scopes: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    refresh_lives: timedelta | None = None
    """Until the grant ends unless it is renewed: its idle end."""
    hard_lives: timedelta | None = None
    """Until it ends however often it is renewed, where the vendor says so."""


@dataclass(frozen=True, slots=True)
class NotGranted:
    """No tokens, and what that means.

    `wait`: the vendor throttles, the grant is alive. `dead`: a person has to consent again. `app`: our registration is wrong, the grant
    is alive. `transient`: it certainly did not happen. `unknown`: it may have happened.
    """

    means: Literal["wait", "dead", "app", "transient", "unknown"]
    code: str
    message: str
    words: str = ""
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Returned:
    """The browser came back with a code; `site` is where to exchange it, checked against the vendor's own list."""

    code: str = field(repr=False)
    site: str
    details: Mapping[str, str] = field(default_factory=dict)
    """What else the way back has told and nothing after it does, a company for example: kept with the grant and in the connection."""


@dataclass(frozen=True, slots=True)
class Place:
    """One organisation, company, shop or account behind a grant; the person chooses which one a connection speaks for."""

    id: str
    title: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a credential opens; `owner` is the same for all grants of one person, as far as the vendor lets us see it."""

    places: tuple[Place, ...]
    owner: str = ""
    site: str = ""
    """Where the credential belongs, when only now we know: the places are then asked for there."""
    details: Mapping[str, str] = field(default_factory=dict)


class Probe(Protocol):
    """How a credential is tried, and what it opens."""

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        """The cheap call that tells the places behind a credential, and whether it is accepted at all."""

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        """The places, or `dead` when the credential is refused."""


class OAuth(Probe, Protocol):
    """Consent, exchange, refresh and revocation at one vendor, as pure functions over requests and answers."""

    family: str
    """Vendors with one accounts server share our registration, the callback address and the base address."""
    sites: tuple[str, ...]
    """The sites a person may name; empty where the vendor has but one front door."""
    pkce: bool
    renewal: Renewal | None
    """None: tokens do not expire, and a 401 means that the person has disconnected us."""
    grants_per_owner: int | None
    """How many grants one person's account holds before the vendor silently drops the oldest."""
    revokes_replaced: bool
    """Whether the former grant is revoked after a reconnect; not where that would kill the new one too."""
    headless: bool
    """Whether there are client credentials."""

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        """Every `scheme://host[:port]` that these calls may go to: the secrets go nowhere else."""

    def consent_url(self, app: App, ask: Ask) -> str:
        """Where the person consents."""

    def returned(self, app: App, ask_site: str, query: Mapping[str, str]) -> Returned | NotGranted:
        """Reads the callback's parameters; the state was checked before."""

    def exchange(self, app: App, site: str, code: str, verifier: str) -> GrantCall:
        """The code for tokens, at once: it lives a minute."""

    def exchanged(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted: ...

    def refresh(self, app: App, site: str, refresh: Secret) -> GrantCall: ...

    def refreshed(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted: ...

    def credentials(self, app: App, site: str, place: str) -> GrantCall:
        """A token for the application itself, without a person; `refreshed` reads the answer."""

    def revoke(self, app: App, site: str, access: Secret, refresh: Secret | None) -> GrantCall | None:
        """None where the vendor offers no revocation."""

    def revoked(self, reply: GrantReply) -> bool:
        """Whether the grant is gone now, be it that it was gone before."""


class ApiKey(Probe, Protocol):
    """A credential that a person pastes."""

    def site(self, key: Secret) -> str | None:
        """The site the key itself names, None when this is no key of the vendor."""

    def origins(self, app: App, site: str = "") -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class OwnSite:
    """Each of the vendor's customers has a site of their own: the person names it, and its form alone says that it is one."""

    word: str
    """What the vendor calls it: a shop."""
    example: str
    read: Callable[[str], str]
    """The site that a person means; empty where it can be none. It becomes a host that sees secrets."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The ways into one vendor."""

    family: str
    oauth: OAuth | None = None
    api_key: ApiKey | None = None
    own_site: OwnSite | None = None
    hook_secret: Callable[[str, Secret], Secret] | None = None
    """Where webhooks are signed with the application's secret: what the inbox is given for a site and one of these secrets."""
    pasted_hook_secret: Callable[[Secret], Secret | None] | None = None
    """The same, of an application that came with a pasted key; None where the person left its secret out."""
