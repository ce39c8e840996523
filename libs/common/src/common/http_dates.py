"""The `Date` of an HTTP answer as a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def moment(text: str, otherwise: datetime) -> datetime:
    """`otherwise` where the text is no date; a date without a zone is in UTC."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return otherwise
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
