"""The codes of what persons ask for."""

from __future__ import annotations

from common.codes import Code, register

PRIVACY_REQUEST_UNKNOWN = Code(
    "PRIVACY_REQUEST_UNKNOWN",
    "Nobody has asked under this id.",
    "See `millrace privacy list`.",
    "owner",
    False,
)
PRIVACY_REQUEST_IS_A_JOB = Code(
    "PRIVACY_REQUEST_IS_A_JOB",
    "This request asks that nothing is kept; it is answered by itself, and there is nothing to export.",
    "See `millrace privacy list` for how far it is.",
    "owner",
    False,
)

register(PRIVACY_REQUEST_UNKNOWN, PRIVACY_REQUEST_IS_A_JOB)
