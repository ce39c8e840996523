"""A vendor's own words as they may be kept: short, on one line, without addresses and without the credential."""

from __future__ import annotations

from collections.abc import Iterable

from common.redaction import redact_text
from common.secret import HIDDEN

LONGEST = 300


def kept_words(text: str, secrets: Iterable[str] = ()) -> str:
    """What is kept of a vendor's message."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    # Cut with a margin first: a megabyte of HTML needs no redaction, and a cut must not split what would be hidden.
    plain = redact_text(" ".join(text[: 4 * LONGEST].split()))
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"
