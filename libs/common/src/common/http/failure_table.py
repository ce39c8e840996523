"""The form of a vendor's failure table: one row per (status, code), read top down, and the same rest for all vendors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from common import failures
from common.codes import Code
from common.failures import About, Failure, FailureClass
from common.http import door_codes
from common.http.words import kept_words

ANY = "*"


class Said(NamedTuple):
    """What an answer says of itself; `code` is empty when it says nothing that can be read."""

    code: str
    words: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What a status and a code of the vendor mean. A status of 0 fits every status, the code `*` every code."""

    status: int
    code: str
    kind: FailureClass
    ours: Code
    words: str = ""
    """When given, the row fits only answers whose words contain this, in lower case."""
    pause: timedelta | None = None
    """For quotas: how long nobody calls, at least."""
    scope: str = ""
    """For quotas: the name of the limit that is used up."""
    complete: bool = False
    about: About = "call"

    def fits(self, status: int, said: Said) -> bool:
        return (
            self.status in (0, status)
            and (self.code in (ANY, said.code))
            and (not self.words or self.words in said.words.lower())
        )

    def failure(self, status: int, said: Said, retry_at: datetime | None) -> Failure:
        return failures.FAILURES[self.kind](
            self.ours.name,
            self.ours.meaning,
            vendor_status=status,
            vendor_code=said.code,
            vendor_words=kept_words(said.words),
            vendor_request_id=said.request_id,
            retry_at=retry_at,
            scope=self.scope,
            complete=self.complete,
            about=self.about,
        )


_UNKNOWN = FailureClass.UNKNOWN

REST: tuple[Row, ...] = (
    # A gateway gave up, the work behind it may go on: only the horizon settles that (R2).
    Row(502, ANY, _UNKNOWN, door_codes.VENDOR_FAULT),
    Row(503, ANY, _UNKNOWN, door_codes.VENDOR_FAULT),
    Row(504, ANY, _UNKNOWN, door_codes.VENDOR_FAULT),
    Row(500, "", _UNKNOWN, door_codes.VENDOR_FAULT),
    Row(500, ANY, _UNKNOWN, door_codes.VENDOR_FAULT, complete=True),
    Row(408, ANY, _UNKNOWN, door_codes.VENDOR_TIMEOUT),
    Row(429, ANY, FailureClass.RATE_LIMITED, door_codes.QUOTA_EXHAUSTED, pause=timedelta(seconds=60)),
    Row(401, ANY, FailureClass.UNAUTHORISED, door_codes.NEEDS_REAUTH),
    Row(403, ANY, FailureClass.UNAUTHORISED, door_codes.NEEDS_REAUTH),
)
"""What holds for every vendor that says nothing else."""

_UNTOLD = Row(0, ANY, FailureClass.REJECTED, door_codes.VENDOR_REFUSED)
_UNREADABLE = Row(0, ANY, _UNKNOWN, door_codes.VENDOR_ANSWER_UNREADABLE)
_REDIRECTED = Row(0, ANY, FailureClass.BUG, door_codes.VENDOR_REDIRECTED)


class FailureTable:
    """A vendor's table with the rest behind it."""

    def __init__(self, rows: Sequence[Row], *, until: Callable[[Row, datetime], datetime | None] | None = None) -> None:
        self.rows = tuple(rows)
        self._until = until or _after_pause

    def row(self, status: int, said: Said) -> Row:
        """The row that decides."""
        for row in (*self.rows, *REST):
            if row.fits(status, said):
                return row
        if status >= 500 or status < 300:
            return _UNREADABLE
        return _REDIRECTED if status < 400 else _UNTOLD

    def failure(self, status: int, said: Said, headers: Mapping[str, str], now: datetime) -> Failure:
        """The failure that an answer means; a time the vendor names itself goes before ours when it is later."""
        row = self.row(status, said)
        retry_at = self._until(row, now) if row.kind is FailureClass.RATE_LIMITED else None
        named = _named_time(headers, now) if row.kind is FailureClass.RATE_LIMITED else None
        return row.failure(status, said, max(filter(None, (retry_at, named)), default=None))


def _after_pause(row: Row, now: datetime) -> datetime | None:
    return now + row.pause if row.pause else None


def _named_time(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Retry-After in seconds; the form with a date is not used by any vendor here."""
    seconds = headers.get("retry-after", "")
    return now + timedelta(seconds=int(seconds)) if seconds.isdigit() and len(seconds) < 7 else None
