"""Whether the shop speaks the version that we asked for, and for how long it will (sheet, section 2).

A version lives for a year at least and then falls forward to the oldest that is left, in answers and in webhooks, without an error. What was served
is told by a header of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from vendors.notices import AccountNotice
from vendors.shopify.errors import SH_VERSION_ENDING, SH_VERSION_OTHER
from vendors.shopify.shops import VERSION

SERVED = "x-shopify-api-version"
ANSWERS, HOOKS, ENDING = "version.answers", "version.webhooks", "version.ending"
KINDS = (ANSWERS, ENDING)
"""Of which an audit says each time whether they stand; webhooks come when they come."""
WARNED = timedelta(days=90)
_RELEASED_AT = 17


def ends(version: str) -> datetime:
    """Supported for twelve months from the release, at the first of its month."""
    year, month = version.split("-")
    return datetime(int(year) + 1, int(month), 1, _RELEASED_AT, tzinfo=UTC)


def of_answer(served: str, now: datetime) -> Sequence[AccountNotice]:
    """What an answer of the API gives cause to say."""
    return [*_other(ANSWERS, served, "Answers"), *_ending(now)]


def of_delivery(served: str) -> Sequence[AccountNotice]:
    """The same of a webhook, whose version the application's settings may decide."""
    return _other(HOOKS, served, "Webhooks")


def _other(kind: str, served: str, what: str) -> tuple[AccountNotice, ...]:
    if not served or served == VERSION:
        return ()
    words = f"{what} come in version {served}, and {VERSION} was asked for. {SH_VERSION_OTHER.action}"
    return (AccountNotice(kind, SH_VERSION_OTHER.name, words),)


def _ending(now: datetime) -> tuple[AccountNotice, ...]:
    end = ends(VERSION)
    if now < end - WARNED:
        return ()
    words = f"Version {VERSION} is supported until {end:%Y-%m-%d}. {SH_VERSION_ENDING.action}"
    return (AccountNotice(ENDING, SH_VERSION_ENDING.name, words),)
