"""The codes that every API of ours raises at its edge."""

from __future__ import annotations

from common.codes import Code, register

API_BODY_TOO_LARGE = Code(
    "API_BODY_TOO_LARGE",
    "The body is larger than any that the API takes.",
    "Send less at once.",
    "developer",
    False,
)
API_BODY_LATE = Code(
    "API_BODY_LATE",
    "The body did not arrive in time.",
    "Send it again, faster.",
    "developer",
    True,
)

register(API_BODY_TOO_LARGE, API_BODY_LATE)
