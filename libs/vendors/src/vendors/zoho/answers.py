"""What Zoho's accounts servers answer, and what it means: decided by the body, because errors come with HTTP 200 as well.

error (any case, space or underscore)    exchange     refresh
invalid_code, invalid_grant              dead         dead        used, expired, other data centre; revoked
access_denied, "Access Denied"           wait         wait        ten tokens or codes in ten minutes; never an authorisation matter
invalid_client, invalid_client_secret,
invalid_redirect_uri, unauthorized_client app         app         our registration
general_error, server_error              transient    transient
any other error                          transient    transient   bounded by the back-off and the budget
no JSON object, no token in it           unknown      unknown     (5xx: transient)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from common.secret import Secret
from vendors.grant import App, Granted, GrantReply, NotGranted
from vendors.grant_answers import document, fault, lifetime, text, unreadable, words
from vendors.grant_codes import (
    APP_REFUSED,
    CODE_REFUSED,
    GRANT_REVOKED,
    REFRESH_TOKEN_MISSING,
    SITE_REFUSED,
    TOKEN_THROTTLED,
)
from vendors.zoho.centres import by_api, centre

TOKEN_LIVES = timedelta(hours=1)
# The window of "10 tokens in 10 minutes"; trying sooner prolongs the lock.
LOCKED_FOR = timedelta(minutes=10)

_DEAD = frozenset({"invalid_code", "invalid_grant"})
_THROTTLED = frozenset({"access_denied"})
_APP = frozenset(
    {"invalid_client", "invalid_client_secret", "invalid_redirect_uri", "redirect_uri_mismatch", "unauthorized_client"}
)


def read_exchange(app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
    """The answer to a code; without a refresh token it is no grant that lasts."""
    found = document(reply)
    refused = _refusal(
        found,
        reply,
        CODE_REFUSED.name,
        "Zoho did not take the code: it was used before, is older than a minute, or belongs to another data centre.",
    )
    if refused is not None:
        return refused
    granted = _granted(app, site, found)
    if isinstance(granted, Granted) and granted.refresh is None:
        return NotGranted("dead", REFRESH_TOKEN_MISSING.name, REFRESH_TOKEN_MISSING.meaning)
    return granted


def read_refresh(app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
    """The answer to a refresh token, which stays the same."""
    found = document(reply)
    refused = _refusal(
        found,
        reply,
        GRANT_REVOKED.name,
        "Zoho says that the refresh token is no longer valid: access was revoked, "
        "or the user has consented more than 20 times and this was the oldest.",
    )
    return refused or _granted(app, site, found)


def _refusal(found: Mapping[str, object], reply: GrantReply, dead_code: str, dead_words: str) -> NotGranted | None:
    error = text(found, "error").strip().lower().replace(" ", "_")
    said = words(found, reply)
    if error in _DEAD:
        return NotGranted("dead", dead_code, dead_words, said)
    if error in _THROTTLED or reply.status == 429:
        message = "Zoho makes no more tokens for now: more than ten were asked for within ten minutes."
        return NotGranted("wait", TOKEN_THROTTLED.name, message, said, LOCKED_FOR)
    if error in _APP:
        return NotGranted(
            "app", APP_REFUSED.name, "Zoho does not accept our client id, secret or redirect address.", said
        )
    if error or reply.status >= 500:
        return fault(reply, said)
    if not text(found, "access_token") or reply.status >= 300:
        return unreadable(reply)
    return None


def _granted(app: App, site: str, found: Mapping[str, object]) -> Granted | NotGranted:
    where = _where(app, site, text(found, "api_domain"))
    if where is None:
        message = "The token answer names an API host that is not that of the data centre; it was not used."
        return NotGranted("dead", SITE_REFUSED.name, message)
    refresh = text(found, "refresh_token")
    at = centre(where)
    return Granted(
        access=Secret(text(found, "access_token")),
        refresh=Secret(refresh) if refresh else None,
        lives=_lives(found),
        site=where,
        scopes=tuple(text(found, "scope").replace(",", " ").split()),
        details={"dc": where, "region": at.title if at else ""},
    )


def _where(app: App, site: str, api_domain: str) -> str | None:
    """The region as the answer tells it (ZB-05); it must be the one we asked, and an answer may be silent about it."""
    if not api_domain:
        return site
    named = by_api(api_domain, app.base_url)
    return site if named is not None and named.dc == site else None


def _lives(found: Mapping[str, object]) -> timedelta:
    # Old pages carry milliseconds in `expires_in` and the seconds beside it.
    name = "expires_in_sec" if "expires_in_sec" in found else "expires_in"
    return lifetime(found, name, TOKEN_LIVES)
