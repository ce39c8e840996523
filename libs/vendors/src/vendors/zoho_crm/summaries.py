"""What is known of a customer as one note under its account or contact, where an edition has no fields of its own: rewritten in place.

A note has no field of ours, so its title names the customer at the other system, and a query for the title reads the notes themselves: before
the first one is written, and after an outcome that nobody saw (R2, R24). A note that a person has removed stays removed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from common.failures import Failure, Rejected
from common.http.call import Api, Call
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Look, Nothing, Sending, Skip, Step, Wait, Work
from vendors.answers import reading
from vendors.catalogue import AskedField, CatalogueField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.target_record import TargetRecord
from vendors.zoho import knowing
from vendors.zoho_crm import module_writes, wire
from vendors.zoho_crm.module_facts import ModuleFacts
from vendors.zoho_crm.module_looks import quoted
from vendors.zoho_crm.module_plan import ROWS, TargetModule
from vendors.zoho_crm.module_wire import KEY
from vendors.zoho_crm.modules import ModuleTarget
from vendors.zoho_crm.reader import ModuleReader
from vendors.zoho_crm.summary_words import NOTHING, content, shown, title
from vendors.zoho_crm.write_codes import ZC_FIELD_REFUSED, ZC_SEVERAL, refused

CUSTOMER, PERSON = Entity("customer"), Entity("person")
TEXT, PARENT, MODULE = "text", "parent", "module"
_KEY = "summary:"
_NOTES = TargetModule(ModuleReader("summary", "Notes", "Notes", ()))
_FIELDS = (
    CatalogueField(KEY, "Customer", "text", required=True),
    CatalogueField("status", "Status", "text"),
    CatalogueField("invoiced", "Invoiced, by currency", "parts"),
    CatalogueField("paid", "Paid, by currency", "parts"),
    CatalogueField("outstanding", "To be paid, by currency", "parts"),
    CatalogueField("overdue", "Overdue, by currency", "parts"),
    CatalogueField("last_invoice_on", "Last invoice", "date"),
)


class SummaryTarget(ModuleTarget):
    """The document is what is said, and `key`: the customer's id at the other system."""

    key_missing = key_invalid = SkipReason.REQUIRED_FIELD_MISSING
    looks = 50
    choices = Choices(gone=("leave",), on_delete="leave", on_filtered="leave", without_key="leave")
    facts_in_parts: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__(_NOTES)

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        key = str(document.get(KEY) or "").strip()
        return ByMatch(KEY, f"{_KEY}{key}") if key else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match = self.identify(document)
        return [match.value] if match else []

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "absent" or not work.is_writer:
            return Nothing()
        known, text = work.known.get(work.key, TargetRecord()), content(work.document)
        if known.exists and not known.doubtful and known.seen.get(TEXT) == shown(text):
            return Nothing()
        parent = RecordRef(entity=CUSTOMER, record=RecordId(str(work.document[KEY])))
        if parent not in work.linked:
            return Wait(parent)
        if (known.exists is None or known.doubtful) and work.key not in work.fresh:
            return Look(work.key)
        if not known.exists:
            return self._first(work, known, text, parent)
        if known.seen.get(TEXT) == shown(text):
            return Nothing()
        return Act("update", work.key, {TEXT: shown(text)}, batch="update", most=ROWS, memory={"id": known.id})

    def _first(self, work: Work, known: TargetRecord, text: str, parent: RecordRef) -> Step:
        if known.met:
            return Skip(SkipReason.NOT_AT_TARGET, "Somebody has removed the note.")
        if work.document.get("status") in (None, "", NOTHING):
            # Nothing was ever invoiced: there is nothing to say.
            return Nothing()
        module = "Contacts" if work.linked_as.get(parent) == PERSON else "Accounts"
        values = {TEXT: shown(text), PARENT: work.linked[parent], MODULE: module}
        return Act("create", work.key, values, counts_as="added", batch="create", most=ROWS)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        told = seen.exists and (self.brings(attempt.act) or seen.seen.get(TEXT) == attempt.act.values[TEXT])
        return Done(seen.seen, id=seen.id) if told else None

    def brings(self, act: Act) -> bool:
        return act.action == "create"

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return knowing.drifted(known, seen, (TEXT,))

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        """Nothing: a note has the same three fields everywhere."""
        return ModuleFacts(known=False)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        """One query for all of them: a customer has one note, so two hundred rows are plenty for fifty."""
        titles = {title(key.removeprefix(_KEY)).casefold(): key for key in keys}
        listed = ", ".join(quoted(title(key.removeprefix(_KEY))) for key in keys)
        query = f"select Note_Title, Note_Content, Parent_Id from Notes where Note_Title in ({listed}) order by id asc limit 0, 200"  # noqa: S608 - quoted
        rows = await _rows(Call("POST", "/coql", "summaries.find", json={"select_query": query}), api)
        its: dict[str, list[Mapping[str, Any]]] = {key: [] for key in keys}
        for row in rows:
            key = titles.get((wire.text(row.get("Note_Title")) or "").casefold())
            if key is not None:
                its[key].append(row)
        return {key: _one(some) for key, some in its.items()}

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        rows = [_row(act) for act in acts]
        method = "POST" if acts[0].action == "create" else "PUT"
        call = Call(
            method, "/Notes", f"summaries.{acts[0].action}", json={"data": rows, "trigger": []}, writes=True,
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


def _row(act: Act) -> dict[str, Any]:
    if act.action == "update":
        return {"id": act.memory["id"], "Note_Content": act.values[TEXT]}
    parent = {"module": {"api_name": act.values[MODULE]}, "id": act.values[PARENT]}
    return {"Note_Title": title(act.key.removeprefix(_KEY)), "Note_Content": act.values[TEXT], "Parent_Id": parent}


def _one(rows: Sequence[Mapping[str, Any]]) -> TargetRecord | Failure:
    """R24: several are a question, and not the first of them."""
    if len(rows) > 1:
        return refused(ZC_SEVERAL, f"They are {', '.join(str(row['id']) for row in rows[:10])}.")
    if not rows:
        return TargetRecord(exists=False)
    text = shown(wire.text(rows[0].get("Note_Content")) or "")
    return TargetRecord(exists=True, met=True, id=str(rows[0]["id"]), seen={TEXT: text})


async def _rows(call: Call, api: Api) -> list[Mapping[str, Any]]:
    answer = await api.call(call)
    if not answer.body:
        return []
    with reading(answer):
        return list(wire.body_of(answer.body)["data"])
