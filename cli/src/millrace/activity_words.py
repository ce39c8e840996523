"""What happened to a customer's members, in lines for people and in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from millrace.moments import local

COLUMNS = ("at", "kind", "source", "reason", "fields", "told_by", "place", "member", "event_id")
_KINDS = {
    "subscribed": "subscribed",
    "unsubscribed": "unsubscribed",
    "cleaned": "bounced, and is written to no more",
    "profile": "edited the profile",
    "address_changed": "has another address",
    "archived": "was archived",
    "seen": "was found changed",
}


def member_line(one: Mapping[str, Any]) -> str:
    """How it stands, and how often it opens what it gets."""
    rates = [f"{word} {float(one[rate]):.0%}" for rate, word in (("open_rate", "opens"), ("click_rate", "clicks")) if one[rate]]  # fmt: skip
    return f"{one['member']} in {one['place']}: {', '.join([one['standing'], *rates])}"


def activity_line(one: Mapping[str, Any]) -> str:
    """What happened, when, and why."""
    return f"{local(one['at'])[:19]}  {what(one)}"


def what(one: Mapping[str, Any]) -> str:
    """The same without its time."""
    why = [one["reason"].replace("_", " ")] if one["reason"] else []
    seen = ["seen when it was read"] if one["source"] == "read" else []
    more = "; ".join([*([", ".join(one["fields"])] if one["fields"] else []), *why, *seen])
    return f"{one['member']} {_KINDS.get(one['kind'], one['kind'])}" + (f" ({more})" if more else "")


def table_rows(items: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """With a cell for each column."""
    for one in items:
        yield {**one, "fields": " ".join(one["fields"])}
