"""How Zoho lets us in: consent at the user's data centre, a refresh token that stays, access tokens of one hour.

A refresh token makes ten access tokens in ten minutes and holds fifteen alive; a user holds twenty refresh tokens, and the
twenty-first silently kills the first. See `answers.py` for what the accounts servers answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from common.secret import Secret
from vendors.grant import Allowance, App, Ask, Discovery, GrantCall, Granted, GrantReply, NotGranted, Renewal, Returned
from vendors.grant_answers import document, text
from vendors.grant_codes import CALLBACK_REFUSED, CONSENT_DENIED, CONSENT_REFUSED
from vendors.zoho import answers
from vendors.zoho.centres import CENTRES, COMMON_DOOR, FAMILY, SITES, Centre, by_accounts, centre, origin

RENEWAL = Renewal(
    age=timedelta(minutes=55),
    rotates=False,
    allowance=Allowance(10, timedelta(minutes=10)),
)
REFRESH_TOKENS_PER_USER = 20


@dataclass(frozen=True, slots=True)
class Product:
    """One of the family's products, as far as a grant knows it."""

    name: str
    scopes: tuple[str, ...]
    places_path: str
    places_base: Callable[[Centre, str], str]
    read_places: Callable[[Centre, GrantReply], Discovery | NotGranted]


class ZohoOAuth:
    """`OAuth` for one product of the family."""

    family = FAMILY
    sites = SITES
    pkce = False
    renewal: Renewal | None = RENEWAL
    grants_per_owner: int | None = REFRESH_TOKENS_PER_USER
    revokes_replaced = True
    headless = True

    def __init__(self, product: Product) -> None:
        self._product = product

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        if app.base_url:
            return frozenset({origin(app.base_url)})
        enabled = [at for at in CENTRES if at.enabled]
        hosts = [at.accounts() for at in enabled] + [self._product.places_base(at, "") for at in enabled]
        return frozenset(map(origin, hosts))

    def consent_url(self, app: App, ask: Ask) -> str:
        at = _known(ask.site or COMMON_DOOR)
        # `offline` and `prompt=consent` together are what brings a refresh token each time.
        url: str = prepare_grant_uri(
            f"{at.accounts(app.base_url)}/oauth/v2/auth",
            app.client_id,
            "code",
            redirect_uri=app.redirect_uri,
            scope=",".join(self._product.scopes),
            state=ask.state,
            access_type="offline",
            prompt="consent",
        )
        return url

    def returned(self, app: App, ask_site: str, query: Mapping[str, str]) -> Returned | NotGranted:
        refused = _refused(query)
        if refused is not None:
            return refused
        site = _site(app, ask_site, query)
        code = query.get("code", "")
        if site is None or not code:
            return NotGranted(
                "dead",
                CALLBACK_REFUSED.name,
                "The browser came back without a code, or with an accounts server that is not Zoho's.",
            )
        return Returned(code, site)

    def exchange(self, app: App, site: str, code: str, verifier: str) -> GrantCall:
        return _token_call(
            app, site, {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
        )

    def exchanged(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        return answers.read_exchange(app, site, reply)

    def refresh(self, app: App, site: str, refresh: Secret) -> GrantCall:
        return _token_call(app, site, {"grant_type": "refresh_token", "refresh_token": refresh.reveal()})

    def refreshed(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        return answers.read_refresh(app, site, reply)

    def credentials(self, app: App, site: str, place: str) -> GrantCall:
        asked = {"scope": ",".join(self._product.scopes), "soid": f"{self._product.name}.{place}"}
        return _token_call(app, site, {"grant_type": "client_credentials", **asked})

    def revoke(self, app: App, site: str, access: Secret, refresh: Secret | None) -> GrantCall | None:
        # The page has the token in the query; the form takes it too, and keeps it out of every access log on the way.
        token = (refresh or access).reveal()
        url = f"{_known(site).accounts(app.base_url)}/oauth/v2/token/revoke"
        return GrantCall("POST", url, "/oauth/v2/token/revoke", {"token": token})

    def revoked(self, reply: GrantReply) -> bool:
        found = document(reply)
        # `invalid_code`: there is nothing left to revoke.
        return text(found, "status") == "success" or text(found, "error") == "invalid_code"

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        base = self._product.places_base(_known(site), app.base_url)
        path = self._product.places_path
        return GrantCall(
            "GET", f"{base}{path}", path, headers={"authorization": f"Zoho-oauthtoken {credential.reveal()}"}
        )

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        return self._product.read_places(_known(site), reply)


def _known(site: str) -> Centre:
    found = centre(site)
    if found is None:
        raise ValueError(f"{site} is not a data centre of Zoho that is switched on")
    return found


def _token_call(app: App, site: str, asked: Mapping[str, str]) -> GrantCall:
    secret = app.secret(site).reveal()
    form = {**asked, "client_id": app.client_id, "client_secret": secret}
    return GrantCall("POST", f"{_known(site).accounts(app.base_url)}/oauth/v2/token", "/oauth/v2/token", form)


def _refused(query: Mapping[str, str]) -> NotGranted | None:
    error = query.get("error", "")
    if error == "access_denied":
        return NotGranted("dead", CONSENT_DENIED.name, "The access was rejected on Zoho's page.")
    if error:
        return NotGranted("dead", CONSENT_REFUSED.name, "Zoho refused the consent.", words=error[:100])
    return None


def _site(app: App, ask_site: str, query: Mapping[str, str]) -> str | None:
    """Where the code belongs. `location` and `accounts-server` come by way of the browser: they must be on the list, and agree."""
    server, location = query.get("accounts-server"), query.get("location")
    if server is None:
        # Clients of one data centre get neither: the code belongs to where we started.
        return (ask_site or COMMON_DOOR) if location in (None, ask_site or COMMON_DOOR) else None
    found = by_accounts(server, app.base_url)
    if found is None or location not in (None, found.dc):
        return None
    return found.dc
