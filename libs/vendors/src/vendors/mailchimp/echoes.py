"""Events of an audience as the writer needs them, and what in them is the echo of its own writes.

What of our own writes comes back (decision 43: archives and withdrawals; and whatever a webhook of before tells, or one that somebody has
switched on) carries the whole profile, late, doubled and shuffled. Nobody says which stamp it carries: the sandbox gives it the write's
own, and one second either way is allowed for. Where that does not tell our write from somebody's edit it is taken for an edit, which
costs a look and never a write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from common.contracts.messages import ChangeEvent
from vendors.absorbing import TargetEvent
from vendors.acts import Written
from vendors.mailchimp import events, members, wire
from vendors.mailchimp.consent import SKEW, WITHDRAWN
from vendors.mailchimp.memory import STANDING
from vendors.target_record import TargetRecord

RESOLUTION = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Echo:
    """What an event comes to, field by field (R17)."""

    ours: bool = False
    """Something in it was made by a write of ours, and nothing by anybody else."""
    standing_is_ours: bool = False
    doubts: tuple[str, ...] = ()
    """Fields that may not be as we know them."""
    overwritten: tuple[str, ...] = ()
    """Fields that had a value of somebody else's before our newest write of them."""


def parsed(event: ChangeEvent) -> TargetEvent | None:
    """None for what is about no member: a campaign."""
    member = members.parsed(event.record)
    email = event.fields.get("email")
    if event.entity != events.SUBSCRIPTION or member is None or not isinstance(email, str):
        return None
    former, status = event.fields.get("previous_email"), str(event.fields.get("status") or "")
    return TargetEvent(
        place=member.audience,
        key=members.key_of(email),
        at=event.version.stamp,
        values=_values(event.fields.get("custom") or {})
        | ({STANDING: status} if status else {})
        | _rates(event.fields),
        reason=str(event.fields.get("reason") or ""),
        shows_a_moment=event.coverage != "hook",
        former_key=members.key_of(former) if isinstance(former, str) else "",
    )


def echo_of(known: TargetRecord, event: TargetEvent, written: Sequence[Written]) -> Echo:
    """R17: per field, by the stamp of the newest write of it and the value that it made; anything else is somebody's doing, or in doubt."""
    found = {path: _field(path, event, known, written) for path in event.values if path.startswith(wire.MERGE)}
    doubts, overwritten = _where(found, _Field.DOUBTFUL), _where(found, _Field.OVERWRITTEN)
    standing = _standing(event, known, written)
    if standing is _Field.DOUBTFUL:
        doubts = (STANDING, *doubts)
    echo = _Field.OURS in (standing, *found.values())
    return Echo(echo and not doubts and not overwritten, standing is _Field.OURS, doubts, overwritten)


class _Field(Enum):
    OURS = "a write of ours made it so"
    KNOWN = "it is as we know it"
    OVERWRITTEN = "somebody had changed it before our newest write of it"
    DOUBTFUL = "it is not as we know it"
    FOREIGN = "we know nothing of it"


def _field(path: str, event: TargetEvent, known: TargetRecord, written: Sequence[Written]) -> _Field:
    value, mine = event.values[path], [one for one in written if path in one.act.values]
    later = [one for one in mine if event.at < _earliest(one)]
    if later:
        return _past(path, event, mine, later[-1])
    if mine and _made(mine[0], path, event):
        return _Field.OURS
    if path in known.seen and wire.same(known.seen[path], value):
        return _Field.KNOWN
    return _Field.DOUBTFUL if mine or path in known.seen else _Field.FOREIGN


def _past(path: str, event: TargetEvent, mine: Sequence[Written], next_write: Written) -> _Field:
    """R19: of before a write of ours: an older one made it so, it was so when we wrote, or we have overwritten somebody."""
    if any(_made(one, path, event) for one in mine):
        return _Field.OURS
    before = next_write.before
    explained = path not in before or wire.same(before[path], event.values[path])
    return _Field.KNOWN if explained else _Field.OVERWRITTEN


def _made(write: Written, path: str, event: TargetEvent) -> bool:
    return wire.same(write.act.values[path], event.values[path]) and is_of(write, event.at)


def _standing(event: TargetEvent, known: TargetRecord, written: Sequence[Written]) -> _Field:
    """A withdrawal is never taken for ours. What we did before our newest status is ours only where its event is older than that.

    One of the very second of our newest status may be the echo of what we did before it, or somebody's who undid it: a look tells.
    """
    said = event.values.get(STANDING)
    if said is None or said in WITHDRAWN:
        return _Field.FOREIGN
    with_standing = [one for one in written if STANDING in one.act.values]
    for at, one in enumerate(with_standing):
        if one.act.values[STANDING] == said and is_of(one, event.at):
            if all(event.at < _earliest(newer) for newer in with_standing[:at]):
                return _Field.OURS
            return _Field.DOUBTFUL if said != known.seen.get(STANDING) else _Field.KNOWN
    return _Field.FOREIGN


def is_of(write: Written, at: datetime) -> bool:
    """Whether an event's time is the write's own: the vendor's stamp of it, or where it told none, the time that the call took."""
    if write.stamp is not None:
        return abs(at - write.stamp) <= RESOLUTION
    return write.since - SKEW <= at <= write.until + SKEW


def _earliest(write: Written) -> datetime:
    """Nothing that is told of an earlier moment is of this write, or comes after it."""
    return write.stamp - RESOLUTION if write.stamp is not None else write.since - SKEW


def _where(found: Mapping[str, _Field], what: _Field) -> tuple[str, ...]:
    return tuple(path for path, field in found.items() if field is what)


def _rates(fields: Mapping[str, Any]) -> dict[str, object]:
    return {path: fields[path] for path in (wire.OPENED, wire.CLICKED) if fields.get(path)}


def _values(custom: Mapping[str, str | None]) -> dict[str, object]:
    """`merge.ADDRESS.addr1` and its like become one address again."""
    values: dict[str, object] = {}
    parts: dict[str, dict[str, str]] = {}
    for path, value in custom.items():
        field, _, part = path.removeprefix(wire.MERGE).partition(".")
        if part:
            parts.setdefault(wire.MERGE + field, {})[part] = value or ""
        else:
            values[path] = value
    return values | {path: wire.shown(address) for path, address in parts.items()}
