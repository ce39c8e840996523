"""What an event of an audience makes of what is known of a member: pure.

It is judged field by field (R17, echoes.py): what our newest write of a field has made is its echo, what it has overwritten is past, and
what differs otherwise is in doubt, so that the member is looked at before the next write.

Consent is taken for less at once and for more only when the event is certainly the newer one: stamps have a resolution of one second,
and wrongly assuming a withdrawal is safe. The same status at the same time changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from vendors.absorbing import Absorbed, Change, Concerned, Heard, TargetEvent
from vendors.acts import Act
from vendors.mailchimp.consent import ARCHIVED, SKEW, WITHDRAWN, lower, raises, said_after, said_by_both
from vendors.mailchimp.echoes import Echo, echo_of
from vendors.mailchimp.memory import STANDING, Memory, memory_of, standing, written
from vendors.target_record import TargetRecord


def absorb(known: TargetRecord, fact: Heard) -> Absorbed:
    """What the event comes to."""
    event = fact.event
    if fact.former is not None:
        return _moved(known, fact.former, event)
    echo, said = echo_of(known, event, fact.written), _said(event)
    if STANDING in echo.doubts:
        # Nothing is copied from it, and nothing written, before somebody has looked; those who live there do so at once.
        return Absorbed(replace(known, doubtful=True), _fields(echo), concerns=frozenset({"owners"}))
    if known.exists and echo.doubts and not known.doubtful:
        # Somebody edited it: what we agreed on may not be there any more, so it is looked at before the next write.
        known = replace(known, doubtful=True)
    if event.shows_a_moment and not _is_less(known, said):
        return _shown(known, echo, said)
    absorbed = Absorbed(known, Change("duplicate", event.reason))
    # More than we know of is never our own echo: somebody came back after we wrote.
    if said and not (echo.standing_is_ours and not raises(known, said)):
        absorbed = _stands(known, event)
        if absorbed.change is not None and absorbed.change.step == "consent":
            return absorbed
    return replace(absorbed, change=_fields(echo) or (absorbed.change if said else Change("received", "agrees")))


def urgent(known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
    """Less consent than we know of is taken at once, unless it is what one of our own writes may just have made."""
    said = _said(event)
    return _permits_less(known, said) and not any(act.values.get(STANDING) == said for act in in_flight)


def _permits_less(known: TargetRecord, said: str) -> bool:
    return bool(said) and said != standing(known) and not raises(known, said)


def _is_less(known: TargetRecord, said: str) -> bool:
    """Of somebody of whom we know nothing only a withdrawal is less."""
    return _permits_less(known, said) if standing(known) else said in WITHDRAWN


def _shown(known: TargetRecord, echo: Echo, said: str) -> Absorbed:
    """A list says when a member was changed, and not since when it stands as it does: only less than we know of is news by itself.

    What permits more is looked at before the next write, and so is a member that we took for gone.
    """
    if said and (raises(known, said) or known.exists is False):
        return Absorbed(replace(known, doubtful=True), Change("received", "edited", fields=(STANDING, *echo.doubts)))
    return Absorbed(known, _fields(echo) or Change("received", "agrees"))


def _said(event: TargetEvent) -> str:
    return str(event.values.get(STANDING, ""))


def _fields(echo: Echo) -> Change | None:
    if echo.doubts:
        return Change("received", "edited", fields=echo.doubts)
    if echo.overwritten:
        # R19: somebody's edit that a write of ours has overwritten before we heard of it.
        return Change("stale", "overwritten", fields=echo.overwritten)
    return Change("echo") if echo.ours else None


def _stands(known: TargetRecord, event: TargetEvent) -> Absorbed:
    memory, was, now = memory_of(known), standing(known), _said(event)
    if was == now and known.exists:
        # The same once more is no news for us, and yet the last that was said.
        again = said_after(known, known, event)
        record = known if again == memory.said else replace(known, memory=written(replace(memory, said=again)))
        return Absorbed(record, Change("duplicate", event.reason))
    is_lower, since = not raises(known, now), memory.standing_at
    if since is not None and event.at <= since - (SKEW if is_lower else timedelta(0)):
        return Absorbed(known, Change("stale", event.reason))
    if now == ARCHIVED and since is not None and event.at < since and not memory.heard:
        # No word of its person, and older than what we wrote: maybe an archive of ours that landed late. Whoever lives there looks at once.
        return Absorbed(replace(known, doubtful=True), Change("received", "edited"), concerns=frozenset({"owners"}))
    # Of one that we have never seen nothing is known but that.
    doubtful = known.doubtful or not known.exists
    learnt = replace(known, exists=True, met=True, doubtful=doubtful, seen={**known.seen, STANDING: now})
    said = said_after(known, learnt, event)
    lifted = memory.barred is not None and not is_lower
    # Somebody else archived it, or brought it back: what it was before is not ours to restore.
    memory = replace(_dated(memory, was, now, event), former="", said=said, barred=None if lifted else memory.barred)
    return Absorbed(
        replace(learnt, memory=written(memory)), Change("consent", event.reason, {STANDING: was}, {STANDING: now}),
        concerns=_concerned(lifted=lifted, followers=is_lower or said != memory_of(known).said),
    )  # fmt: skip


def _concerned(*, lifted: bool, followers: bool) -> frozenset[Concerned]:
    """A bar that is gone: those who live there have something to say again. And the same person may have another address by now."""
    concerned = set[Concerned]()
    if lifted:
        concerned.add("owners")
    if followers:
        concerned.add("followers")
    return frozenset(concerned)


def _moved(known: TargetRecord, former: TargetRecord, event: TargetEvent) -> Absorbed:
    """The person has another address now: the consent goes with the person, and no higher than it was on either side."""
    was, here = standing(former), standing(known)
    if former.exists is False and known.exists:
        return Absorbed(known, Change("duplicate", "moved"))
    now = lower(was or here, here or was) if was or here else ""
    moved = replace(
        known, exists=True, met=True, doubtful=True, seen={**known.seen, **({STANDING: now} if now else {})}
    )
    memory = replace(_dated(memory_of(known), here, now, event), said=said_by_both(known, former))
    gone = replace(former, exists=False, met=True, seen={p: v for p, v in former.seen.items() if p != STANDING})
    left = replace(memory_of(former), standing_at=None, heard=False, reason="")
    return Absorbed(
        replace(moved, memory=written(memory)), Change("consent", "moved", {STANDING: was}, {STANDING: now}),
        former=replace(gone, memory=written(left)),
    )  # fmt: skip


def _dated(memory: Memory, was: str, now: str, event: TargetEvent) -> Memory:
    """A status that did not change keeps its time, its author and its reason."""
    if was == now:
        return memory
    return replace(memory, standing_at=event.at if now else None, heard=bool(now), reason=event.reason if now else "")
