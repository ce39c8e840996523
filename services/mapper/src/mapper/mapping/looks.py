"""The options of a leg that say when its source is looked at, read with every mistake named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from common.contracts.syncs import LOOK_AT, LOOK_EVERY, LOOK_FACTS_AT, TIME_ZONE
from common.cron import EXAMPLE, is_zone, mistake

A_DAY_MINUTES = 1_440
_TAKES = (
    "The option takes a cron expression in quotes: minute, hour, day of the month, month, day of the week, as in "
    f'"{EXAMPLE}" (at half past six, Monday to Friday).'
)
LOOKS = (LOOK_EVERY, LOOK_AT, LOOK_FACTS_AT, TIME_ZONE)


def look_mistakes(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each with its option and a sentence that says what the option takes."""
    every = options.get(LOOK_EVERY, 1)
    if not isinstance(every, int) or isinstance(every, bool) or not 1 <= every <= A_DAY_MINUTES:
        yield LOOK_EVERY, f"The option takes the minutes between two looks at the source, 1 to {A_DAY_MINUTES}."
    if LOOK_AT in options and LOOK_EVERY in options:
        yield LOOK_AT, f"A leg has `{LOOK_EVERY}` or `{LOOK_AT}`, not both: leave one of them out."
    for option in (LOOK_AT, LOOK_FACTS_AT):
        if option in options and (wrong := mistake(options[option])):
            yield option, f"{_TAKES} In {_shown(options[option])}: {wrong}."
    yield from _zone(options)


def _zone(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if TIME_ZONE not in options:
        return
    if not is_zone(options[TIME_ZONE]):
        words = "the option takes a name such as Europe/Madrid or America/New_York."
        yield TIME_ZONE, f"There is no time zone {_shown(options[TIME_ZONE])}; {words}"
    elif not {LOOK_AT, LOOK_FACTS_AT} & options.keys():
        words = "without them it says nothing: leave it out."
        yield TIME_ZONE, f"The option is the zone of `{LOOK_AT}` and `{LOOK_FACTS_AT}`; {words}"


def _shown(given: object) -> str:
    return repr(str(given)[:60])
