"""`Authorization: Bearer <key>`, and the files that such keys lie in: looked at on every request, compared in constant time."""

from __future__ import annotations

import hmac
from pathlib import Path


def key_of(authorization: str) -> str:
    """The key in the header; empty when it carries none."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def encoded(key: str) -> bytes:
    """A key as bytes, whatever somebody sent as one."""
    return key.encode("utf-8", "surrogateescape")


def same(given: bytes, known: bytes) -> bool:
    """Compares in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given, known)


def stamp(path: Path) -> object:
    """What changes when a file is replaced, rewritten or removed; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
