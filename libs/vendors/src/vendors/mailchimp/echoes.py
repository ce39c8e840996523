"""Events of an audience as the writer needs them, and what in them is the echo of its own writes.

With `sources.api` on, every write of ours comes back as a webhook with the whole profile, late, doubled and shuffled. Nobody says which
stamp it carries: the sandbox gives it the write's own, and one second either way is allowed for. Where that does not tell our write
from somebody's edit it is taken for an edit, which costs a look and never a write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum

from common.contracts.messages import ChangeEvent
from vendors.mailchimp import events, wire
from vendors.mailchimp.members import key_of, parsed
from vendors.mailchimp.seeing import SKEW
from vendors.target import Heard, TargetEvent, TargetRecord, Written

RESOLUTION = timedelta(seconds=1)
_WITHDRAWALS = ("unsubscribed", "cleaned")


def told(event: ChangeEvent) -> TargetEvent | None:
    """None for what is about no member: a campaign."""
    member = parsed(event.record)
    email = event.fields.get("email")
    if event.entity != events.SUBSCRIPTION or member is None or not isinstance(email, str):
        return None
    former = event.fields.get("previous_email")
    return TargetEvent(
        place=member.audience,
        key=key_of(email),
        at=event.version.stamp,
        standing=str(event.fields.get("status") or ""),
        reason=str(event.fields.get("reason") or ""),
        values=_values(event.fields.get("custom") or {}),
        former_key=key_of(former) if isinstance(former, str) else "",
    )


def heard(known: TargetRecord, told: TargetEvent, written: Sequence[Written]) -> Heard:
    """R17: per field, by the stamp of the newest write of it and the value that it made; anything else is somebody's doing, or in doubt."""
    found = {path: _field(path, told, known, written) for path in told.values if path.startswith(wire.MERGE)}
    doubts, overwritten = _where(found, _Field.DOUBTFUL), _where(found, _Field.OVERWRITTEN)
    standing = _standing_is_ours(told, written)
    echo = standing or _Field.OURS in found.values()
    return Heard(echo and not doubts and not overwritten, standing, doubts, overwritten)


class _Field(Enum):
    OURS = "a write of ours made it so"
    KNOWN = "it is as we know it"
    OVERWRITTEN = "somebody had changed it before our newest write of it"
    DOUBTFUL = "it is not as we know it"
    FOREIGN = "we know nothing of it"


def _field(path: str, told: TargetEvent, known: TargetRecord, written: Sequence[Written]) -> _Field:
    value, mine = told.values[path], [one for one in written if path in one.act.values]
    later = [one for one in mine if told.at < _earliest(one)]
    if later:
        return _past(path, told, mine, later[-1])
    if mine and _made(mine[0], path, told):
        return _Field.OURS
    if path in known.values and wire.same(known.values[path], value):
        return _Field.KNOWN
    return _Field.DOUBTFUL if mine or path in known.values else _Field.FOREIGN


def _past(path: str, told: TargetEvent, mine: Sequence[Written], next_write: Written) -> _Field:
    """R19: of before a write of ours: an older one made it so, it was so when we wrote, or we have overwritten somebody."""
    if any(_made(one, path, told) for one in mine):
        return _Field.OURS
    before = next_write.before
    explained = path not in before or wire.same(before[path], told.values[path])
    return _Field.KNOWN if explained else _Field.OVERWRITTEN


def _made(write: Written, path: str, told: TargetEvent) -> bool:
    return wire.same(write.act.values[path], told.values[path]) and _is_of(write, told.at)


def _standing_is_ours(told: TargetEvent, written: Sequence[Written]) -> bool:
    """A withdrawal is never taken for ours. What we did before our newest status is ours only where its event is older than that."""
    if not told.standing or told.standing in _WITHDRAWALS:
        return False
    with_standing = [one for one in written if one.act.standing]
    for at, one in enumerate(with_standing):
        if one.act.standing == told.standing and _is_of(one, told.at):
            return all(told.at < _earliest(newer) for newer in with_standing[:at])
    return False


def _is_of(write: Written, at: datetime) -> bool:
    """Whether an event's time is the write's own: the vendor's stamp of it, or where it told none, the time that the call took."""
    if write.stamp is not None:
        return abs(at - write.stamp) <= RESOLUTION
    return write.since - SKEW <= at <= write.until + SKEW


def _earliest(write: Written) -> datetime:
    """Nothing that is told of an earlier moment is of this write, or comes after it."""
    return write.stamp - RESOLUTION if write.stamp is not None else write.since - SKEW


def _where(found: Mapping[str, _Field], what: _Field) -> tuple[str, ...]:
    return tuple(path for path, field in found.items() if field is what)


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
