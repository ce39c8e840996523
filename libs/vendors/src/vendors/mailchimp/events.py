"""Bodies of audience webhooks in neutral words (sheet, section 7): form-encoded, with PHP's bracketed keys.

Nothing but `type` and the address is relied on: `data[action]` has been seen missing, `data[id]` is not the subscriber hash, and the
time has no zone and is UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from common.contracts.ids import Entity, RecordId
from vendors.mailchimp.members import member_of

SUBSCRIPTION, CAMPAIGN = Entity("subscription"), Entity("campaign")
TYPES = ("subscribe", "unsubscribe", "profile", "upemail", "cleaned", "campaign")
_PART = re.compile(r"\[([^\[\]]*)\]")


class UnreadableForm(ValueError):
    """The body is no event of an audience; the text says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One webhook, read: which record it tells of, when it happened, and what it says."""

    kind: str
    entity: Entity
    record: RecordId
    fired_at: datetime
    fields: Mapping[str, object]


def read(body: bytes) -> Event:
    """Raises `UnreadableForm` for anything but an event of an audience."""
    try:
        pairs = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=2000))
    except (UnicodeDecodeError, ValueError) as error:
        raise UnreadableForm("The body is no form.") from error
    kind = pairs.get("type", "")
    if kind not in TYPES:
        raise UnreadableForm("The body names no type of event that is known.")
    form = {name: value for name, value in pairs.items() if name.startswith("data[")}
    audience = form.get("data[list_id]", "")
    if not audience:
        raise UnreadableForm("The body names no audience.")
    return _campaign(audience, form, pairs) if kind == "campaign" else _member(kind, audience, form, pairs)


def _campaign(audience: str, form: Mapping[str, str], pairs: Mapping[str, str]) -> Event:
    record = RecordId(f"{audience}.{form.get('data[id]') or 'unnamed'}")
    return Event("campaign", CAMPAIGN, record, _fired_at(pairs), {"status": form.get("data[status]") or None})


def _member(kind: str, audience: str, form: Mapping[str, str], pairs: Mapping[str, str]) -> Event:
    email = form.get("data[new_email]" if kind == "upemail" else "data[email]", "").strip()
    if not email:
        raise UnreadableForm("The body names no address.")
    fired_at = _fired_at(pairs)
    fields: dict[str, object] = {"email": email, "happened_at": fired_at.isoformat()}
    match kind:
        case "subscribe":
            fields["status"] = "subscribed"
        case "unsubscribe":
            # Archiving is told as an unsubscription with this action; anything else is somebody's will.
            gone = form.get("data[action]") == "delete"
            fields |= {"status": "archived" if gone else "unsubscribed", "reason": form.get("data[reason]") or None}
        case "cleaned":
            fields |= {"status": "cleaned", "reason": form.get("data[reason]") or None}
        case "upemail":
            fields["previous_email"] = form.get("data[old_email]", "").strip() or None
    merges = _merges(form)
    if merges:
        fields["custom"] = merges
    return Event(kind, SUBSCRIPTION, member_of(audience, email).record, fired_at, fields)


def _merges(form: Mapping[str, str]) -> dict[str, str]:
    """`data[merges][ADDRESS][addr1]` becomes `merge.ADDRESS.addr1`."""
    found: dict[str, str] = {}
    for name, value in form.items():
        parts = _PART.findall(name)
        if parts[:1] == ["merges"] and 2 <= len(parts) <= 3 and parts[1] not in ("EMAIL", "INTERESTS"):
            found["merge." + ".".join(parts[1:])] = value
    return found


def _fired_at(pairs: Mapping[str, str]) -> datetime:
    try:
        return datetime.strptime(pairs.get("fired_at", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise UnreadableForm("The body does not say when it happened.") from error
