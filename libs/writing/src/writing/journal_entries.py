"""The journal's rows of a writer: one way to fill them, so that each has its record, revision, attempt and trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from common.failures import Failure
from common.http.call import VendorAnswer
from common.journal import Entry, Step
from common.patch import patch
from vendors.acts import Act
from writing.intent import Intent
from writing.items import Item, NextState


@dataclass(frozen=True, slots=True)
class CallReply:
    """What is told of an answer, or of its absence."""

    status: int | None = None
    request_id: str = ""
    duration_s: float | None = None

    @classmethod
    def of(cls, answer: VendorAnswer | Failure, duration_s: float) -> CallReply:
        if isinstance(answer, Failure):
            return cls(answer.vendor_status, answer.vendor_request_id, duration_s)
        return cls(answer.status, answer.request_id, answer.duration_s)


def entry(item: Item, step: Step, now: datetime, **more: Any) -> Entry:
    """A row about an item."""
    return Entry(
        at=now, step=step, sync=item.key.sync, connection=item.source, entity=item.key.entity, record=item.key.record,
        event_id=item.event_id, run=item.run, revision=item.revision, mapping_version=item.mapping_version,
        trace_id=item.trace_id, **{"target_key": item.target_key, **more},
    )  # fmt: skip


def attempt(item: Item, act: Act, name: str, reply: CallReply, failure: Failure | None, now: datetime) -> Entry:
    """One record's part in one call, whatever came of it."""
    made = entry(
        item, Step.ATTEMPT, now, attempt=name, target_key=act.key, reason=failure.code if failure else "",
        vendor_status=reply.status, vendor_request_id=reply.request_id, details={"action": act.action},
        duration_ms=None if reply.duration_s is None else round(reply.duration_s * 1000, 1),
    )  # fmt: skip
    if failure is None:
        return made
    return replace(made, words=failure.vendor_words or failure.message, vendor_code=failure.vendor_code)


def applied(item: Item, act: Act, name: str, before: Mapping[str, Any], now: datetime, *, how: str = "") -> Entry:
    """The vendor has applied it: one row for each write it applied, and no other."""
    return entry(
        item, Step.APPLIED, now, attempt=name, target_key=act.key, reason=how, before=before, after=dict(act.values),
        patch=patch(before, act.values), details={"action": act.action, "counts_as": act.counts_as},
    )  # fmt: skip


def applied_intent(item: Item, intent: Intent, now: datetime, how: str) -> Entry:
    """The same, learnt later: with the revision that was sent then."""
    made = applied(item, intent.act, intent.attempt, intent.before, now, how=how)
    return replace(made, revision=intent.revision, mapping_version=intent.mapping_version, trace_id=intent.trace_id)


def settled_intent(item: Item, intent: Intent, now: datetime, verdict: str) -> Entry:
    """What a look made of an outcome that nobody saw (R2); `not_seen` means: not there by the vendor's horizon."""
    made = entry(item, Step.SETTLED, now, attempt=intent.attempt, target_key=intent.target.key, reason=verdict)
    return replace(made, revision=intent.revision, mapping_version=intent.mapping_version, trace_id=intent.trace_id)


def ended(item: Item, step: Step, next_state: NextState, now: datetime) -> Entry:
    """A row on hold that ends for good, with what people are shown."""
    failure = next_state.failure
    return entry(
        item, step, now, reason=failure.code if failure else next_state.reason, words=failure.message if failure else ""
    )
