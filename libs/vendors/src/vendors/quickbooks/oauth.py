"""How QuickBooks lets us in (sheet, section 1): consent for one company, an access token of an hour, and a refresh value that is replaced.

The value is the same for a day, then an answer brings another one and the former is dead from that moment, seen or not. So whatever an answer
brings is stored before its access token is used, by one refresh at a time. It ends when nobody has used it for a hundred days, and after
five years in any case; each answer tells how long it has.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from common.secret import Secret
from vendors.grant import (
    App,
    Ask,
    Discovery,
    Grant,
    GrantCall,
    Granted,
    GrantReply,
    NotGranted,
    Renewal,
    Returned,
)
from vendors.grant_answers import document, fault, lifetime, text, unreadable, words
from vendors.grant_codes import (
    APP_REFUSED,
    CALLBACK_REFUSED,
    CODE_REFUSED,
    CONSENT_DENIED,
    CONSENT_REFUSED,
    GRANT_REVOKED,
    SITE_REFUSED,
    TOKEN_THROTTLED,
)
from vendors.quickbooks import probe
from vendors.quickbooks.companies import (
    API_HOSTS,
    CONSENT,
    FAMILY,
    REVOCATION,
    TOKENS,
    QboCompany,
    at,
    company_of,
    environment_of,
    is_realm,
)

SCOPE = "com.intuit.quickbooks.accounting"
# Ten minutes before its end: two refreshers that miss each other still find it alive.
RENEWED_AT = timedelta(minutes=50)
# Without this header an answer does not say when the five years are over.
TELL_THE_END = {"x-include-refresh-token-hard-expires-in": "true"}
_IDLE_END, _HARD_END = "x_refresh_token_expires_in", "x_refresh_token_hard_expires_in"
_PAUSE = timedelta(seconds=60)


class QuickBooksOAuth:
    """`OAuth` for QuickBooks."""

    family = FAMILY
    sites: tuple[str, ...] = ()
    pkce = False
    renewal: Renewal | None = Renewal(RENEWED_AT, rotates=True)
    grants_per_owner: int | None = None
    # Revoking any token of a company ends the connection as a whole, the new grant included.
    revokes_replaced = False
    headless = False

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        environment = environment_of(site)
        if environment is None:
            return frozenset()
        if app.base_url:
            return frozenset({_origin(app.base_url)})
        return frozenset({_origin(TOKENS), _origin(REVOCATION), f"https://{API_HOSTS[environment]}"})

    def consent_url(self, app: App, ask: Ask) -> str:
        asked = {
            "client_id": app.client_id,
            "response_type": "code",
            "scope": SCOPE,
            "redirect_uri": app.redirect_uri,
            "state": ask.state,
        }
        return f"{at(CONSENT, app.base_url)}?{urlencode(asked)}"

    def returned(self, app: App, ask_site: str, query: Mapping[str, str]) -> Returned | NotGranted:
        error, code, realm = query.get("error", ""), query.get("code", ""), query.get("realmId", "")
        if error == "access_denied":
            return NotGranted("dead", CONSENT_DENIED.name, "The access was rejected on Intuit's page.")
        if error:
            return NotGranted("dead", CONSENT_REFUSED.name, "Intuit refused the consent.", words=error[:100])
        environment = environment_of(ask_site)
        if environment is None:
            return NotGranted("dead", SITE_REFUSED.name, "The environments are production and sandbox.")
        if not code or not is_realm(realm):
            return NotGranted(
                "dead", CALLBACK_REFUSED.name, "The browser came back without a code, or without a company."
            )
        return Returned(code, QboCompany(realm, environment).site)

    def exchange(self, app: App, site: str, code: str, verifier: str) -> GrantCall:
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
        return _token_call(app, asked)

    def exchanged(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        return _granted(reply, site, CODE_REFUSED.name)

    def refresh(self, app: App, site: str, refresh: Secret) -> GrantCall:
        return _token_call(app, {"grant_type": "refresh_token", "refresh_token": refresh.reveal()})

    def refreshed(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        return _granted(reply, site, GRANT_REVOKED.name)

    def credentials(self, app: App, site: str, place: str) -> GrantCall:
        raise ValueError("QuickBooks has no client credentials")

    def revoke(self, app: App, site: str, access: Secret, refresh: Secret | None) -> GrantCall | None:
        token = (refresh or access).reveal()
        url = at(REVOCATION, app.base_url)
        return GrantCall("POST", url, urlsplit(REVOCATION).path, headers=_client(app), json={"token": token})

    def revoked(self, reply: GrantReply) -> bool:
        # 400: there is nothing left to revoke.
        return reply.status in (200, 400)

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        return probe.asked(app, _company(site), credential)

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        return probe.read(_company(site), reply)


def _company(site: str) -> QboCompany:
    found = company_of(site)
    if found is None:
        raise ValueError(f"{site[:40]!r} is no company of QuickBooks")
    return found


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _client(app: App) -> Mapping[str, str]:
    """Our id and secret as a basic pair: the form with both in it is not taken."""
    pair = base64.b64encode(f"{app.client_id}:{app.secret('').reveal()}".encode()).decode()
    return {"authorization": f"Basic {pair}", "accept": "application/json"}


def _token_call(app: App, form: Mapping[str, str]) -> GrantCall:
    return GrantCall("POST", at(TOKENS, app.base_url), urlsplit(TOKENS).path, form, {**_client(app), **TELL_THE_END})


def _granted(reply: GrantReply, site: str, dead: str) -> Granted | NotGranted:
    """Tokens, both of them: whatever refresh value an answer brings is the one that counts from now on."""
    found = document(reply)
    refused = _refusal(found, reply, dead)
    if refused is not None:
        return refused
    access, refresh = text(found, "access_token"), text(found, "refresh_token")
    if not access or not refresh or reply.status >= 300:
        return unreadable(reply)
    lives = lifetime(found, "expires_in", timedelta(hours=1))
    idle, hard = _until(found, _IDLE_END), _until(found, _HARD_END)
    return Granted(Secret(access), Secret(refresh), lives, site, (SCOPE,), refresh_lives=idle, hard_lives=hard)


def _until(found: Mapping[str, object], end: str) -> timedelta | None:
    told = found.get(end)
    return timedelta(seconds=told) if isinstance(told, int) and not isinstance(told, bool) and told > 0 else None


def _refusal(found: Mapping[str, object], reply: GrantReply, dead: str) -> NotGranted | None:
    error, said = text(found, "error"), words(found, reply)
    if error in ("invalid_client", "unauthorized_client"):
        return NotGranted("app", APP_REFUSED.name, "Intuit does not accept our client id or secret.", said)
    if error == "invalid_grant":
        return NotGranted(
            "dead", dead, "Intuit did not take it: it was replaced or used before, has expired, or was revoked.", said
        )
    if reply.status == 429:
        return NotGranted("wait", TOKEN_THROTTLED.name, "Intuit makes no tokens for now.", said, _PAUSE)
    return fault(reply, said) if error or reply.status >= 500 else None


GRANT = Grant(FAMILY, oauth=QuickBooksOAuth())
