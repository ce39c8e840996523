"""The codes of channels."""

from __future__ import annotations

from common.codes import Code, register

CHANNEL_UNKNOWN = Code(
    "CHANNEL_UNKNOWN",
    "No active sync wants to be called by this connection.",
    "See `millrace channel list`; one that was just applied is there within seconds.",
    "owner",
    True,
)
CHANNEL_NO_ADDRESS = Code(
    "CHANNEL_NO_ADDRESS",
    "No vendor can call this installation: it has no public address.",
    "Set MILLRACE_PUBLIC_URL to the address under which the gateway is reached; until then sources are read on a schedule.",
    "operator",
    False,
)
CHANNEL_BY_API = Code(
    "CHANNEL_BY_API",
    "The webhooks of this vendor are registered by Millrace itself.",
    "Ask for an audit with `millrace channel audit NAME`.",
    "owner",
    False,
)
CHANNEL_OF_NO_APP = Code(
    "CHANNEL_OF_NO_APP",
    "The webhooks of this vendor do not belong to an application, or there is no such vendor.",
    "See `millrace channel list`: each connection has webhooks of its own.",
    "owner",
    False,
)
CHANNEL_APP_SECRET_WRONG = Code(
    "CHANNEL_APP_SECRET_WRONG",
    "A webhook came whose signature does not fit: it is of another application, or the secret that was entered here is.",
    "Copy the secret from the page on which this address stands, and enter it with `millrace channel app VENDOR --secret-file FILE`."
    " What came until then is kept in quarantine; the accounts are read on their schedule meanwhile.",
    "owner",
    True,
)
CHANNEL_APP_NO_SECRET = Code(
    "CHANNEL_APP_NO_SECRET",
    "Webhooks come already, and cannot be believed: nobody has entered what they are signed with.",
    "Enter it with `millrace channel app VENDOR --secret-file FILE`.",
    "owner",
    True,
)
CHANNEL_APP_STRANGER = Code(
    "CHANNEL_APP_STRANGER",
    "A webhook that is signed rightly tells of an account that is not connected here.",
    "Connect it with `millrace connection add`, or remove the application there; its events are kept in quarantine and hold nobody up.",
    "owner",
    True,
)

register(
    CHANNEL_APP_SECRET_WRONG, CHANNEL_APP_NO_SECRET, CHANNEL_APP_STRANGER,
)  # fmt: skip
register(CHANNEL_UNKNOWN, CHANNEL_NO_ADDRESS, CHANNEL_BY_API, CHANNEL_OF_NO_APP)
