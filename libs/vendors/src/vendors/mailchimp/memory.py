"""What we remember of a member beyond what it is now: the form of a target record's `memory`, which nobody else reads.

Where two accounts turned out to be one, `also` holds the other's memories whole. A bar counts wherever it was; a tag is ours if it was
ours anywhere; what the member was before an archive is known only where all of them say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from common.contracts.outcomes import SkipReason
from vendors.target_record import TargetRecord

STANDING = "standing"
"""The path of a member's status, in the vendor's own words."""
NEVER, ALWAYS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
# Who told the present status: the audience itself, or an answer of it to us.
_TOLD = "target"


class Statement(NamedTuple):
    """What somebody allowed, and the bounds of when."""

    standing: str
    since: datetime = NEVER
    until: datetime = ALWAYS


@dataclass(frozen=True, slots=True)
class Memory:
    """One member's."""

    said: tuple[Statement, ...] = ()
    """What its person allowed."""
    former: str = ""
    """The status it had when we archived it; empty when somebody else did."""
    ours: tuple[str, ...] = ()
    """The tags that we gave, and no others."""
    born_of: str = ""
    """The address whose consent was copied when we made it."""
    barred: SkipReason | None = None
    """It is never written again."""
    standing_at: datetime | None = None
    """When its present status came to be."""
    heard: bool = False
    """The audience itself has told it; else we have it from an answer."""
    reason: str = ""
    """Why, as the audience told it."""

    @property
    def told_at(self) -> datetime | None:
        return self.standing_at if self.heard else None


_NOTHING = Memory()


def standing(known: TargetRecord) -> str:
    """The member's status as it was last seen; empty where nobody knows."""
    return str(known.seen.get(STANDING, ""))


def memory_of(known: TargetRecord) -> Memory:
    """What is remembered of a member."""
    kept = known.memory
    if not kept:
        return _NOTHING
    parts = (kept, *kept.get("also", ()))
    formers = {str(one.get("former", "")) for one in parts}
    barred = next((one["barred"] for one in parts if one.get("barred")), "")
    at = kept.get("standing_at")
    return Memory(
        said=tuple(statement(one) for one in parts if one.get("allowed")),
        former=formers.pop() if len(formers) == 1 else "",
        ours=tuple(sorted({tag for one in parts for tag in one.get("ours", ())})),
        born_of=str(kept.get("born_of", "")),
        barred=SkipReason(barred) if barred else None,
        standing_at=datetime.fromisoformat(at) if at else None,
        heard=kept.get("standing_by") == _TOLD,
        reason=str(kept.get("standing_reason", "")),
    )


def written(memory: Memory) -> dict[str, Any]:
    """The stored form; what says nothing is left out."""
    first, *more = memory.said or (None,)
    kept = {
        "former": memory.former,
        "ours": list(memory.ours),
        "born_of": memory.born_of,
        "barred": memory.barred.value if memory.barred else "",
        "standing_at": memory.standing_at.isoformat() if memory.standing_at else "",
        "standing_by": _TOLD if memory.heard else "",
        "standing_reason": memory.reason,
        "also": [written_statement(one) for one in more if one is not None],
    }
    said = written_statement(first) if first else {}
    return said | {name: value for name, value in kept.items() if value}


def statement(kept: Mapping[str, Any]) -> Statement:
    """What a stored form says that somebody allowed."""
    since, until = kept.get("since"), kept.get("until")
    return Statement(
        str(kept["allowed"]),
        datetime.fromisoformat(since) if since else NEVER,
        NEVER if until == "" else datetime.fromisoformat(until) if until else ALWAYS,
    )


def written_statement(said: Statement) -> dict[str, Any]:
    """The stored form of a statement; no `until` is always."""
    kept: dict[str, Any] = {"allowed": said.standing, "since": said.since.isoformat() if said.since > NEVER else ""}
    if said.until < ALWAYS:
        kept["until"] = said.until.isoformat() if said.until > NEVER else ""
    return kept
