"""Events of an audience as the writer needs them, and which of them are echoes of its own writes.

With `sources.api` on, every write of ours comes back as a webhook, sometimes before the answer. An echo is recognised by what the act
was about to make so; anything beyond that is somebody else's doing.
"""

from __future__ import annotations

from collections.abc import Mapping

from common.contracts.messages import ChangeEvent
from vendors.mailchimp import events, wire
from vendors.mailchimp.members import key_of, parsed
from vendors.mailchimp.planning import ARCHIVED
from vendors.target import Act, Told


def told(event: ChangeEvent) -> Told | None:
    """None for what is about no member: a campaign."""
    member = parsed(event.record)
    email = event.fields.get("email")
    if event.entity != events.SUBSCRIPTION or member is None or not isinstance(email, str):
        return None
    former = event.fields.get("previous_email")
    return Told(
        place=member.audience,
        key=key_of(email),
        at=event.version.stamp,
        standing=str(event.fields.get("status") or ""),
        reason=str(event.fields.get("reason") or ""),
        values=_values(event.fields.get("custom") or {}),
        former_key=key_of(former) if isinstance(former, str) else "",
    )


def echoes(act: Act, told: Told) -> bool:
    """An unsubscription is never an echo: we make none, and an archive that is told as one is taken for less rather than more."""
    if told.former_key:
        return False
    match act.action.partition(":")[0]:
        case "archive":
            return told.standing == ARCHIVED
        case "create" | "return":
            return told.standing == act.standing == "subscribed" or (not told.standing and _says_no_more(act, told))
        case "update":
            return not told.standing and _says_no_more(act, told)
        case _:
            return False


def _says_no_more(act: Act, told: Told) -> bool:
    written = {path: value for path, value in act.values.items() if path.startswith(wire.MERGE)}
    return bool(written) and all(wire.same(value, told.values.get(path)) for path, value in written.items())


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
