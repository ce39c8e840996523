"""The codes of what can go wrong while we are let in: consent, exchange, refresh, and trying a credential."""

from __future__ import annotations

from common.codes import Code, register

CONSENT_DENIED = Code(
    "CONSENT_DENIED",
    "The person said no on the vendor's page.",
    "Start again with `millrace connection add` or `reconnect` and accept; nothing was stored.",
    "owner",
    True,
)
CONSENT_REFUSED = Code(
    "CONSENT_REFUSED",
    "The vendor refused the consent by its own word.",
    "Read the vendor's words, then start again; nothing was stored.",
    "owner",
    True,
)
CALLBACK_REFUSED = Code(
    "CALLBACK_REFUSED",
    "The browser came back with parameters that the vendor would not send: an unknown host, another vendor, no code.",
    "Start again from a fresh address. If it happens twice, look for a manipulated link; no secret was sent anywhere.",
    "owner",
    True,
)
SITE_REFUSED = Code(
    "SITE_REFUSED",
    "The data centre or shop is unknown, switched off, or is not the one the vendor answered from.",
    "Name it: `--dc` or `--shop` of `millrace connection add`; `millrace connection vendors` says what a vendor asks for.",
    "owner",
    True,
)
CODE_REFUSED = Code(
    "CODE_REFUSED",
    "The vendor did not take the code of the consent: it was used, expired, or belongs to another data centre.",
    "Start again and finish within a minute of accepting.",
    "owner",
    True,
)
REFRESH_TOKEN_MISSING = Code(
    "REFRESH_TOKEN_MISSING",
    "The vendor gave access for an hour and no refresh token, so the connection would die within the hour.",
    "Remove Millrace from the connected applications of that account, then connect again and accept offline access.",
    "owner",
    True,
)
SCOPE_MISSING = Code(
    "SCOPE_MISSING",
    "The person accepted less than was asked for.",
    "Connect again and accept everything that is listed.",
    "owner",
    True,
)
GRANT_REVOKED = Code(
    "GRANT_REVOKED",
    "The vendor says that the grant is over: it was revoked, or pushed out by newer ones of the same user.",
    "`millrace connection reconnect NAME`; everything that waits goes on afterwards.",
    "owner",
    True,
)
REFRESH_ANSWER_LOST = Code(
    "REFRESH_ANSWER_LOST",
    "The answer with a new refresh token never reached our disk, and the vendor no longer takes the former one.",
    "`millrace connection reconnect NAME`; everything that waits goes on afterwards.",
    "owner",
    True,
)
APP_REFUSED = Code(
    "APP_REFUSED",
    "The vendor does not accept our client id, client secret or redirect address.",
    "Correct MILLRACE_<SYSTEM>_CLIENT_ID, ..._CLIENT_SECRET_FILE or the redirect address at the vendor, then restart the token-broker; "
    "the grants are kept and go on by themselves.",
    "operator",
    True,
)
TOKEN_THROTTLED = Code(
    "TOKEN_THROTTLED",
    "The vendor's budget of new tokens, or our count of it, is used up.",
    "Nothing: it goes on at the time shown. Asking the vendor again would prolong the lock.",
    "nobody",
    True,
)
API_KEY_REFUSED = Code(
    "API_KEY_REFUSED",
    "The vendor does not accept this API key, or the text is no API key of this vendor.",
    "Copy the key again from the vendor's page, whole and unexpired.",
    "owner",
    True,
)
ACCOUNTS_FAULT = Code(
    "ACCOUNTS_FAULT",
    "The vendor's accounts server failed or gave an answer that is none.",
    "Nothing: it is tried again by itself. Look at the vendor's status page if it lasts.",
    "vendor",
    True,
)
PLACES_UNREADABLE = Code(
    "PLACES_UNREADABLE",
    "The vendor did not tell which organisations or accounts the grant opens.",
    "Ask again with `millrace connection reconnect NAME`; look at the vendor's status page if it lasts.",
    "vendor",
    True,
)

register(
    CONSENT_DENIED,
    CONSENT_REFUSED,
    CALLBACK_REFUSED,
    SITE_REFUSED,
    CODE_REFUSED,
    REFRESH_TOKEN_MISSING,
    SCOPE_MISSING,
    GRANT_REVOKED,
    REFRESH_ANSWER_LOST,
    APP_REFUSED,
    TOKEN_THROTTLED,
    API_KEY_REFUSED,
    ACCOUNTS_FAULT,
    PLACES_UNREADABLE,
)
