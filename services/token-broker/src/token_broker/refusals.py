"""The refusals that several rooms of the broker make."""

from __future__ import annotations

from common.api.refusal import Refusal
from common.http import door_codes
from token_broker import codes


def unavailable(detail: str, retry_after_s: float) -> Refusal:
    """No token now, perhaps later."""
    return Refusal(503, codes.TOKEN_UNAVAILABLE, detail, retry_after_s)


def needs_reauth(detail: str) -> Refusal:
    """No token until a person has reconnected."""
    return Refusal(409, door_codes.NEEDS_REAUTH, detail)


def unknown_grant(connection: str) -> Refusal:
    return Refusal(404, codes.GRANT_UNKNOWN, f"The vault holds no credential for the connection {connection[:64]}.")


def unknown_vendor(vendor: str, way: str) -> Refusal:
    return Refusal(422, codes.VENDOR_UNKNOWN, f"{vendor[:40]} cannot be connected by {way}.")
