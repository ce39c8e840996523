"""Payments as notes under their invoice, or under the customer where an edition has no invoices: each is said once, and what becomes of it later.

A note has no field of ours, so its last line is our mark: which share of a payment it tells of, for the how manieth time, and what it said. Before
anything is written the notes of the parent are read, and after an outcome that nobody saw again (R2, R21). What was said is never changed: an
amount that is another one by now, and a payment that was taken back, are a further note. A note that a person has removed stays removed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure, Rejected
from common.http.call import Api, Call
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Look, Nothing, Sending, Step, Wait, Work
from vendors.catalogue import AskedField, CatalogueField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.target_record import TargetRecord
from vendors.zoho import knowing
from vendors.zoho_crm import module_writes, note_looks
from vendors.zoho_crm.module_facts import ModuleFacts
from vendors.zoho_crm.module_plan import ROWS, TargetModule
from vendors.zoho_crm.module_wire import KEY
from vendors.zoho_crm.modules import ModuleTarget
from vendors.zoho_crm.note_looks import AMOUNT, BACK, INVOICE, MODULE, PARENT, TIMES
from vendors.zoho_crm.note_words import content, title
from vendors.zoho_crm.reader import ModuleReader
from vendors.zoho_crm.write_codes import ZC_FIELD_REFUSED, refused

NOTE, UNDER = "note", "under"
_NOTES = TargetModule(ModuleReader("note", "Notes", "Notes", ()))
_MODULES = {Entity("customer"): "Accounts", Entity("person"): "Contacts", Entity("sales_invoice"): "Invoices"}
_FIELDS = (
    CatalogueField(KEY, "Payment and invoice", "text"),
    CatalogueField(UNDER, "Under the invoice, or under the customer", "choice", choices=(INVOICE, "customer")),
    CatalogueField("invoice_id", "Invoice", "text"),
    CatalogueField("customer_id", "Customer", "text"),
    CatalogueField("amount", "Amount", "money"),
    CatalogueField("currency", "Currency", "text"),
    CatalogueField("paid_on", "Day", "date"),
    CatalogueField("method", "How it was paid", "text"),
    CatalogueField("reference", "Reference", "text"),
)


class NoteTarget(ModuleTarget):
    """The document is a share of a payment, and `key`: its id at the other system. What is said by one note is repeated by no other."""

    mode: Mode = "once"
    key_missing = key_invalid = SkipReason.REQUIRED_FIELD_MISSING
    looks = 20
    choices = Choices(gone=(NOTE, "leave"), on_delete=NOTE, on_filtered="leave", without_key="leave")
    facts_in_parts: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__(_NOTES)

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        key, parent = str(document.get(KEY) or ""), _parent(document)
        return ByMatch(KEY, note_looks.key_of(parent.entity, parent.record, key)) if key and parent.record else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        """Notes of one parent are written one after the other."""
        match, parent = self.identify(document), _parent(document)
        return [match.value, f"under:{parent.entity}:{parent.record}"] if match else []

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "absent":
            return _taken_back(work)
        parent = _parent(work.document)
        if parent not in work.linked:
            return Wait(parent)
        known = work.known.get(work.key, TargetRecord())
        if (known.exists is None or known.doubtful) and work.key not in work.fresh:
            return Look(work.key)
        amount = note_looks.figure(work.document.get("amount"), str(work.document.get("currency") or ""))
        if known.seen.get(AMOUNT) == amount or (known.met and not known.exists):
            return Nothing()
        module = _MODULES[work.linked_as.get(parent, Entity("sales_invoice"))]
        return _said(work, known, amount, {PARENT: work.linked[parent], MODULE: module})

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        values = attempt.act.values
        told = seen.exists and seen.seen.get(TIMES, 0) >= values[TIMES]
        return Done(seen.seen, id=seen.id) if told else None

    def brings(self, act: Act) -> bool:
        return bool(act.values.get(TIMES) == 1)

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return knowing.drifted(known, seen, (AMOUNT, TIMES))

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        """Nothing: a note has the same three fields everywhere."""
        return ModuleFacts(known=False)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        return await note_looks.look(keys, api)

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        call = Call(
            "POST", "/Notes", "notes.create", json={"data": [_row(act) for act in acts], "trigger": []}, writes=True,
            priority=sending.priority, before_send=sending.before_send,
        )  # fmt: skip
        try:
            answer = await api.call(call)
        except Rejected as refusal:
            raise module_writes.refusal_of(refusal) from refusal
        return module_writes.answered(self._module, acts, answer)

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return FieldCatalogue(_FIELDS)

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        paths = ", ".join(one.path for one in asked)
        raise refused(ZC_FIELD_REFUSED, f"Notes have no fields of an account's own. Asked for: {paths}.")


def _parent(document: Mapping[str, Any]) -> RecordRef:
    entity = str(document.get(UNDER) or INVOICE)
    return RecordRef(entity=Entity(entity), record=RecordId(str(document.get(f"{entity}_id") or "")))


def _said(work: Work, known: TargetRecord, amount: str, under: Mapping[str, Any]) -> Act:
    """The first note, or a further one that says what is so now."""
    times = int(known.seen.get(TIMES, 0)) + 1
    share = str(work.document[KEY])
    before = str(known.seen.get(AMOUNT) or "")
    values = {
        AMOUNT: amount, TIMES: times, **under, "title": title(work.document, amount, before),
        "text": content(work.document, share, times, amount, before),
    }  # fmt: skip
    return Act(NOTE, work.key, values, counts_as="updated" if before else "added", batch=NOTE, most=ROWS)


def _taken_back(work: Work) -> Step:
    key = work.key or next(iter(work.leaving), "")
    if work.document.get("how") != NOTE or not key:
        return Nothing()
    known = work.known.get(key, TargetRecord())
    if (known.exists is None or known.doubtful or not known.seen.get(PARENT)) and key not in work.fresh:
        return Look(key)
    if not known.exists or known.seen.get(AMOUNT) == BACK:
        return Nothing()
    times, share = int(known.seen.get(TIMES, 0)) + 1, note_looks.share_of(key)
    values = {
        AMOUNT: BACK, TIMES: times, PARENT: known.seen[PARENT], MODULE: known.seen[MODULE],
        "title": title({}, BACK, ""), "text": content({}, share, times, BACK, str(known.seen.get(AMOUNT) or "")),
    }  # fmt: skip
    return Act(NOTE, key, values, counts_as="removed", batch=NOTE, most=ROWS)


def _row(act: Act) -> dict[str, Any]:
    parent = {"module": {"api_name": act.values[MODULE]}, "id": act.values[PARENT]}
    return {"Note_Title": act.values["title"], "Note_Content": act.values["text"], "Parent_Id": parent}
