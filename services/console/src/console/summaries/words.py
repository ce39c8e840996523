"""A summary as people read it, in plain text: the same in a mail and on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from console.state.summaries import Summary
from console.summaries.figures import Figures, LegFigures, Stuck

_NOTHING = "Nothing happened on this day: no record came, none was written, none failed."
_ALL_WELL = "Nothing waits, nothing is blocked, nothing needs a person."


def subject(summary: Summary) -> str:
    """One line: the day, and whether somebody is needed."""
    figures = summary.figures
    if figures.stuck_count or figures.letters_open:
        return (
            f"Millrace, {summary.day.date}: {_count(figures.stuck_count + figures.letters_open, 'failure')} to look at"
        )
    if figures.blocked:
        return f"Millrace, {summary.day.date}: {_count(len(figures.blocked), 'connection')} blocked"
    return f"Millrace, {summary.day.date}: {'nothing happened' if figures.is_empty else 'all well'}"


def text(summary: Summary) -> str:
    """All of it."""
    day, figures = summary.day, summary.figures
    hours = "" if day.hours == 24 else f", a day of {day.hours:g} hours"
    lines = [f"Summary of {day.date} ({day.zone}{hours})", ""]
    lines += (
        [_NOTHING] if figures.is_empty else [line for leg in figures.legs if not leg.is_empty for line in _leg(leg)]
    )
    lines += ["", *_now(figures, summary.made_at, day.zone)]
    return "\n".join(lines)


def _leg(leg: LegFigures) -> Iterator[str]:
    yield f"{leg.sync}, {leg.leg}: {leg.arrived} new, {_made(leg)}, {leg.updated} updated, {leg.failed} failed"
    for one in leg.amounts:
        unknown = f" (and {one.unknown} whose amount is not known)" if one.unknown else ""
        yield f"  {one.word} {plain(one.amount)} {one.currency or '(no currency)'} in {one.count}{unknown}"


def _made(leg: LegFigures) -> str:
    return f"{_count(leg.created, leg.becomes.replace('_', ' '))} created"


def _now(figures: Figures, made_at: datetime | None, zone: str) -> Iterator[str]:
    rows = [
        *(f"{one.sync}: {_count(one.waiting, 'record')} wait for their turn" for one in figures.waiting if one.waiting),
        *(f"{one.connection} is blocked ({one.reason}) since {_at(one.since, zone)}: {one.words}" for one in figures.blocked),
        *(f"{_count(figures.letters_open, 'message')} could not be read: millrace dead-letter list" for _ in [0] if figures.letters_open),
        *_stuck(figures, zone),
    ]  # fmt: skip
    when = f"At {_at(made_at, zone)}, when this was made" if made_at else "Now"
    yield f"{when}:"
    yield from rows or [_ALL_WELL]


def _stuck(figures: Figures, zone: str) -> Iterator[str]:
    if figures.stuck_count:
        yield f"{_count(figures.stuck_count, 'record')} failed and wait for a person:"
    for one in figures.stuck:
        yield f"  {one.code}: {one.sync}, {one.record}" + (f", since {_at(one.since, zone)}" if one.since else "")
        yield from (f"    {way}" for way in _ways(one) if way)
    more = figures.stuck_count - len(figures.stuck)
    if more > 0:
        yield f"  and {more} more: millrace dead-letter list"


def _ways(one: Stuck) -> tuple[str, str, str]:
    return one.page, one.link, one.command


def _at(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def plain(amount: Decimal) -> str:
    """Every digit of it, and never an exponent."""
    return format(amount, "f")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
