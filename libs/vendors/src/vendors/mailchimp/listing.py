"""The members of one audience, a list call a page of a thousand: all of them, or those that have changed since a cursor.

Members come in the order of their last change, and each page asks for what is later than the page before; so a member that changes
comes again at the end, one that is removed moves nobody, and nothing slips. Only among those of the very second at which a page ends
the vendor has to be asked by number. Then the page begins with the last row of the one before, as a proof: if another one stands
there, that second is read again from its beginning.

R11: the cursor is the newest change seen, and not later than what was settled when the last page was answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from common.contracts.ids import RecordId
from common.contracts.messages import Version
from common.contracts.records import RECORDS
from common.http.call import Call, VendorAnswer
from vendors.answers import reading, unreadable
from vendors.mailchimp import limits, wire
from vendors.mailchimp.events import SUBSCRIPTION
from vendors.mailchimp.members import member_of
from vendors.vendor import Cursor, Page, State

PER_PAGE = 1000
# R10: one second of resolution, and what the vendor's reads lag behind its writes.
SETTLES_AFTER = timedelta(seconds=1) + limits.READ_LAG
TOLD = ("email_address", "status", "unsubscribe_reason", "last_changed", "merge_fields", "stats")
_SECOND = timedelta(seconds=1)


def mentions(found: Mapping[str, Any]) -> tuple[datetime, dict[str, Any]]:
    """When a member was last changed, and what it is, in neutral words; raises ValueError where a word is none of the sheet's."""
    changed = _changed(found)
    fields = {
        "email": found["email_address"],
        "status": found["status"],
        "reason": found.get("unsubscribe_reason") or None,
        "happened_at": changed.isoformat(),
    }
    fields |= wire.rates(found)
    if found.get("merge_fields"):
        fields["custom"] = dict(_merges(found["merge_fields"]))
    RECORDS[SUBSCRIPTION].model_validate(fields)
    return changed, fields


def cursor_at(moment: datetime) -> Cursor:
    """R11: what may not have been settled at that moment is read again."""
    return Cursor((moment - SETTLES_AFTER).isoformat())


def _merges(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """As a webhook tells them: flat, and all of them texts."""
    for name, value in found.items():
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        for part, text in parts:
            yield f"merge.{name}.{part}".rstrip("."), "" if text is None else str(text)


def _changed(found: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(found["last_changed"]).astimezone(UTC)


class MemberReading:
    """One listing while it is read: which call comes next, and what an answer comes to."""

    def __init__(self, audience: str, cursor: Cursor | None, told: Sequence[str] = TOLD) -> None:
        self._audience = audience
        self._told = told
        self.rows: Sequence[Mapping[str, Any]] = ()
        """What the last page has told, as it stands there."""
        self._known = _moment(cursor)
        self._since = self._known
        """What the next page asks for: later than this."""
        self._offset = 0
        self._last: State | None = None
        self._proof: State | None = None
        """What the next page has to begin with."""
        self.over = False

    def call(self) -> Call:
        """The next page."""
        fields = ",".join([*(f"members.{name}" for name in self._told), "total_items"])
        query = {"count": str(PER_PAGE), "offset": str(self._offset), "sort_field": "last_changed", "sort_dir": "ASC"}
        if self._since is not None:
            query["since_last_changed"] = self._since.isoformat()
        path = {"list_id": self._audience}
        return Call("GET", "/lists/{list_id}/members", "members.list", path=path, query={**query, "fields": fields})

    def page(self, answer: VendorAnswer) -> Page:
        """What this page tells; the reading then stands at the next one."""
        with reading(answer):
            found = orjson.loads(answer.body)
            states = [_state(self._audience, row, answer) for row in found["members"]]
            left = int(found["total_items"]) - self._offset - len(states)
        if self._proof is not None and (not states or _id_of(states[0]) != _id_of(self._proof)):
            # Somebody left the second at which the last page ended: it is read again from its beginning.
            self._offset, self._proof, self.rows = 0, None, ()
            return Page((), self._cursor(answer))
        news, self.rows = (states[1:], found["members"][1:]) if self._proof is not None else (states, found["members"])
        if left > 0 and not news:
            # It would go on like this for ever.
            raise unreadable(answer)
        self._stand_after(states)
        self.over, self._proof = left <= 0, self._last
        return Page(news, self._cursor(answer), complete=self.over and self._known is None)

    def _stand_after(self, states: list[State]) -> None:
        """The next page asks for what is later than the second before the last row's, and begins with that row."""
        if not states:
            return
        self._last = states[-1]
        before = self._last.version.stamp - _SECOND
        tied = sum(1 for state in states if state.version.stamp > before)
        at = self._offset + len(states) if self._since is not None and self._since >= before else tied
        self._since, self._offset = before, at - 1

    def _cursor(self, answer: VendorAnswer) -> Cursor | None:
        """R11. In the midst of a listing it leaves out the last row's second, of which there may be more."""
        if self._last is None:
            return Cursor(self._known.isoformat()) if self._known else None
        reached = self._last.version.stamp if self.over else self._last.version.stamp - _SECOND
        return Cursor(max(filter(None, (self._known, min(reached, answer.date - SETTLES_AFTER)))).isoformat())


def _id_of(state: State) -> tuple[RecordId, datetime]:
    return state.record, state.version.stamp


def _state(audience: str, row: Mapping[str, Any], answer: VendorAnswer) -> State:
    """A row's state; one that says no more than who and when has to be read."""
    record, changed = member_of(audience, row["email_address"]).record, _changed(row)
    try:
        fields = mentions(row)[1]
    except (ValueError, LookupError):
        version = Version(stamp=changed, settled=False)
        return State(SUBSCRIPTION, record, "asked", version, "ask", {}, answer.date, audience)
    version = Version(stamp=changed, settled=answer.date >= changed + SETTLES_AFTER)
    return State(SUBSCRIPTION, record, "changed", version, "list", fields, answer.date, audience)


def _moment(cursor: Cursor | None) -> datetime | None:
    """A cursor that is none of ours starts from the beginning: that costs calls and loses nothing."""
    try:
        return datetime.fromisoformat(cursor or "").astimezone(UTC)
    except ValueError:
        return None
