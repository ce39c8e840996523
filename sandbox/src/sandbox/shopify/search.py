"""The search language of lists: `name:value` joined by spaces, AND, OR, and a minus for not (sheet, section 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

TERM = re.compile(r"""(-|NOT\s+)?(?:(\w+):)?(>=|<=|>|<|=)?("[^"]*"|'[^']*'|[^\s()]+)""")
Read = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; without a name it is free text."""

    name: str
    how: str
    value: str
    negative: bool


def parsed(query: str) -> list[list[Term]]:
    """Alternatives of terms that must hold together."""
    alternatives: list[list[Term]] = [[]]
    for minus, name, how, value in TERM.findall(query):
        if not name and not how and value in ("AND", "OR"):
            if value == "OR":
                alternatives.append([])
            continue
        alternatives[-1].append(Term(name, how, value.strip("'\""), bool(minus)))
    return [terms for terms in alternatives if terms]


def matcher(query: str | None, filters: Mapping[str, Read], words: Read) -> tuple[Callable[[Any], bool], list[Term]]:
    """What tells whether a record is found, and the terms whose name is no filter: those are passed over."""
    alternatives = parsed(query or "")
    unknown = [term for terms in alternatives for term in terms if term.name and term.name not in filters]
    known = [[term for term in terms if term not in unknown] for terms in alternatives]

    def found(record: Any) -> bool:
        return not known or any(all(holds(term, record, filters, words) for term in terms) for terms in known)

    return found, unknown


def holds(term: Term, record: Any, filters: Mapping[str, Read], words: Read) -> bool:
    if not term.name:
        return (term.value.lower() in str(words(record)).lower()) is not term.negative
    return compares(term, filters[term.name](record)) is not term.negative


def compares(term: Term, value: object) -> bool:
    if isinstance(value, datetime):
        return compares_time(term, value)
    if isinstance(value, list | tuple | set):
        return any(compares(term, one) for one in value)
    if value is None:
        return False
    if isinstance(value, int) and not isinstance(value, bool):
        wanted = term.value.rpartition("/")[2]
        return wanted.isdigit() and ordered(term.how, value, int(wanted))
    return str(value).lower() == term.value.lower()


def compares_time(term: Term, value: datetime) -> bool:
    """A date without a time is a whole day, in UTC here."""
    try:
        wanted = datetime.fromisoformat(term.value.replace("Z", "+00:00"))
        wanted = wanted.astimezone(UTC) if wanted.tzinfo else wanted.replace(tzinfo=UTC)
        end = wanted + timedelta(days=1)
    except (ValueError, OverflowError):
        return False
    if len(term.value) <= len("2026-01-01"):
        if term.how in ("", "="):
            return wanted <= value < end
        wanted = end - timedelta(microseconds=1) if term.how in (">", "<=") else wanted
    return ordered(term.how, value.replace(microsecond=0), wanted)


def ordered(how: str, value: Any, wanted: Any) -> bool:
    match how:
        case ">=":
            return bool(value >= wanted)
        case "<=":
            return bool(value <= wanted)
        case ">":
            return bool(value > wanted)
        case "<":
            return bool(value < wanted)
    return bool(value == wanted)
