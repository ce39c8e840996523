"""Operator tokens: a second credential per account, outside every budget and every count, for demos and checkers."""

from __future__ import annotations

import base64
import binascii
import hashlib


def operator_token(vendor: str, account: str, suffix: str = "") -> str:
    """The account's operator token: fixed, so that a tool can be written once; `suffix` as the vendor's keys have it."""
    digest = hashlib.sha256(f"operator:{vendor}:{account}".encode()).hexdigest()[:32]
    return f"op{digest[2:]}{suffix}"


class Operators:
    """Which tokens are operators' tokens, by vendor."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], str] = {}

    def add(self, vendor: str, account: str, token: str) -> None:
        self._accounts[vendor, token] = account

    def account(self, vendor: str, authorization: str) -> str | None:
        """The account whose operator sent this header, in any scheme the vendor takes; None for everybody else."""
        return self._accounts.get((vendor, credential(authorization)))


def credential(authorization: str) -> str:
    """What an Authorization header carries: the token, or the password of a basic pair."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return rest.strip()
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
