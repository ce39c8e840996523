"""What an event of an audience tells whoever looks at the customer: pure, and nothing of what is known changes by it.

Consent judges by what counts in the end, so there a late or a repeated word is none (hearing.py). Here whatever somebody has done is told
once, in whatever order it is heard: only what a write of ours has made is left out. A read shows a member as it is, so it tells no more
than what is otherwise than was known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.contracts.activity import ActivityKind
from vendors.absorbing import Happened, Heard, TargetEvent
from vendors.acts import Written
from vendors.mailchimp.consent import ARCHIVED
from vendors.mailchimp.echoes import Echo, echo_of, is_of
from vendors.mailchimp.memory import STANDING, standing
from vendors.mailchimp.wire import MERGE
from vendors.target_record import TargetRecord

_KINDS: Mapping[str, ActivityKind] = {
    "subscribed": "subscribed",
    "unsubscribed": "unsubscribed",
    "cleaned": "cleaned",
    ARCHIVED: "archived",
}


def happened(known: TargetRecord, fact: Heard) -> Happened | None:
    """None for what we have done ourselves, and for what shows nothing new."""
    event = fact.event
    if fact.former is not None:
        return Happened("address_changed", "event", reason=event.reason)
    echo = echo_of(known, event, fact.written)
    return _read(known, event, echo, fact.written) if event.shows_a_moment else _told(event, echo, fact.written)


def _told(event: TargetEvent, echo: Echo, written: Sequence[Written]) -> Happened | None:
    said, fields = str(event.values.get(STANDING, "")), _names(echo)
    if said in _KINDS and not _set_by_us(said, event, written):
        return Happened(_KINDS[said], "event", reason=event.reason)
    if fields:
        return Happened("profile", "event", fields)
    # Whose values are all as we know them may be a write of ours of that moment; without one somebody edited what is none of ours.
    if said or any(is_of(one, event.at) for one in written):
        return None
    return Happened("profile", "event")


def _read(known: TargetRecord, event: TargetEvent, echo: Echo, written: Sequence[Written]) -> Happened | None:
    said, was, fields = str(event.values.get(STANDING, "")), standing(known), _names(echo)
    if said and was and said != was and not _set_by_us(said, event, written):
        if said in _KINDS:
            return Happened(_KINDS[said], "read", reason=event.reason)
        return Happened("seen", "read", (STANDING, *fields))
    return Happened("seen", "read", fields) if fields else None


def _set_by_us(said: str, event: TargetEvent, written: Sequence[Written]) -> bool:
    """A withdrawal that we made is never taken for less than one where consent is judged; it is ours all the same."""
    return any(one.act.values.get(STANDING) == said and is_of(one, event.at) for one in written)


def _names(echo: Echo) -> tuple[str, ...]:
    """Of the fields that somebody gave another value, be it overwritten since."""
    edited = dict.fromkeys((*echo.doubts, *echo.overwritten))
    return tuple(path.removeprefix(MERGE) for path in edited if path.startswith(MERGE))
