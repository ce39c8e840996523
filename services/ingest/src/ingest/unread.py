"""What becomes of a read that failed: again later, or a dead letter that a person can send back to be asked again.

A letter holds an `asked` change: retried, the mapper asks, and the reader reads, by the same road as a webhook that only names its record.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common import retries
from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent, Version
from common.failures import Failure, FailureClass
from common.state import pool as state
from common.state.dead_letters import NO_PARTITION, DeadLetter, DeadLetters
from common.state.read_requests import Later, ReadRequest
from common.version import version
from ingest.publishing import outgoing

GROUP = "reader"
LONGEST = timedelta(hours=1)
# The gate is closed by then, or the quota is whole again.
PAUSE = timedelta(seconds=5)
# A refusal of the grant, which a person mends by reconnecting: no record is to blame at once.
_OF_THE_GRANT = "CALL_NOT_PERMITTED"


@dataclass(frozen=True, slots=True)
class Unread:
    """A request that ends without an answer, and why."""

    request: ReadRequest
    failure: Failure


def after_failure(request: ReadRequest, failure: Failure, now: datetime, *, outage: bool) -> Later | Unread:
    """Refused, or failed as often as the schedule allows, it ends; what is not the record's fault costs no attempt."""
    final = failure.kind in (FailureClass.REJECTED, FailureClass.BUG) and failure.code != _OF_THE_GRANT
    refused = final and failure.about in ("call", "leg")
    if not refused and (outage or retries.costs_nothing(failure)):
        return Later(request, failure.retry_at or now + PAUSE, free=True)
    if refused or request.attempts >= retries.ATTEMPTS:
        return Unread(request, failure)
    wait = retries.delay(request.attempts + 1, random.Random(), LONGEST)  # noqa: S311 - jitter, no secret
    return Later(request, failure.retry_at or now + wait, free=False)


async def write(tx: state.DbConnection, connection: Connection, unread: Sequence[Unread], now: datetime) -> None:
    """A record has one letter: a further failure counts it up and opens it again, unless somebody had discarded it."""
    letters = [_letter(connection, one, now) for one in unread]
    if letters:
        repository = DeadLetters(tx)
        await repository.write(await repository.as_before(letters))


def _letter(connection: Connection, one: Unread, now: datetime) -> DeadLetter:
    request, failure = one.request, one.failure
    message = outgoing(_asked(connection, request, now), traceparent=request.traceparent)
    return DeadLetter(
        group=GROUP, topic=message.topic.name, partition=NO_PARTITION, offset=_number(request), recorded_at=now,
        key=message.key.encode(), value=message.value, headers=tuple(message.headers), service="ingest", version=version(),
        stage="normalise", code=failure.code, kind=failure.kind, message=failure.message, at=now,
        vendor_status=failure.vendor_status, vendor_code=failure.vendor_code, vendor_words=failure.vendor_words,
        vendor_request_id=failure.vendor_request_id, trace_id=request.traceparent[3:35],
    )  # fmt: skip


def _asked(connection: Connection, request: ReadRequest, now: datetime) -> ChangeEvent:
    stamp = Version(stamp=now, settled=False)
    return ChangeEvent(
        id=ChangeEvent.derive_id(connection.id, request.entity, request.record, stamp, "ask", {}),
        connection=connection.id, vendor=connection.vendor,
        entity=request.entity, record=request.record, kind="asked", version=stamp, coverage="ask", observed_at=now, via="read",
    )  # fmt: skip


def _number(request: ReadRequest) -> int:
    """Stands where other letters have their offset: the same for the same record."""
    named = "\x00".join((request.connection, request.entity, request.record))
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8]) >> 1
