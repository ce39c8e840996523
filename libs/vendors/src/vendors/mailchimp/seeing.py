"""What a look at a member tells: whether an act has landed (R2), and whether the member is not what we know (R4).

Between the act and the look anybody may have changed the member again, so values that are gone prove nothing. What proves an act:

create    the member came to be after we sent it, and by the API; a sign-up form and an import name themselves
update    one field of it is as it made it, and was not before: a call is applied as a whole
return    the member is back from the archive, and stands no higher than we asked for
give      the member has the tag; take: it has not
archive   the member is archived, or gone
withdraw  the member is unsubscribed

What nothing can show: an update all of whose fields somebody changed again, a tag that somebody took again, a member that somebody
brought back. Those are journalled as not seen. And who did the same at the same time, by hand, is taken for us.
"""

from __future__ import annotations

from datetime import datetime

from vendors.acts import Act, Attempt, Done
from vendors.mailchimp import wire
from vendors.mailchimp.consent import ARCHIVED, SKEW, rank
from vendors.mailchimp.memory import STANDING, memory_of, standing
from vendors.mailchimp.wire import CHANGED_AT, MADE_AT, MADE_BY
from vendors.target_record import TargetRecord

# "API - Generic", or "API - " and the name of a registered application.
API = "api"


def landed(attempt: Attempt, seen: TargetRecord) -> Done | None:
    """The verdict, if the member shows that the act was applied."""
    act = attempt.act
    kind, _, name = act.action.partition(":")
    tags, became = _tags(seen), {STANDING: standing(seen)}
    match kind:
        case "archive":
            return Done({STANDING: ARCHIVED}) if not seen.exists or standing(seen) == ARCHIVED else None
        case "withdraw":
            return Done(became) if standing(seen) == act.values[STANDING] else None
        case "give":
            return Done(memory={"gave": [name]}) if name.casefold() in tags else None
        case "take":
            return Done(memory={"took": [name]}) if seen.exists and name.casefold() not in tags else None
        case "create":
            given = [tag for tag in act.values.get("tags", ()) if tag.casefold() in tags]
            return Done(became, {"gave": given}) if _was_made(attempt, seen) else None
        case "return":
            return Done(became) if _is_back(attempt, seen) else None
        case _:
            return Done(became) if _was_changed(attempt, seen) else None


def late(attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
    """Whether what we see and do not know is what the act makes: it has landed after all.

    A member that somebody else made, or brought back, is theirs: so a return that carries no field proves nothing.
    """
    act = attempt.act
    kind, _, name = act.action.partition(":")
    there = bool(seen.exists) and standing(seen) != ARCHIVED
    match kind:
        case "create":
            return there and not known.exists and _made_at(seen) is not None and _was_made(attempt, seen)
        case "return":
            lower = rank(standing(seen)) >= rank(act.values[STANDING])
            return there and standing(known) == ARCHIVED and lower and bool(_made(attempt, seen))
        case "archive":
            return not there and bool(known.exists) and standing(known) != ARCHIVED
        case "give":
            return there and name.casefold() in _tags(seen) - _tags(known)
        case "take":
            return there and name.casefold() in _tags(known) - _tags(seen)
        case "withdraw":
            return there and standing(seen) == act.values[STANDING] != standing(known)
        case _:
            made = _made(attempt, seen)
            return there and any(not wire.same(act.values[path], known.seen.get(path)) for path in made)


def brings(act: Act) -> bool:
    """Whether a member is there by it that was not there before, or had left."""
    return act.action in ("create", "return")


def drifted(known: TargetRecord, seen: TargetRecord) -> bool:
    """Presence, archive, the values we agreed on and our tags; other people's tags are none of our business."""
    if bool(known.exists) != bool(seen.exists) or (standing(known) == ARCHIVED) != (standing(seen) == ARCHIVED):
        return True
    tags = _tags(seen)
    return not _fits(known.agreed, seen) or any(tag.casefold() not in tags for tag in memory_of(known).ours)


def _was_made(attempt: Attempt, seen: TargetRecord) -> bool:
    """A person may have edited our new member before we looked; it is ours by its birth, and not by its values."""
    made_by, made_at = str(seen.memory.get(MADE_BY, "")), _made_at(seen)
    if not seen.exists or (made_by and not made_by.casefold().startswith(API)):
        return False
    if made_at is None:
        return _fits(attempt.act.values, seen)
    return made_at >= attempt.sent_at - SKEW


def _was_changed(attempt: Attempt, seen: TargetRecord) -> bool:
    if not seen.exists or _untouched(attempt, seen):
        return False
    return bool(_made(attempt, seen)) or _fits(attempt.act.values, seen)


def _is_back(attempt: Attempt, seen: TargetRecord) -> bool:
    """It was archived when we sent it. Higher than we asked for is the person's own doing, unless our fields are there too."""
    if not seen.exists or standing(seen) == ARCHIVED:
        return False
    return rank(standing(seen)) >= rank(attempt.act.values[STANDING]) or bool(_made(attempt, seen))


def _untouched(attempt: Attempt, seen: TargetRecord) -> bool:
    """Nothing at all was changed since: it was so before, or the act never came."""
    changed_at: datetime | None = seen.memory.get(CHANGED_AT)
    return changed_at is not None and changed_at < attempt.sent_at - SKEW


def _made(attempt: Attempt, seen: TargetRecord) -> list[str]:
    """The fields that are as the act makes them, and were not."""
    fields = {path: value for path, value in attempt.act.values.items() if path.startswith(wire.MERGE)}
    return [
        path
        for path, value in fields.items()
        if wire.same(value, seen.seen.get(path)) and not wire.same(value, attempt.before.get(path))
    ]


def _fits(values: wire.Values, seen: TargetRecord) -> bool:
    return all(wire.same(v, seen.seen.get(p)) for p, v in values.items() if p.startswith(wire.MERGE))


def _made_at(seen: TargetRecord) -> datetime | None:
    return seen.memory.get(MADE_AT)


def _tags(seen: TargetRecord) -> set[str]:
    return {str(tag).casefold() for tag in seen.seen.get("tags", ())}
