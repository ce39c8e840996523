"""How Shopify lets us in by consent (sheet, section 1.1): a token for an hour and a refresh token for ninety days, or one without end.

Which kind came is told by `expires_in`, and by nothing else. The site is the shop's domain. The callback is signed with our secret: a shop,
a code or a state that somebody changed on the way does not fit.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

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
    OwnSite,
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
from vendors.shopify import probe
from vendors.shopify.inbox import hook_secret
from vendors.shopify.shop_token import ShopToken, pasted_hook_secret
from vendors.shopify.shops import FAMILY, admin, is_shop, named

SCOPES = ("read_orders", "read_all_orders", "read_customers", "read_inventory", "read_products")
# Ten minutes before its end: two refreshers that miss each other still find it alive.
RENEWED_AT = timedelta(minutes=50)
TOKEN, AUTHORIZE = "/oauth/access_token", "/oauth/authorize"
_APP = frozenset({"invalid_client", "unauthorized_client", "application_cannot_be_found"})
_OVER = frozenset({"invalid_grant", "invalid_request", "invalid_subject_token"})


class ShopifyOAuth:
    """`OAuth` for Shopify."""

    family = FAMILY
    sites: tuple[str, ...] = ()
    pkce = False
    # Each answer replaces both tokens; the former refresh token lives until the new pair is used.
    renewal: Renewal | None = Renewal(RENEWED_AT, rotates=True)
    grants_per_owner: int | None = None
    # A new pair kills the former one by itself.
    revokes_replaced = False
    headless = False

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        return probe.origins(app, site)

    def consent_url(self, app: App, ask: Ask) -> str:
        asked = {
            "client_id": app.client_id,
            "scope": ",".join(SCOPES),
            "redirect_uri": app.redirect_uri,
            "state": ask.state,
        }
        return f"{admin(ask.site, app.base_url)}{AUTHORIZE}?{urlencode(asked)}"

    def returned(self, app: App, ask_site: str, query: Mapping[str, str]) -> Returned | NotGranted:
        error, code, shop = query.get("error", ""), query.get("code", ""), query.get("shop", "")
        if error == "access_denied":
            return NotGranted("dead", CONSENT_DENIED.name, "The installation was cancelled on Shopify's page.")
        if error:
            return NotGranted("dead", CONSENT_REFUSED.name, "Shopify refused the consent.", words=error[:100])
        # While a secret is being replaced, the vendor signs with the oldest that is not revoked.
        if not any(is_signed(query, one) for one in (app.secret(""), app.former) if one):
            return NotGranted("dead", CALLBACK_REFUSED.name, "What the browser brought is not signed by Shopify.")
        if not is_shop(shop) or shop.lower() != ask_site.lower():
            return NotGranted(
                "dead", SITE_REFUSED.name, "The browser came back from another shop than the one that was asked."
            )
        if not code:
            return NotGranted("dead", CALLBACK_REFUSED.name, "The browser came back without a code.")
        return Returned(code, shop.lower())

    def exchange(self, app: App, site: str, code: str, verifier: str) -> GrantCall:
        """`expiring=1` asks for the kind that expires; the vendor decides."""
        return _token_call(app, site, {"code": code, "expiring": "1"})

    def exchanged(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        found = document(reply)
        return _refusal(found, reply, CODE_REFUSED.name) or _granted(found, reply, site)

    def refresh(self, app: App, site: str, refresh: Secret) -> GrantCall:
        return _token_call(app, site, {"grant_type": "refresh_token", "refresh_token": refresh.reveal()})

    def refreshed(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        """A pair without a new refresh token would die within the hour: it is none."""
        found = document(reply)
        refused = _refusal(found, reply, GRANT_REVOKED.name)
        if refused is not None:
            return refused
        return _granted(found, reply, site) if text(found, "refresh_token") else unreadable(reply)

    def credentials(self, app: App, site: str, place: str) -> GrantCall:
        raise ValueError("Shopify has no client credentials")

    def revoke(self, app: App, site: str, access: Secret, refresh: Secret | None) -> GrantCall | None:
        """There is none: the merchant uninstalls the application."""
        return None

    def revoked(self, reply: GrantReply) -> bool:
        return False

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        return probe.asked(app, site, credential)

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        return probe.read(site, reply)


def is_signed(query: Mapping[str, str], secret: Secret) -> bool:
    """The parameters but `hmac`, sorted, joined as `k=v` with `&`; hex HMAC-SHA256."""
    message = "&".join(f"{name}={query[name]}" for name in sorted(query) if name != "hmac")
    expected = hmac.digest(secret.reveal().encode(), message.encode(), "sha256").hex()
    return hmac.compare_digest(expected.encode(), query.get("hmac", "").encode())


def _token_call(app: App, site: str, fields: Mapping[str, str]) -> GrantCall:
    form = {"client_id": app.client_id, "client_secret": app.secret("").reveal(), **fields}
    return GrantCall("POST", f"{admin(site, app.base_url)}{TOKEN}", TOKEN, form)


def _granted(found: Mapping[str, object], reply: GrantReply, site: str) -> Granted | NotGranted:
    access, refresh = text(found, "access_token"), text(found, "refresh_token")
    if not access or reply.status >= 300:
        return unreadable(reply)
    scopes = tuple(one for one in text(found, "scope").split(",") if one)
    if "expires_in" not in found:
        return Granted(Secret(access), None, None, site, scopes, {"shop": site})
    if not refresh:
        return unreadable(reply)
    lives = lifetime(found, "expires_in", timedelta(hours=1))
    return Granted(Secret(access), Secret(refresh), lives, site, scopes, {"shop": site}, _days(found))


def _days(found: Mapping[str, object]) -> timedelta:
    """How long the refresh token lives; seconds, however many."""
    value = found.get("refresh_token_expires_in")
    return timedelta(seconds=value) if isinstance(value, int) and value > 0 else timedelta(days=90)


def _refusal(found: Mapping[str, object], reply: GrantReply, dead: str) -> NotGranted | None:
    error, said = text(found, "error"), words(found, reply)
    if error in _APP:
        return NotGranted("app", APP_REFUSED.name, "Shopify does not accept our client id or secret.", said)
    if error in _OVER:
        return NotGranted(
            "dead", dead, "Shopify did not take it: it was used before, has expired, or was revoked.", said
        )
    if reply.status == 429:
        return NotGranted("wait", TOKEN_THROTTLED.name, "Shopify makes no tokens for now.", said, timedelta(seconds=30))
    if error or reply.status >= 500:
        return fault(reply, said)
    return None


GRANT = Grant(
    FAMILY,
    oauth=ShopifyOAuth(),
    api_key=ShopToken(),
    own_site=OwnSite("shop", "some-shop.myshopify.com", named),
    hook_secret=hook_secret,
    pasted_hook_secret=pasted_hook_secret,
)
