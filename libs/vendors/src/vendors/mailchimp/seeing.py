"""What a look at a member tells: whether an act has landed (R2), and whether the member is not what we know (R4)."""

from __future__ import annotations

from vendors.mailchimp import wire
from vendors.mailchimp.planning import ARCHIVED
from vendors.target import Act, Done, Known


def landed(act: Act, seen: Known) -> Done | None:
    """The verdict, if what the act would have made is there."""
    kind, _, name = act.action.partition(":")
    tags = _tags(seen)
    match kind:
        case "archive":
            return Done(standing=ARCHIVED) if not seen.exists or seen.standing == ARCHIVED else None
        case "withdraw":
            return Done(standing=seen.standing) if seen.standing == act.standing else None
        case "give":
            return Done(gave=(name,)) if name.casefold() in tags else None
        case "take":
            return Done(took=(name,)) if seen.exists and name.casefold() not in tags else None
        case "create":
            given = tuple(tag for tag in act.values.get("tags", ()) if tag.casefold() in tags)
            return Done(standing=seen.standing, gave=given) if seen.exists and _fits(act.values, seen) else None
        case _:
            back = kind != "return" or seen.standing != ARCHIVED
            return Done(standing=seen.standing) if seen.exists and back and _fits(act.values, seen) else None


def drifted(known: Known, seen: Known) -> bool:
    """Presence, archive, the values we agreed on and our tags; other people's tags are none of our business."""
    if bool(known.exists) != bool(seen.exists) or (known.standing == ARCHIVED) != (seen.standing == ARCHIVED):
        return True
    tags = _tags(seen)
    return not _fits(known.values, seen) or any(tag.casefold() not in tags for tag in known.ours)


def _fits(values: wire.Values, seen: Known) -> bool:
    return all(wire.same(v, seen.values.get(p)) for p, v in values.items() if p.startswith(wire.MERGE))


def _tags(seen: Known) -> set[str]:
    return {str(tag).casefold() for tag in seen.values.get("tags", ())}
