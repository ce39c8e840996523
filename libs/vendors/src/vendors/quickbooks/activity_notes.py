"""One note for each event of a customer's activity, hung on the customer: made once, never changed, and never missed by who takes it down.

A note asks for no version of the customer and moves none, so there is nothing to read before the first attempt. Its request id is made of whose it
is and of which event, so that the vendor repeats its answer instead of making a second one; for how long is not known. So whatever was tried once
and not answered is looked for before it is tried again: by the notes of the customer, of which each has a mark of ours at its end (R2, R24).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure, Rejected
from common.http.call import Api
from vendors.absorbing import Absorbed, ActDone, Doubted, Fact, Refused, Seen
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Look, Nothing, Sending, Skip, Step, Work
from vendors.block import BlockLine
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.quickbooks import attachables, wire
from vendors.quickbooks.company_target import CompanyTarget
from vendors.quickbooks.errors import QB_NOT_FOUND, QB_NOTE_REFUSED
from vendors.target_record import TargetRecord

KEY, CUSTOMER, TEXT = "key", "customer_id", "text"
_ONE_BY_ONE, _CLOSED = "under", "closed"
# Beside the moment and the mark, of the two thousand that a note may have.
LONGEST = 1_900
FIELDS = FieldCatalogue(
    (
        CatalogueField(KEY, "Event and customer", "text", required=True),
        CatalogueField(CUSTOMER, "Customer", "text", required=True),
        CatalogueField("id", "Event", "text", required=True),
        CatalogueField("at", "When it happened", "datetime", required=True),
        CatalogueField(TEXT, "What happened, in words", "text", required=True),
    )
)


class ActivityNoteTarget(CompanyTarget):
    """The document is one event of one customer."""

    mode: Mode = "once"
    looks = 30
    together = 1
    hears = False
    fields = FIELDS

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        customer, key = wire.record_id(str(document.get(CUSTOMER) or "").strip()), str(document.get(KEY) or "")
        return ByMatch(KEY, attachables.key_of(customer, _mark(key))) if customer and key else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        """The notes of one customer are made one after the other, in the order of their records' names."""
        match = self.identify(document)
        return [match.value, f"{_ONE_BY_ONE}:{document[CUSTOMER]}"] if match else []

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "absent" or not work.is_writer:
            return Nothing()
        if not work.key:
            return Skip(SkipReason.REQUIRED_FIELD_MISSING)
        known = work.known.get(work.key, TargetRecord())
        if known.doubtful and work.key not in work.fresh:
            return Look(work.key)
        if known.memory.get(_CLOSED):
            return Skip(SkipReason.NOT_AT_TARGET, "The customer is inactive, or is not there any more.")
        if known.exists or known.met:
            # A note that a person has taken down stays so.
            return Nothing()
        return Act("create", work.key, {TEXT: _note(work.document)}, counts_as="added")

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        match fact:
            case ActDone(act=act, done=done):
                seen = {**act.values, **done.became}
                return Absorbed(replace(known, exists=True, met=True, id=done.id, seen=seen, agreed=act.values, doubtful=False))  # fmt: skip
            case Seen(record=shown):
                met = known.met or bool(shown.exists)
                return Absorbed(replace(known, exists=shown.exists, met=met, id=shown.id or known.id, seen=shown.seen, doubtful=False))  # fmt: skip
            case Doubted():
                return Absorbed(replace(known, doubtful=True))
            case Refused(failure=failure) if failure.code == QB_NOT_FOUND.name:
                return Absorbed(replace(known, memory={_CLOSED: True}))
            case _:
                return Absorbed(known)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        return Done(seen.seen, id=seen.id) if seen.exists else None

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        return bool(seen.exists) and not known.exists

    def brings(self, act: Act) -> bool:
        return True

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        """One note. Repeatable by its request id, for as long as the vendor remembers it."""
        (act,) = acts
        try:
            return await attachables.hang(act.key, act.values[TEXT], api, sending)
        except Rejected as refused:
            raise _refusal(refused) from refused

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        return await attachables.look(keys, api)


def _mark(key: str) -> str:
    """By which a note is known again."""
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def _note(document: Mapping[str, Any]) -> str:
    return str(
        BlockLine(datetime.fromisoformat(str(document["at"])), _mark(document[KEY]), str(document[TEXT])[:LONGEST])
    )


def _refusal(refused: Rejected) -> Rejected:
    """What a refusal of a note is about: notes on customers at all, or this customer."""
    code = {"6000": QB_NOTE_REFUSED, "2500": QB_NOT_FOUND}.get(refused.vendor_code)
    if code is None:
        return refused
    return Rejected(
        code.name, code.meaning, vendor_status=refused.vendor_status, vendor_code=refused.vendor_code, vendor_words=refused.vendor_words,
        vendor_request_id=refused.vendor_request_id,
    )  # fmt: skip
