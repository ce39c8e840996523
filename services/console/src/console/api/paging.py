"""Cursors: where the next page begins, opaque to callers and checked when they come back."""

from __future__ import annotations

import base64
import binascii

import orjson

from common.api.refusal import Refusal
from console import codes

MOST = 200
USUAL = 50


def cursor_of(after: tuple[str, ...] | None) -> str | None:
    """The cursor behind the last row of a page; None behind the last page."""
    if after is None:
        return None
    return base64.urlsafe_b64encode(orjson.dumps(after)).decode().rstrip("=")


def after_of(cursor: str, parts: int) -> tuple[str, ...] | None:
    """Where to go on; a Refusal for a cursor that no list gave."""
    if not cursor:
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        found = None
    if not isinstance(found, list) or len(found) != parts or not all(isinstance(one, str) for one in found):
        raise Refusal(422, codes.CURSOR_INVALID)
    if any("\x00" in one for one in found):
        raise Refusal(422, codes.CURSOR_INVALID)
    return tuple(found)
