"""What a person last allowed, where it is remembered, and how far it reaches: pure, and the whole of our ranking of consent.

A member's status is what it is at the moment: we archive, bring back, move. What its person said outlives all of that, in the `memory` of
the target record. When it was said is known within bounds only, and both are taken for the worse: a withdrawal may be as late as
the moment in which it was seen, a permission as early as ever unless the audience told it with its time. So the later statement wins
only where it is certainly the later one, and else the lesser.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from vendors.target import Seen, TargetEvent, TargetRecord, Work

ARCHIVED = "archived"
# From the most to the least that we may do.
CONSENT = ("subscribed", "pending", "transactional", "unsubscribed")
WITHDRAWN = ("unsubscribed", "cleaned")
NEVER, ALWAYS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
# The stamp of an event is cut to its second, and the vendor's clock is not ours.
SKEW = timedelta(seconds=5)


class Statement(NamedTuple):
    """What somebody allowed, and the bounds of when."""

    standing: str
    since: datetime = NEVER
    until: datetime = ALWAYS


def rank(standing: str) -> int:
    """The greater, the less we may do; an unknown word is as good as a withdrawal."""
    return CONSENT.index(standing) if standing in CONSENT else len(CONSENT) - 1


def lowest(wanted: str, others: Iterable[str]) -> str:
    """The least of what is wanted and what was; what we do not know counts as a withdrawal."""
    return CONSENT[max(rank(one) for one in (wanted, *others))]


def newest(statements: Sequence[Statement]) -> Statement | None:
    """The most permissive one that is certainly later than every lesser one."""
    for one in sorted(
        statements, key=lambda said: (rank(said.standing), -said.since.timestamp() if said.since > NEVER else 0)
    ):
        if all(one.since > other.until for other in statements if rank(other.standing) > rank(one.standing)):
            return one
    return None


# --- what is remembered ----------------------------------------------------------------------------------------------------


def remembered(known: TargetRecord) -> list[Statement]:
    """What the person said here; of a record without a memory, what it is."""
    kept = [_read(one) for one in (known.memory, *known.memory.get("also", ())) if one.get("allowed")]
    if kept or not known.exists:
        return kept
    standing = known.former if known.standing == ARCHIVED else known.standing
    told = known.told_at or NEVER
    return [Statement(standing, told, ALWAYS if rank(standing) else told)] if standing else []


def remember(
    before: TargetRecord, learnt: TargetRecord, fact: Seen | TargetEvent, inherits: TargetRecord | None = None
) -> TargetRecord:
    """What is learnt, with what its person allows by it. Our archive, our delete, a member that is gone or has moved say nothing."""
    said = remembered(before) + (remembered(inherits) if inherits is not None else [])
    old = newest(said)
    if inherits is None and learnt.exists and learnt.standing not in ("", ARCHIVED):
        old = _copied(old, learnt, fact) or _stated(old, learnt.standing, fact)
    return replace(learnt, memory=_written(old) if old else before.memory)


def _copied(old: Statement | None, learnt: TargetRecord, fact: Seen | TargetEvent) -> Statement | None:
    """A status that we have set is as old as the statement it was copied from."""
    if isinstance(fact, TargetEvent) or fact.act is None or not fact.act.memory or fact.act.standing != learnt.standing:
        return None
    copy = _read(fact.act.memory)
    until = fact.before if copy.until == ALWAYS else copy.until
    return newest([Statement(copy.standing, copy.since, until), *([old] if old else [])])


def _stated(old: Statement | None, standing: str, fact: Seen | TargetEvent) -> Statement:
    stated = isinstance(fact, TargetEvent)
    asked, at = (fact.at, fact.at) if isinstance(fact, TargetEvent) else (fact.after, fact.before)
    if old is None:
        return Statement(standing, at if stated else NEVER, at)
    if rank(standing) > rank(old.standing):
        return Statement(standing, max(old.since, at) if stated else old.since, max(old.until, at))
    if rank(standing) == rank(old.standing):
        return Statement(standing, max(old.since, at) if stated else old.since, max(old.until, at))
    if old.until >= (at if stated else asked - SKEW):
        return old
    # More than was known: somebody came back after it was seen last. Only an event says when.
    return Statement(standing, at if stated else old.until, at)


# --- what it comes to ------------------------------------------------------------------------------------------------------


def ceiling(work: Work) -> Statement | None:
    """The most that a member may stand at: the newest statement at any address the record has had here, and at this one.

    Where the place knows nothing of the person, the least of what is known elsewhere: whoever moves to another audience or account
    must not subscribe again those who left.
    """
    here = _here(work, _said)
    if here:
        return newest(here)
    there = [newest(said) for known in work.elsewhere if (said := _said(known))]
    return max((one for one in there if one), key=lambda said: rank(said.standing), default=None)


def withdrawn_since(work: Work) -> bool:
    """Whether the last word of the record's person is a no; what is merely gone or archived is no word of theirs."""
    said = newest(_here(work, remembered))
    return said is not None and rank(said.standing) == rank(WITHDRAWN[0])


def copy_of(status: str, source: Statement | None) -> Mapping[str, Any]:
    """What is remembered of a member that we give this status."""
    if source is None:
        return _written(Statement(status, NEVER, NEVER))
    return _written(Statement(status, source.since, source.until))


def _here(work: Work, of: Any) -> list[Statement]:
    keys = dict.fromkeys((work.key, *work.former, *work.past))
    return [one for key in keys for one in of(work.known.get(key, TargetRecord()))]


def _said(known: TargetRecord) -> list[Statement]:
    """Besides what was said: barred, taken away by somebody, or archived by somebody else is as good as a withdrawal."""
    gone = known.exists is False and known.met
    if known.barred is not None or gone or (known.standing == ARCHIVED and not known.former):
        return [Statement(WITHDRAWN[0])]
    said = remembered(known)
    least = newest(said)
    if known.exists and known.standing not in ("", ARCHIVED) and least and rank(known.standing) > rank(least.standing):
        return [*said, Statement(known.standing)]
    return said


def _read(memory: Mapping[str, Any]) -> Statement:
    since, until = memory.get("since"), memory.get("until")
    return Statement(
        str(memory["allowed"]),
        datetime.fromisoformat(since) if since else NEVER,
        NEVER if until == "" else datetime.fromisoformat(until) if until else ALWAYS,
    )


def _written(said: Statement) -> dict[str, Any]:
    written: dict[str, Any] = {"allowed": said.standing, "since": said.since.isoformat() if said.since > NEVER else ""}
    if said.until < ALWAYS:
        written["until"] = said.until.isoformat() if said.until > NEVER else ""
    return written
