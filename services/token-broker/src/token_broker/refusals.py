"""What the broker says instead of doing what it was asked: a status, a code, a sentence, and when to ask again."""

from __future__ import annotations

from common.codes import Code
from common.http import door_codes
from token_broker import codes


class Refusal(Exception):
    """A request that is not granted; becomes problem details (RFC 9457). Never holds a secret."""

    def __init__(self, status: int, code: Code, detail: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(code.name)
        self.status = status
        self.code = code
        self.detail = detail or code.meaning
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.code.name}: {self.detail}"


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
