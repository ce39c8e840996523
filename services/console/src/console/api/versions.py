"""ETag and If-Match: a change of the configuration says which version it was made from."""

from __future__ import annotations

import hashlib

from common.api.refusal import Refusal
from console import codes


def etag(*parts: object) -> str:
    """The version of what these parts describe."""
    return f'"{hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"'


def expect(current: str, if_match: str | None, *, required: bool = True) -> None:
    """Refuses unless the caller knows the current version."""
    if if_match is None:
        if required:
            raise Refusal(428, codes.VERSION_MISSING)
        return
    given = {one.strip() for one in if_match.split(",")}
    if "*" not in given and current not in given:
        raise Refusal(412, codes.VERSION_STALE)
