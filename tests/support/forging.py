"""Webhooks of a shop that somebody forges who does not know the secret; signatures are computed here and not by the product."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Iterator

SECRET = "shopify-app-secret-31aa"
BODY = (
    b'{"id":820982911946154508,"name":"#9999","currency":"USD","line_items":[],"total_price_set":null,'
    b'"updated_at":"2026-01-01T00:00:00-05:00"}'
)


def signed(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def forged(count: int, seed: int) -> Iterator[tuple[bytes, str]]:
    """Bodies with signatures that do not fit: guessed, of another body, of another secret, the right one bent a little."""
    chance = random.Random(seed)
    for number in range(count):
        body = BODY.replace(b"9999", b"%d" % (10_000 + number))
        right = signed(body)
        flipped = bytearray(base64.b64decode(right))
        flipped[chance.randrange(32)] ^= 1 << chance.randrange(8)
        wrong = (
            base64.b64encode(chance.randbytes(32)).decode(),
            signed(BODY),
            signed(body, f"{SECRET}x"),
            signed(body, ""),
            base64.b64encode(flipped).decode(),
            hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
            base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha1).digest()).decode(),
            base64.b64encode(hashlib.sha256(SECRET.encode() + body).digest()).decode(),
            right.swapcase(),
            right[:-1],
            right[: chance.randrange(1, 43)],
            f"{right}{right}",
            f"sha256={right}",
            "\u00e9" * 44,
            "",
        )[number % 15]
        assert wrong != right
        yield body, wrong
