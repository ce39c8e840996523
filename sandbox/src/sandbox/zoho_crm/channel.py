"""A notification channel as stored: who is called, about what, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

HOUR = 3_600
WEEK = 7 * 86_400


class Watched(NamedTuple):
    """One event of a channel: a module and an operation."""

    module: str
    operation: str  # create, edit, delete or all

    def fits(self, module: str, operation: str) -> bool:
        return self.module == module and self.operation in ("all", operation)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel; it is replaced, never changed in place."""

    id: str
    user_id: str
    events: tuple[Watched, ...]
    notify_url: str
    expires: int
    token: str = ""
    affected_values: bool = False
    related: bool = True
    fields: tuple[str, ...] = ()  # a condition: only edits of these fields

    def hears(self, module: str, operation: str, now: int) -> bool:
        return now < self.expires and any(event.fits(module, operation) for event in self.events)


def clamped(asked: int | None, now: int) -> int:
    """When a channel ends: within a week as asked for; without a wish, or beyond it, in one hour, without a word."""
    if asked is None or asked > now + WEEK:
        return now + HOUR
    return asked
