"""What a person last allowed, where it is remembered, and how far it reaches: pure, and the whole of our ranking of consent.

A member's status is what it is at the moment: we archive, bring back, move. What its person said outlives all of that, in the `memory` of
the target record. When it was said is known within bounds only, and both are taken for the worse: a withdrawal may be as late as
the moment in which it was seen, a permission as early as ever unless the audience told it with its time. So the later statement wins
only where it is certainly the later one, and else the lesser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from vendors.absorbing import ActDone, Seen, TargetEvent
from vendors.acts import Work
from vendors.mailchimp.memory import (
    ALWAYS,
    NEVER,
    STANDING,
    Statement,
    memory_of,
    standing,
    statement,
    written_statement,
)
from vendors.target_record import TargetRecord

ARCHIVED = "archived"
# From the most to the least that we may do.
CONSENT = ("subscribed", "pending", "transactional", "unsubscribed")
WITHDRAWN = ("unsubscribed", "cleaned")
# The stamp of an event is cut to its second, and the vendor's clock is not ours.
SKEW = timedelta(seconds=5)


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
    memory, now = memory_of(known), standing(known)
    if memory.said or not known.exists:
        return list(memory.said)
    allowed, told_at = memory.former if now == ARCHIVED else now, memory.told_at or NEVER
    return [Statement(allowed, told_at, ALWAYS if rank(allowed) else told_at)] if allowed else []


def said_after(known: TargetRecord, learnt: TargetRecord, fact: ActDone | Seen | TargetEvent) -> tuple[Statement, ...]:
    """What the person allows once this is known. Our archive, our delete, a member that is gone say nothing."""
    old, now = newest(remembered(known)), standing(learnt)
    if learnt.exists and now not in ("", ARCHIVED):
        old = _copied(old, now, fact) or _stated(old, now, fact)
    return (old,) if old else memory_of(known).said


def says_no_anew(known: TargetRecord, learnt: TargetRecord) -> bool:
    """Whether the last word at an address is a no that we did not know of, or that may be later than we knew."""
    said = newest(remembered(learnt))
    return said is not None and _is_no(said) and said != newest(remembered(known))


def said_by_both(known: TargetRecord, former: TargetRecord) -> tuple[Statement, ...]:
    """What a person allows who had the one address and has the other now."""
    said = newest(remembered(known) + remembered(former))
    return (said,) if said else memory_of(known).said


def _copied(old: Statement | None, now: str, fact: ActDone | Seen | TargetEvent) -> Statement | None:
    """A status that we have set is as old as the statement it was copied from."""
    if not isinstance(fact, ActDone) or "allowed" not in fact.act.memory or fact.act.values.get(STANDING) != now:
        return None
    copy = statement(fact.act.memory)
    until = fact.until if copy.until == ALWAYS else copy.until
    return newest([Statement(copy.standing, copy.since, until), *([old] if old else [])])


def _stated(old: Statement | None, now: str, fact: ActDone | Seen | TargetEvent) -> Statement:
    stated = isinstance(fact, TargetEvent)
    asked, at = (fact.at, fact.at) if isinstance(fact, TargetEvent) else (fact.since, fact.until)
    if old is None:
        return Statement(now, at if stated else NEVER, at)
    if rank(now) >= rank(old.standing):
        return Statement(now, max(old.since, at) if stated else old.since, max(old.until, at))
    if old.until >= (at if stated else asked - SKEW):
        return old
    # More than was known: somebody came back after it was seen last. Only an event says when.
    return Statement(now, at if stated else old.until, at)


def keep_lower(known: TargetRecord, learnt: TargetRecord, asked_at: datetime) -> TargetRecord:
    """What an answer tells of a status, unless a newer webhook has told of less: consent is never raised by accident."""
    told_at, was, now = memory_of(known).told_at, standing(known), standing(learnt)
    if told_at is None or told_at <= asked_at - SKEW or now in ("", was):
        return learnt
    return replace(learnt, seen={**learnt.seen, STANDING: lower(was, now)})


def lower(one: str, other: str) -> str:
    """The status that permits less."""
    return max(one, other, key=rank)


def raises(known: TargetRecord, said: str) -> bool:
    """Whether this is more than we know of."""
    now = standing(known)
    return bool(said and now) and said != now and lower(now, said) == now


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
    return said is not None and _is_no(said)


def copy_of(status: str, source: Statement | None) -> Mapping[str, Any]:
    """What is remembered of a member that we give this status."""
    if source is None:
        return written_statement(Statement(status, NEVER, NEVER))
    return written_statement(Statement(status, source.since, source.until))


def _is_no(said: Statement) -> bool:
    return rank(said.standing) == rank(WITHDRAWN[0])


def _here(work: Work, of: Callable[[TargetRecord], list[Statement]]) -> list[Statement]:
    keys = dict.fromkeys((work.key, *work.former, *work.past))
    return [one for key in keys for one in of(work.known.get(key, TargetRecord()))]


def _said(known: TargetRecord) -> list[Statement]:
    """Besides what was said: barred, taken away by somebody, or archived by somebody else is as good as a withdrawal."""
    memory, now = memory_of(known), standing(known)
    gone = known.exists is False and known.met
    if memory.barred is not None or gone or (now == ARCHIVED and not memory.former):
        return [Statement(WITHDRAWN[0])]
    said = remembered(known)
    least = newest(said)
    if known.exists and now not in ("", ARCHIVED) and least and rank(now) > rank(least.standing):
        return [*said, Statement(now)]
    return said
