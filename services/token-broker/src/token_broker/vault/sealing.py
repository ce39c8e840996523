"""Seals one text with AES-256-GCM and binds it to its place, so that it opens there and nowhere else."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """A stored secret was changed, exchanged or put back: it is not opened, and nothing of it is shown."""

    def __init__(self) -> None:
        super().__init__("A stored secret does not belong where it lies, or was changed.")


def bound(*place: str) -> bytes:
    """The place as associated data; each part with its length, so that no two places read the same."""
    parts = [part.encode() for part in place]
    return b"millrace.v1" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def seal(key: bytes, plain: bytes, place: bytes) -> bytes:
    """Version, nonce, ciphertext with tag."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, _VERSION + place)


def unseal(key: bytes, sealed: bytes, place: bytes) -> bytes:
    """The plain text, or SealBroken; never anything in between."""
    if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE + 16:
        raise SealBroken
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _VERSION + place)
    except InvalidTag:
        # `from None`: the original's traceback would carry the key in its locals.
        raise SealBroken from None
