"""The codes of what goes wrong at the door, before or beside any vendor's own words."""

from __future__ import annotations

from common.codes import Code, register

DOOR_HOST_REFUSED = Code(
    "DOOR_HOST_REFUSED",
    "A call was about to go to a host that is not the vendor's.",
    "Look at the connection's data centre and at MILLRACE_<SYSTEM>_BASE_URL; no credential was sent.",
    "operator",
    False,
)
DOOR_PATH_REFUSED = Code(
    "DOOR_PATH_REFUSED",
    "A vendor call was built with an id that is no id.",
    "Report it with the trace id; nothing was sent.",
    "developer",
    False,
)
DOOR_REQUEST_REFUSED = Code(
    "DOOR_REQUEST_REFUSED",
    "A vendor call was built that HTTP does not allow.",
    "Report it with the trace id; nothing was sent.",
    "developer",
    False,
)
DEADLINE_PASSED = Code(
    "DEADLINE_PASSED",
    "The time for a call was over before it was sent.",
    "Nothing: it is tried again. If it happens often, the vendor's quota or this machine is too small for the work.",
    "nobody",
    True,
)
VENDOR_UNREACHABLE = Code(
    "VENDOR_UNREACHABLE",
    "No connection to the vendor; nothing was sent.",
    "Check the network and the vendor's status page; it is tried again by itself.",
    "operator",
    True,
)
VENDOR_TIMEOUT = Code(
    "VENDOR_TIMEOUT",
    "The vendor did not answer in time.",
    "Nothing: a read is tried again; after a write the record is looked at first, so nothing is done twice.",
    "nobody",
    True,
)
VENDOR_CONNECTION_LOST = Code(
    "VENDOR_CONNECTION_LOST",
    "The connection broke before the vendor's whole answer was here.",
    "Nothing: a read is tried again; after a write the record is looked at first, so nothing is done twice.",
    "nobody",
    True,
)
VENDOR_ANSWER_TOO_LARGE = Code(
    "VENDOR_ANSWER_TOO_LARGE",
    "The vendor's answer is larger than any answer it should give.",
    "Report it with the trace id.",
    "developer",
    False,
)
VENDOR_ANSWER_UNREADABLE = Code(
    "VENDOR_ANSWER_UNREADABLE",
    "The vendor answered with something that is not its API: a maintenance page, a proxy, half a document.",
    "Look at the vendor's status page; it is tried again by itself.",
    "vendor",
    True,
)
VENDOR_REDIRECTED = Code(
    "VENDOR_REDIRECTED",
    "The vendor answered with a redirect, which is never followed: the credential would travel with it.",
    "Look at the connection's data centre; report it if that is right.",
    "operator",
    False,
)
VENDOR_FAULT = Code(
    "VENDOR_FAULT",
    "The vendor failed by its own word.",
    "Nothing: it is tried again; after a write the record is looked at first, so nothing is done twice.",
    "vendor",
    True,
)
VENDOR_REFUSED = Code(
    "VENDOR_REFUSED",
    "The vendor refused a call in a way that its documentation does not tell of.",
    "Read the vendor's words; correct the record or report it.",
    "owner",
    True,
)
QUOTA_EXHAUSTED = Code(
    "QUOTA_EXHAUSTED",
    "Our part of the vendor's quota is used up for now.",
    "Nothing: it goes on at the time shown. `millrace connection quota NAME` shows who used it.",
    "nobody",
    True,
)
QUOTA_MONTH_USED_UP = Code(
    "QUOTA_MONTH_USED_UP",
    "Our part of the calls that the vendor gives for this month is used up, or what is left of it is kept for changes as they happen.",
    "Nothing is lost: what waits goes on with the next month, or within the hour once the vendor gives more and the connection knows it."
    " `millrace connection quota NAME` shows what was used.",
    "owner",
    True,
)
QUOTA_UNAVAILABLE = Code(
    "QUOTA_UNAVAILABLE",
    "Neither Redis nor PostgreSQL could say how much of the vendor's quota is used, so no call was made.",
    "Check `millrace status`; it goes on by itself.",
    "operator",
    True,
)
TOKEN_BROKER_UNAVAILABLE = Code(
    "TOKEN_BROKER_UNAVAILABLE",
    "The token-broker did not answer.",
    "Check `millrace status`; it goes on by itself.",
    "operator",
    True,
)
TOKENS_PAUSED = Code(
    "TOKENS_PAUSED",
    "The vendor gives this connection no new access token for now.",
    "Nothing: it goes on at the time shown.",
    "nobody",
    True,
)
TOKEN_REFUSED = Code(
    "TOKEN_REFUSED",
    "The token-broker gives this service no token for this connection.",
    "Check that the service has its key file and that the connection belongs to a vendor it may use.",
    "operator",
    True,
)
CALL_NOT_PERMITTED = Code(
    "CALL_NOT_PERMITTED",
    "The vendor accepts this connection's token and refuses the call: a scope is missing, or it names another organisation.",
    "Reconnect with all the scopes asked for and the right organisation; then retry what failed.",
    "owner",
    True,
)
NEEDS_REAUTH = Code(
    "NEEDS_REAUTH",
    "The vendor no longer accepts this connection.",
    "`millrace connection reconnect NAME`; everything that waits goes on afterwards.",
    "owner",
    True,
)

VENDOR_FILE_UNAVAILABLE = Code(
    "VENDOR_FILE_UNAVAILABLE",
    "A file that the vendor has named is not there, or its address has expired.",
    "Nothing: a fresh address is asked for.",
    "nobody",
    True,
)

register(
    VENDOR_FILE_UNAVAILABLE,
    DOOR_HOST_REFUSED,
    DOOR_PATH_REFUSED,
    DOOR_REQUEST_REFUSED,
    DEADLINE_PASSED,
    VENDOR_UNREACHABLE,
    VENDOR_TIMEOUT,
    VENDOR_CONNECTION_LOST,
    VENDOR_ANSWER_TOO_LARGE,
    VENDOR_ANSWER_UNREADABLE,
    VENDOR_REDIRECTED,
    VENDOR_FAULT,
    VENDOR_REFUSED,
    QUOTA_EXHAUSTED,
    QUOTA_MONTH_USED_UP,
    QUOTA_UNAVAILABLE,
    TOKEN_BROKER_UNAVAILABLE,
    TOKENS_PAUSED,
    TOKEN_REFUSED,
    CALL_NOT_PERMITTED,
    NEEDS_REAUTH,
)
