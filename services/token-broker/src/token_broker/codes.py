"""The codes that only the broker raises."""

from __future__ import annotations

from common.codes import Code, register

CALLER_UNKNOWN = Code(
    "CALLER_UNKNOWN",
    "The caller showed no key, or one that is not valid (any more).",
    "Check that the service reads its own key file and that the file was not revoked.",
    "operator",
    True,
)
CALLER_NOT_ALLOWED = Code(
    "CALLER_NOT_ALLOWED",
    "The caller's key is valid, but not for this vendor or this operation.",
    "Look at the broker's table of permissions; a service only ever gets the vendors it works for.",
    "operator",
    False,
)
GRANT_UNKNOWN = Code(
    "GRANT_UNKNOWN",
    "The vault holds no credential for this connection.",
    "Connect it with `millrace connection add` or `reconnect`.",
    "owner",
    False,
)
CONSENT_UNKNOWN = Code(
    "CONSENT_UNKNOWN",
    "There is no consent of this id, or it is too old.",
    "Start again with `millrace connection add` or `reconnect`.",
    "owner",
    False,
)
CONSENT_NOT_OPEN = Code(
    "CONSENT_NOT_OPEN",
    "The consent is not in a state in which this can be done.",
    "Look at its state; start again with `millrace connection add` or `reconnect` if it is over.",
    "owner",
    False,
)
CONSENT_EXPIRED = Code(
    "CONSENT_EXPIRED",
    "The start address was not used, or the consent was not finished, in time.",
    "Start again with `millrace connection add` or `reconnect`.",
    "owner",
    True,
)
CONSENT_REPLAYED = Code(
    "CONSENT_REPLAYED",
    "The start address or the return from the vendor was used before.",
    "Start again from a fresh address. If that was not you, somebody else has seen the link.",
    "owner",
    True,
)
CONSENT_FOREIGN = Code(
    "CONSENT_FOREIGN",
    "The browser that came back from the vendor is not the one that started the consent.",
    "Open the start address and finish in the same browser, with cookies allowed.",
    "owner",
    True,
)
PLACE_UNKNOWN = Code(
    "PLACE_UNKNOWN",
    "The grant does not open the organisation or account that was named.",
    "Choose one of the places that the consent lists.",
    "owner",
    True,
)
WRONG_ACCOUNT = Code(
    "WRONG_ACCOUNT",
    "The consent was given by an account that does not open this connection's organisation; the former grant was kept.",
    "Sign in at the vendor as a user of that organisation, then reconnect.",
    "owner",
    True,
)
VENDOR_UNKNOWN = Code(
    "VENDOR_UNKNOWN",
    "No vendor of this name is known, or it cannot be connected in this way.",
    "See `millrace connection add --help` for the vendors and the ways to connect them.",
    "owner",
    False,
)
TOKEN_UNAVAILABLE = Code(
    "TOKEN_UNAVAILABLE",
    "There is no valid token now, and none could be had in time.",
    "Nothing: it is tried again by itself. Look at `millrace status` and the vendor's status page if it lasts.",
    "nobody",
    True,
)
TOKEN_NOT_AT_FAULT = Code(
    "TOKEN_NOT_AT_FAULT",
    "A call was refused with 401 although the vendor accepts its token: it lacks a permission or names another organisation.",
    "Check the connection's organisation and permissions with `millrace connection test NAME`.",
    "owner",
    False,
)
FRESH_TOKEN_REFUSED = Code(
    "FRESH_TOKEN_REFUSED",
    "The vendor made a new token and refuses it at once.",
    "`millrace connection reconnect NAME`; if that does not help, look at the account at the vendor.",
    "owner",
    True,
)
CREDENTIAL_UNREADABLE = Code(
    "CREDENTIAL_UNREADABLE",
    "A stored credential does not open: it was changed in the database, put back, or its master key is missing.",
    "Restore the vault from a backup that fits, or reconnect the connection. Find out who changed the row.",
    "operator",
    False,
)
ACCESS_LOG_FULL = Code(
    "ACCESS_LOG_FULL",
    "Reads of credentials could not be written down for a long time, so no more are answered.",
    "Check `millrace status`: PostgreSQL is away.",
    "operator",
    True,
)
KEY_RING_FIXED = Code(
    "KEY_RING_FIXED",
    "The key ring cannot be changed by the broker.",
    "Add a line with a new key to it, restart the broker, then rotate.",
    "operator",
    False,
)
GRANT_ENDS = Code(
    "GRANT_ENDS",
    "The access that a person gave ends on a day that is near.",
    "Reconnect before with `millrace connection reconnect`: the connection stays what it is, and nothing is read again.",
    "owner",
    True,
)
REQUEST_INVALID = Code(
    "REQUEST_INVALID",
    "The request does not have the form that the API asks for.",
    "Compare it with the API's page.",
    "developer",
    False,
)
BROKER_FAULT = Code(
    "BROKER_FAULT",
    "The token-broker failed on this request.",
    "Report it with the trace id.",
    "developer",
    True,
)

register(
    CALLER_UNKNOWN,
    CALLER_NOT_ALLOWED,
    GRANT_UNKNOWN,
    CONSENT_UNKNOWN,
    CONSENT_NOT_OPEN,
    CONSENT_EXPIRED,
    CONSENT_REPLAYED,
    CONSENT_FOREIGN,
    PLACE_UNKNOWN,
    WRONG_ACCOUNT,
    VENDOR_UNKNOWN,
    TOKEN_UNAVAILABLE,
    TOKEN_NOT_AT_FAULT,
    FRESH_TOKEN_REFUSED,
    CREDENTIAL_UNREADABLE,
    ACCESS_LOG_FULL,
    KEY_RING_FIXED,
    GRANT_ENDS,
    REQUEST_INVALID,
    BROKER_FAULT,
)
