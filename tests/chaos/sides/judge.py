"""The judge of what two sides hold after people have edited both: from their own states and from the list of edits. It shares no code with the product.

An edit may be lost only where somebody at the other side has edited the same thing without having seen it. Who edits has seen what stands
there at that moment, whatever its author had seen, and whatever was entered at this side before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.sides.records import BOOKS, CRM, SIDES, Side, Who


@dataclass(frozen=True)
class Edit:
    """Somebody has entered a value at a side, where another one (or none) had been."""

    number: int
    who: Who
    thing: str
    side: str
    before: str
    value: str
    at: str = ""


Edits = Mapping[tuple[Who, str], Sequence[Edit]]


def by_thing(edits: Iterable[Edit]) -> Edits:
    """In their order."""
    found: dict[tuple[Who, str], list[Edit]] = defaultdict(list)
    for one in edits:
        found[one.who, one.thing].append(one)
    return found


def may_stand(edits: Sequence[Edit]) -> set[str]:
    """Values of which nobody who edited later knew: one, or one of each side."""
    knew: dict[int, set[int]] = {}
    for at, one in enumerate(edits):
        earlier = [other for other in edits[:at] if other.side == one.side or other.value == one.before]
        knew[one.number] = {other.number for other in earlier}.union(*(knew[other.number] for other in earlier))
    known = set[int]().union(*knew.values())
    return {one.value for one in edits if one.number not in known}


def problems(books: Side, crm: Side, edits: Iterable[Edit], under: Mapping[Who, str]) -> list[str]:
    """What is not as promised; `under` is the company of each person."""
    sides, listed = {BOOKS: books, CRM: crm}, by_thing(edits)
    found = [f"{name}: {odd}" for name, side in sides.items() for odd in side.odd]
    everybody = {who for who, _ in listed}
    for name in SIDES:
        there = sides[name].found
        found += [f"{name}: {who} is not there" for who in sorted(everybody - set(there))]
        found += [f"{name}: {who} was entered by nobody" for who in sorted(set(there) - everybody)]
        found += [
            f"{name}: {who} is under {its.under!r}, not {under.get(who, '')!r}"
            for who, its in there.items()
            if its.under != under.get(who, "")
        ]
    return found + [
        problem
        for (who, thing), its in sorted(listed.items())
        if who in books.found and who in crm.found
        for problem in _of_thing(books.found[who].values[thing], crm.found[who].values[thing], its)
    ]


def _of_thing(books: str, crm: str, edits: Sequence[Edit]) -> Iterator[str]:
    about = f"{edits[0].who} {edits[0].thing}"
    if books != crm:
        yield f"{about}: {books!r} in Books is {crm!r} in the CRM; {_story(edits)}"
    for value in sorted({books, crm}):
        if value not in (allowed := may_stand(edits)):
            yield f"{about}: {value!r} stands, and {sorted(allowed)} may; {_story(edits)}"


def _story(edits: Sequence[Edit]) -> str:
    return "; ".join(f"#{one.number} {one.at} {one.side}: {one.before!r} -> {one.value!r}" for one in edits[-6:])
