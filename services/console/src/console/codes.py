"""The codes that only the console raises."""

from __future__ import annotations

from common.codes import Code, register

API_TOKEN_REFUSED = Code(
    "API_TOKEN_REFUSED",
    "The caller showed no API token, or not the valid one.",
    "Use the token in secrets/console-api.token of the installation's folder, or choose the right one with --context.",
    "owner",
    True,
)
API_REQUEST_INVALID = Code(
    "API_REQUEST_INVALID",
    "The request does not have the form that the API asks for.",
    "Compare it with the OpenAPI document at /api/v1/openapi.json.",
    "developer",
    False,
)
API_NOT_THERE = Code(
    "API_NOT_THERE",
    "There is nothing at this address, or not with this method.",
    "Compare the address with the OpenAPI document at /api/v1/openapi.json.",
    "developer",
    False,
)
API_FAULT = Code(
    "API_FAULT",
    "The console failed on this request.",
    "Report it with the request id; `millrace logs console` has the line.",
    "developer",
    True,
)
API_AWAY = Code(
    "API_AWAY",
    "The console's database does not answer.",
    "Check `millrace status`; then try again.",
    "operator",
    True,
)
CURSOR_INVALID = Code(
    "CURSOR_INVALID",
    "The cursor is none that this list gave.",
    "Start again without a cursor.",
    "developer",
    False,
)
IDEMPOTENCY_KEY_REUSED = Code(
    "IDEMPOTENCY_KEY_REUSED",
    "The same Idempotency-Key came before with another request.",
    "Use a fresh key for each wish, and the same one only to repeat it.",
    "developer",
    False,
)
IDEMPOTENCY_IN_PROGRESS = Code(
    "IDEMPOTENCY_IN_PROGRESS",
    "The same request is being worked on just now.",
    "Ask again in a moment with the same Idempotency-Key.",
    "nobody",
    True,
)
VERSION_MISSING = Code(
    "VERSION_MISSING",
    "A change of the configuration needs If-Match: without it, a change made meanwhile would be lost.",
    "Read it first and send its ETag as If-Match.",
    "developer",
    False,
)
VERSION_STALE = Code(
    "VERSION_STALE",
    "It was changed since it was read.",
    "Read it again, look at what changed, and repeat with the new ETag.",
    "owner",
    True,
)
CONNECTION_UNKNOWN = Code(
    "CONNECTION_UNKNOWN",
    "There is no connection of this id or name.",
    "See `millrace connection list`.",
    "owner",
    False,
)
CONNECTION_KIND_UNKNOWN = Code(
    "CONNECTION_KIND_UNKNOWN",
    "The connection has no records of this kind that are read here.",
    "See `millrace connection read NAME` for the kinds that it has.",
    "owner",
    False,
)
CONNECTION_NAME_TAKEN = Code(
    "CONNECTION_NAME_TAKEN",
    "Another connection has this name.",
    "Choose another name; `millrace connection reconnect NAME` renews the one that is there.",
    "owner",
    False,
)
CONNECTION_STATE = Code(
    "CONNECTION_STATE",
    "The connection is not in a state in which this can be done.",
    "Look at it with `millrace connection show NAME`.",
    "owner",
    True,
)
CONNECTION_IN_USE = Code(
    "CONNECTION_IN_USE",
    "Syncs that are switched on use the connection.",
    "Disable them first with `millrace sync disable NAME`; then delete the connection.",
    "owner",
    True,
)
CONNECTION_WAY_UNKNOWN = Code(
    "CONNECTION_WAY_UNKNOWN",
    "This vendor is not known, or cannot be connected in this way.",
    "See `millrace connection vendors` for the vendors and the ways to connect them.",
    "owner",
    False,
)
CONNECTING_INTERRUPTED = Code(
    "CONNECTING_INTERRUPTED",
    "The connection was being made and nobody finished it.",
    "Repeat `millrace connection add` with the same name, or delete the connection.",
    "owner",
    True,
)

CONNECTION_STILL_REFUSED = Code(
    "CONNECTION_STILL_REFUSED",
    "The connection was tried before its gate was opened, and the vendor still does not take it.",
    "Do what the message says at the vendor, then resume again. A vendor that is only away is asked again by itself.",
    "owner",
    True,
)

register(
    CONNECTION_STILL_REFUSED,
    API_TOKEN_REFUSED,
    API_REQUEST_INVALID,
    API_NOT_THERE,
    API_FAULT,
    API_AWAY,
    CURSOR_INVALID,
    IDEMPOTENCY_KEY_REUSED,
    IDEMPOTENCY_IN_PROGRESS,
    VERSION_MISSING,
    VERSION_STALE,
    CONNECTION_UNKNOWN,
    CONNECTION_KIND_UNKNOWN,
    CONNECTION_NAME_TAKEN,
    CONNECTION_STATE,
    CONNECTION_IN_USE,
    CONNECTION_WAY_UNKNOWN,
    CONNECTING_INTERRUPTED,
)
