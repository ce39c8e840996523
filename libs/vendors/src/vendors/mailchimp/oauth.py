"""How Mailchimp lets us in by consent: no scopes, no PKCE, no refresh token; a token lives until the person disconnects us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from common.secret import Secret
from vendors.grant import App, Ask, Discovery, Grant, GrantCall, Granted, GrantReply, NotGranted, Renewal, Returned
from vendors.grant_answers import document, fault, text, unreadable, words
from vendors.grant_codes import (
    APP_REFUSED,
    CALLBACK_REFUSED,
    CODE_REFUSED,
    CONSENT_DENIED,
    CONSENT_REFUSED,
    TOKEN_THROTTLED,
)
from vendors.mailchimp import probe
from vendors.mailchimp.api_key import MailchimpKey
from vendors.mailchimp.login import FAMILY, api, login

_APP = frozenset({"invalid_client", "unauthorized_client", "redirect_uri_mismatch", "unsupported_grant_type"})


class MailchimpOAuth:
    """`OAuth` for Mailchimp."""

    family = FAMILY
    sites: tuple[str, ...] = ()
    pkce = False
    renewal: Renewal | None = None
    grants_per_owner: int | None = None
    # Mailchimp has no revocation by API: the person removes us under Extras > Registered apps.
    revokes_replaced = False
    headless = False

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        return probe.origins(app, site)

    def consent_url(self, app: App, ask: Ask) -> str:
        address = f"{login(app.base_url)}/oauth2/authorize"
        url: str = prepare_grant_uri(address, app.client_id, "code", redirect_uri=app.redirect_uri, state=ask.state)
        return url

    def returned(self, app: App, ask_site: str, query: Mapping[str, str]) -> Returned | NotGranted:
        error, code = query.get("error", ""), query.get("code", "")
        if error == "access_denied":
            return NotGranted("dead", CONSENT_DENIED.name, "The access was rejected on Mailchimp's page.")
        if error:
            return NotGranted("dead", CONSENT_REFUSED.name, "Mailchimp refused the consent.", words=error[:100])
        if not code:
            return NotGranted("dead", CALLBACK_REFUSED.name, "The browser came back without a code.")
        return Returned(code, "")

    def exchange(self, app: App, site: str, code: str, verifier: str) -> GrantCall:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": app.client_id,
            "client_secret": app.secret(site).reveal(),
            "redirect_uri": app.redirect_uri,
        }
        return GrantCall("POST", f"{login(app.base_url)}/oauth2/token", "/oauth2/token", form)

    def exchanged(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        found = document(reply)
        refused = _refusal(found, reply)
        if refused is not None:
            return refused
        # `expires_in: 0` is Mailchimp's way to say that the token does not expire.
        return Granted(Secret(text(found, "access_token")), None, None, site)

    def refresh(self, app: App, site: str, refresh: Secret) -> GrantCall:
        raise ValueError("Mailchimp's tokens are never refreshed")

    def refreshed(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        raise ValueError("Mailchimp's tokens are never refreshed")

    def credentials(self, app: App, site: str, place: str) -> GrantCall:
        raise ValueError("Mailchimp has no client credentials")

    def revoke(self, app: App, site: str, access: Secret, refresh: Secret | None) -> GrantCall | None:
        return None

    def revoked(self, reply: GrantReply) -> bool:
        return False

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        if not site:
            headers = {"authorization": f"OAuth {credential.reveal()}"}
            return GrantCall("GET", f"{login(app.base_url)}{probe.METADATA}", probe.METADATA, headers=headers)
        headers = {"authorization": f"Bearer {credential.reveal()}"}
        return GrantCall("GET", f"{api(site, app.base_url)}/", probe.ROOT, headers=headers)

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        return probe.read_root(site, reply) if site else probe.read_metadata(reply)


def _refusal(found: Mapping[str, object], reply: GrantReply) -> NotGranted | None:
    error, said = text(found, "error"), words(found, reply)
    if error == "invalid_grant":
        return NotGranted(
            "dead", CODE_REFUSED.name, "Mailchimp did not take the code: it was used before or has expired.", said
        )
    if error in _APP:
        return NotGranted(
            "app", APP_REFUSED.name, "Mailchimp does not accept our client id, secret or redirect address.", said
        )
    if reply.status == 429:
        return NotGranted(
            "wait", TOKEN_THROTTLED.name, "Mailchimp makes no tokens for now.", said, timedelta(seconds=30)
        )
    if error or reply.status >= 500:
        return fault(reply, said)
    return None if text(found, "access_token") and reply.status < 300 else unreadable(reply)


GRANT = Grant(FAMILY, oauth=MailchimpOAuth(), api_key=MailchimpKey())
