"""What each notification says outside: subject, text, and the same as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from common.codes import CODES
from console.notify.notice import Notice
from console.state.deliveries import Delivery
from console.state.summaries import Summary
from console.summaries import words

_TITLES = {
    "gate.needs_reauth": "{connection} needs your consent again",
    "gate.refused": "{connection} is refused by its vendor",
    "gate.vendor_away": "the vendor of {connection} does not answer",
    "gate.restored": "the database went back to an earlier state",
    "grant.ends": "{connection} needs your consent again soon",
    "quota.month": "the month's calls of {connection} will not last",
    "letters.open": "records wait for a person",
    "destination.failed": "something could not be sent",
}
_STEPS = {
    "gate.needs_reauth": "millrace connection reconnect {connection}",
    "gate.refused": "millrace connection show {connection}",
    "gate.vendor_away": "millrace connection show {connection}",
    "gate.restored": "millrace connection list",
    "grant.ends": "millrace connection reconnect {connection}",
    "quota.month": "millrace connection quota {connection}",
    "letters.open": "millrace dead-letter list",
    "destination.failed": "millrace destination list",
}


def alert(one: Delivery) -> Notice:
    """Work stands still or waits: what, why, and the next step."""
    title = _TITLES.get(one.kind, one.kind).format(connection=one.connection)
    step = _STEPS.get(one.kind, "millrace notification list").format(connection=_quoted(one.connection))
    code = CODES.get(one.code)
    lines = [one.words, *((f"{code.name}: {code.meaning} {code.action}",) if code else ()), f"Next: {step}"]
    facts = {"connection": one.connection, "code": one.code, "words": one.words, "next": step}
    return Notice(one.id, one.kind, one.at, f"Millrace: {title}", "\n".join(line for line in lines if line), facts)


def summary(id: str, told: Summary) -> Notice:
    """The day, in words and in figures."""
    assert told.made_at is not None
    return Notice(id, "summary", told.made_at, words.subject(told), words.text(told), facts_of(told))


def facts_of(told: Summary) -> dict[str, Any]:
    """A summary as values; amounts are texts, because a float would lose the cent."""
    day = told.day
    return {
        "day": day.date.isoformat(), "zone": day.zone, "begins_at": day.begins_at, "ends_at": day.ends_at, "hours": day.hours,
        "made_at": told.made_at, "is_empty": told.figures.is_empty, "figures": told.figures.model_dump(mode="json"),
    }  # fmt: skip


def sample(id: str, now: datetime) -> Notice:
    """What a test sends."""
    text = "This is a sample. What you asked to be told will come here, from the same sender and in the same form."
    return Notice(id, "sample", now, "Millrace: a sample", text)


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name
