"""The one vocabulary of failure: what happened decides what becomes of the record.

    Failure
    ├── Transient       soon again, by the schedule of retries
    ├── Unknown         may have been applied: hold, look, then decide (R2)
    ├── RateLimited     again when the vendor says; consumes no attempt
    ├── Unauthorised    refresh once, else close the connection's gate and tell a person
    ├── Conflict        read again, decide again
    ├── Rejected        this record, never: dead letter at once
    └── Bug             ours: dead letter, and somebody looks at the code

A vendor folder has one table from (status, code) to these; `writing.verdicts` decides what becomes of the record.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

About = Literal["call", "leg", "place", "account"]


class FailureClass(StrEnum):
    """The words by which dead letters, journal rows and metrics name a failure."""

    TRANSIENT = "TRANSIENT"
    UNKNOWN = "UNKNOWN"
    RATE_LIMITED = "RATE_LIMITED"
    UNAUTHORISED = "UNAUTHORISED"
    CONFLICT = "CONFLICT"
    REJECTED = "REJECTED"
    BUG = "BUG"


class Failure(Exception):
    """What went wrong, in the operator's words, with the ids a person needs; never a secret, never personal data.

    `code` stands in `common.codes`; `detail` is for the log and the span only.
    """

    kind: FailureClass

    def __init__(
        self,
        code: str,
        message: str,
        *,
        detail: str = "",
        vendor_status: int | None = None,
        vendor_code: str = "",
        vendor_words: str = "",
        vendor_request_id: str = "",
        retry_at: datetime | None = None,
        scope: str = "",
        complete: bool = False,
        about: About = "call",
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.detail = detail
        self.vendor_status = vendor_status
        self.vendor_code = vendor_code
        self.vendor_words = vendor_words
        self.vendor_request_id = vendor_request_id
        self.retry_at = retry_at
        self.scope = scope
        self.complete = complete
        """Of an `Unknown`: the vendor itself answered whole, so nothing is on its way any more; one look settles it after the read lag."""

        self.about: About = about
        """What was refused: this call and its records, whatever a leg of a sync would write there, everything in one place of the account, or the
        whole account. But for the first a gate closes."""

        self.vendor_date: datetime | None = None
        """The `Date` of the vendor's answer: a record that is gone is gone as of then (R12)."""

    def __str__(self) -> str:
        vendor = f" (vendor: {self.vendor_status} {self.vendor_code})".replace(" )", ")") if self.vendor_status else ""
        return f"{self.code}: {self.message}{vendor}"


class Transient(Failure):
    """It did not happen and may work soon."""

    kind = FailureClass.TRANSIENT


class Unknown(Failure):
    """It may have happened: nobody knows until the vendor's horizon has passed."""

    kind = FailureClass.UNKNOWN


class RateLimited(Failure):
    """The vendor's quota, or ours for it, is used up until `retry_at`; `scope` names the limit."""

    kind = FailureClass.RATE_LIMITED


class Unauthorised(Failure):
    """The vendor no longer accepts this connection's credential."""

    kind = FailureClass.UNAUTHORISED


class Conflict(Failure):
    """The target changed under us: read again, decide again."""

    kind = FailureClass.CONFLICT


class Rejected(Failure):
    """The vendor will never take this record as it is."""

    kind = FailureClass.REJECTED


class Bug(Failure):
    """Our code met what it was not written for."""

    kind = FailureClass.BUG


FAILURES: dict[FailureClass, type[Failure]] = {
    cls.kind: cls for cls in (Transient, Unknown, RateLimited, Unauthorised, Conflict, Rejected, Bug)
}
