"""Orders as invoices of Zoho Books, each made once, with its payments under the same lease (R23 to R25).

`invoice_plan.py` says which act comes next; here it becomes a call. What makes each repeatable:

create           the unique field of the organisation; without one, a look after the horizon and the lag of lists
revise, adjust   the same values again
post, void       a status that it has already
pay              the unique field of payments; without one, the shop's id of the transaction as the reference, read under the invoice
credit           a look by the refund's key before each; the unique field of credit notes where there is one
give_back        the shop's id of the transaction as the reference, read under the credit note; apply: what the note shows as set off
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure, Rejected
from common.http.call import Api
from vendors.absorbing import Absorbed, Fact, TargetEvent
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Sending, Step, Work
from vendors.catalogue import AskedField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.deferred import Deferred
from vendors.grant import Place
from vendors.target_record import TargetRecord
from vendors.zoho_books import (
    invoice_calls,
    invoice_crediting,
    invoice_doubles,
    invoice_paying,
    invoice_plan,
    invoice_refusals,
    knowing,
    making,
    organisation_lists,
    writes,
)
from vendors.zoho_books.invoice_codes import ZB_NO_FIELD_BY_API, refused
from vendors.zoho_books.invoice_fields import FIELDS
from vendors.zoho_books.invoice_paths import (
    ADJUSTMENT,
    APPLIED,
    CONTENT,
    CREDIT,
    DOUBLE,
    GIVEN,
    PAYMENT,
    STATUS,
    carries,
)
from vendors.zoho_books.organisation_facts import OrganisationFacts


class InvoiceTarget:
    """The document is the neutral order, with `key`, and perhaps `post` and `customer`."""

    mode: Mode = "once"
    places_name = "organisation"
    looks = together = 1
    key_missing = SkipReason.REQUIRED_FIELD_MISSING
    key_invalid = SkipReason.UNMAPPABLE
    choices = Choices(gone=("void", "leave"), on_delete="leave", on_filtered="leave", without_key="leave")
    facts_in_parts = organisation_lists.PARTS
    hears: bool = False
    deferred: Deferred | None = None

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        key = str(document.get("key") or "").strip()
        return ByMatch("key", key) if key else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        """R23: payments have no lease of their own, because nobody writes them but under their order's; nor have credit notes, but keys."""
        match = self.identify(document)
        return [match.value, *invoice_crediting.keys(match.value, document)] if match else []

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"how": how}

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def plan(self, work: Work, facts: object | None) -> Step:
        return invoice_plan.next_step(work, facts)

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        return invoice_paying.learnt(knowing.absorb(known, fact, waits_for_lists=True), fact)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        act = attempt.act
        if making.is_ours(act.key):
            return making.landed(act, seen)
        if not seen.exists or not all(_is_so(seen, path, value, act) for path, value in act.values.items()):
            return None
        return Done(seen.seen, id=seen.id)

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        return self.landed(attempt, seen) is not None and self.landed(attempt, known) is None

    def brings(self, act: Act) -> bool:
        return act.action == "create"

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return knowing.drifted(known, seen, (CONTENT, ADJUSTMENT)) or invoice_doubles.are_seen(seen)

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        return None

    def urgent(self, known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
        return False

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        if not isinstance(before, OrganisationFacts):
            return await organisation_lists.read_facts(api)
        return await organisation_lists.renewed(before, lacking, api)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        (key,) = keys
        return {key: await (making.look(key, api) if making.is_ours(key) else invoice_calls.found(key, api))}

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        (act,) = acts
        known = facts if isinstance(facts, OrganisationFacts) else OrganisationFacts()
        if act.action in making.ACTIONS:
            return await _made(act, known, api, sending)
        try:
            answer = await api.call(invoice_calls.write(act, known, sending))
        except Rejected as refusal:
            raise await invoice_refusals.explained(refusal, act, known, api) from refusal
        with writes.reading_a_write(answer):
            return Answered([invoice_calls.done(act, answer)], answer)

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        return writes.organisation_of(connection)

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return FieldCatalogue(FIELDS)

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        raise refused(ZB_NO_FIELD_BY_API, f"Asked for: {', '.join(one.path for one in asked)}.")


async def _made(act: Act, known: OrganisationFacts, api: Api, sending: Sending) -> Answered:
    try:
        answer = await api.call(making.write(act, sending))
    except Rejected as refusal:
        raise making.taken(refusal) from refusal
    with writes.reading_a_write(answer):
        return Answered([making.done(act, answer, known)], answer)


def _is_so(seen: TargetRecord, path: str, value: Any, act: Act) -> bool:
    """Whether what was seen shows this value of an act; others may have gone on since."""
    if path == CONTENT:
        return act.action == "create" or carries(seen.seen[CONTENT], value)
    if path.startswith(DOUBLE):
        return path not in seen.seen
    if path == CREDIT:
        return True
    if path == ADJUSTMENT:
        return act.action == "create" or seen.seen.get(ADJUSTMENT) == value
    if path == STATUS:
        return seen.seen[STATUS] == "void" if value == "void" else seen.seen[STATUS] not in ("draft", "void")
    # A balance goes on with every payment: the payment itself is what tells.
    return path in seen.seen if path.startswith((PAYMENT, GIVEN, APPLIED)) else True
