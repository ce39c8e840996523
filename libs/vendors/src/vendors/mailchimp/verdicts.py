"""What the answer to one member's change says of it, by whichever way the answer came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.failures import Conflict, Failure
from vendors.acts import Done
from vendors.mailchimp import wire
from vendors.mailchimp.memory import STANDING
from vendors.target_record import TargetRecord


def shown(body: bytes) -> Done:
    """A whole member."""
    document = wire.document(body)
    with wire.reading(body):
        return done(wire.member(document), {})


def done(shown: TargetRecord, memory: Mapping[str, Any]) -> Done:
    """Status and tags are what the answer says; the other fields are compared by what we wanted of them, as before any answer."""
    became = {path: shown.seen[path] for path in (STANDING, "tags") if path in shown.seen}
    return Done(became, memory, id=shown.id, stamp=shown.memory[wire.CHANGED_AT])


def of_one(failure: Failure) -> Failure:
    """Of a member that is not there, or archived already, somebody was faster: it is read and decided again."""
    if failure.vendor_status not in (404, 405):
        return failure
    return Conflict(
        failure.code, failure.message, vendor_status=failure.vendor_status, vendor_code=failure.vendor_code,
        vendor_words=failure.vendor_words, vendor_request_id=failure.vendor_request_id,
    )  # fmt: skip
