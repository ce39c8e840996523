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

register(CHANNEL_UNKNOWN, CHANNEL_NO_ADDRESS, CHANNEL_BY_API, CHANNEL_OF_NO_APP)
