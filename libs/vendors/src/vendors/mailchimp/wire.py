"""The forms in which Mailchimp takes and shows members, and nothing else of it (sheet, sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from vendors.mailchimp.errors import unreadable
from vendors.mailchimp.members import key_of
from vendors.mailchimp.memory import STANDING
from vendors.target_record import TargetRecord

MERGE = "merge."
OPENED, CLICKED = "open_rate", "click_rate"
# What a look shows besides the fields: when the member was last changed and when it came to be, by the vendor's clock, and by which way.
CHANGED_AT, MADE_AT, MADE_BY = "changed_at", "made_at", "made_by"
Values = Mapping[str, Any]
LONGEST_BYTES = 255
_PARTS = {"addr1": "street", "addr2": "street2", "city": "city", "state": "state", "zip": "zip", "country": "country"}


def merge_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The `merge_fields` of a body; an empty text clears a field, an absent one leaves it."""
    return {path.removeprefix(MERGE): _sent(value) for path, value in values.items() if path.startswith(MERGE)}


def fitting(value: Any) -> Any:
    """A value as the vendor keeps it: texts are cut at 255 bytes, never in the middle of a character."""
    if isinstance(value, str):
        return value.encode()[:LONGEST_BYTES].decode(errors="ignore")
    if isinstance(value, Mapping):
        return {part: fitting(text) for part, text in value.items()}
    return value


def row(email: str, status: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the batch call; without a status for members that exist."""
    body: dict[str, Any] = {"email_address": email, "merge_fields": merge_fields(values)}
    if status:
        body["status"] = status
    if values.get("tags"):
        body["tags"] = list(values["tags"])
    if values.get("language"):
        body["language"] = values["language"]
    return body


def change(status: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a PATCH: no status unless one is asked for, never an address."""
    body: dict[str, Any] = {}
    merge = merge_fields(values)
    if merge:
        body["merge_fields"] = merge
    if "language" in values:
        body["language"] = values["language"] or ""
    if status:
        body["status"] = status
    return body


def member(found: Mapping[str, Any]) -> TargetRecord:
    """What an answer shows of a member, by the paths of the catalogue."""
    values: dict[str, Any] = {"email": found["email_address"], STANDING: found["status"]}
    values |= {MERGE + tag: shown(value) for tag, value in found.get("merge_fields", {}).items()}
    if all_tags(found):
        values["tags"] = names(found.get("tags", ()))
    values |= rates(found)
    if found.get("language"):
        values["language"] = found["language"]
    # The sign-up is told of some members only; the opt-in is told of all who are subscribed.
    born = _moment(found.get("timestamp_signup")) or _moment(found.get("timestamp_opt"))
    besides = {
        CHANGED_AT: _moment(found.get("last_changed")),
        MADE_AT: born,
        MADE_BY: str(found.get("source") or ""),
    }
    return TargetRecord(
        exists=True, met=True, seen=values, id=str(found.get("contact_id") or found["id"]), memory=besides
    )


def rates(found: Mapping[str, Any]) -> dict[str, str]:
    """How many of the campaigns that it got a member has opened, and clicked in: numbers between 0 and 1, where the answer tells them."""
    told = found.get("stats")
    if not isinstance(told, Mapping):
        return {}
    named = {OPENED: "avg_open_rate", CLICKED: "avg_click_rate"}
    return {
        path: f"{told[name]:.4f}".rstrip("0").rstrip(".") or "0"
        for path, name in named.items()
        if isinstance(told.get(name), int | float) and not isinstance(told[name], bool)
    }


def _moment(text: Any) -> datetime | None:
    """A stamp of the vendor's; one that it does not tell is an empty text."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def all_tags(found: Mapping[str, Any]) -> bool:
    """Whether the answer shows every tag: it shows fifty at most."""
    return len(found.get("tags", ())) >= int(found.get("tags_count", 0))


def names(tags: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(str(tag["name"]) for tag in tags)


def document(body: bytes) -> dict[str, Any]:
    """A JSON object; anything else under a 2xx is an answer that nobody can read."""
    with reading(body):
        found = orjson.loads(body) if body else {}
        if not isinstance(found, dict):
            raise TypeError
        return found


@contextmanager
def reading(body: bytes) -> Iterator[None]:
    """What an answer lacks, or holds in a form of its own, makes it unreadable, and breaks nothing else."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as odd:
        raise unreadable(body) from odd


def by_key(members: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {key_of(one["email_address"]): one for one in members}


def same(wanted: Any, seen: Any) -> bool:
    """Whether two values are one to the vendor: no value and an empty text are, and 12.50 and 12.5."""
    if isinstance(wanted, Mapping) or isinstance(seen, Mapping):
        return _parts(wanted) == _parts(seen)
    one, other = _text(wanted), _text(seen)
    return one == other or (isinstance(seen, int | float) and _number(one) == _number(other) is not None)


def _sent(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return {theirs: _text(value.get(ours)) for theirs, ours in _PARTS.items()}
    return value


def shown(value: Any) -> Any:
    """A value as an answer shows it, in our words."""
    if isinstance(value, Mapping):
        return {ours: value.get(theirs) or "" for theirs, ours in _PARTS.items()}
    return value


def _parts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {part: _text(value.get(part)) for part in _PARTS.values() if _text(value.get(part))}


def _text(value: Any) -> str:
    return "" if value is None else fitting(str(value)).strip()


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
