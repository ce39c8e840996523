"""The notes of customers, into which people write too: the newest lines of a customer's activity between two marks of ours (R26).

In: what is known of the activity. Out: a sparse update of `Notes` alone, with the version of the very answer that the text was made from, so that no
amount and no other field can move; thirty customers a call. A version that is not the newest is refused by the vendor: the customer is read by
id, and its notes are rendered anew. A crash after a call leaves an intent whose outcome one look tells (`landed`); sent once more with the same
version it would be refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure
from common.http.call import Api
from vendors.absorbing import Absorbed, Fact, TargetEvent
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Look, Nothing, Sending, Skip, Step, Work, key_of_id
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.quickbooks import note_knowing, note_writes, wire
from vendors.quickbooks.company_target import CompanyTarget
from vendors.quickbooks.note_knowing import ACTIVE, NOTES, SHOWN, TOKEN, token_of
from vendors.quickbooks.note_text import HandsOff, ShownBefore, head_in, ids_in, newly_shown, shown_by, wanted
from vendors.target_record import TargetRecord

KEY = "customer_id"
FIELDS = FieldCatalogue(
    (
        CatalogueField(KEY, "Customer", "text", required=True),
        CatalogueField("standing", "Standing, in a word", "text"),
        CatalogueField("open_rate", "Share of mails that were opened", "number"),
        CatalogueField("click_rate", "Share of mails in which something was clicked", "number"),
        CatalogueField("lines", "Newest activity", "parts"),
        CatalogueField("longest", "Letters that notes may have: 1024 or 2000", "number"),
    )
)


class NotesTarget(CompanyTarget):
    """The document is whose notes they are, how the customer stands, and the newest lines of its activity."""

    mode: Mode = "rendered"
    looks = 1
    together = note_writes.ROWS
    hears = True
    fields = FIELDS

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        id = wire.record_id(str(document.get(KEY) or "").strip())
        return ByMatch(KEY, key_of_id(id)) if id else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match = self.identify(document)
        return [match.value] if match else []

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "absent" or not work.is_writer:
            return Nothing()
        if not work.key:
            return Skip(SkipReason.NOT_AT_TARGET, "This is no id of a customer in QuickBooks.")
        known = work.known.get(work.key, TargetRecord())
        if (known.exists is None or known.doubtful) and work.key not in work.fresh:
            return Look(work.key)
        if not known.exists:
            return Skip(SkipReason.NOT_AT_TARGET)
        return _rendered(work, known)

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        return note_knowing.absorb(known, fact)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        """Others may have written around our block since: the lines that came with the act are what shows it."""
        act = attempt.act
        if not seen.exists or token_of(seen.seen) <= int(act.memory[TOKEN]):
            return None
        new, text = act.memory["new"], str(seen.seen.get(NOTES) or "")
        ours = ids_in(text).issuperset(new) if new else head_in(text) == act.memory["head"]
        if not ours and text != act.values[NOTES]:
            return None
        is_newest = token_of(seen.seen) == int(act.memory[TOKEN]) + 1
        return Done(seen.seen, id=seen.id, stamp=seen.stamp if is_newest else None)

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        return self.landed(attempt, seen) is not None and self.landed(attempt, known) is None

    def brings(self, act: Act) -> bool:
        return False

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        return note_knowing.parsed(event)

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        """One call. Repeatable by its version: what has arrived already is refused."""
        return await note_writes.write(acts, api, sending)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        """By id, which does not lag: text and version of one answer (R26)."""
        return {key: await note_writes.read(key, api) for key in keys}


def _rendered(work: Work, known: TargetRecord) -> Step:
    if known.seen.get(ACTIVE) is False:
        return Skip(SkipReason.INACTIVE, "QuickBooks takes no notes of somebody inactive.")
    text, shown = str(known.seen.get(NOTES) or ""), ShownBefore.of(known.memory.get(SHOWN) or {})
    found = wanted(text, work.document, shown)
    if isinstance(found, HandsOff):
        return Skip(SkipReason.HANDS_OFF, found.words)
    if found == text:
        return Nothing()
    memory = {
        "id": known.id, TOKEN: token_of(known.seen), SHOWN: shown_by(work.document), "new": newly_shown(text, found),
        "head": head_in(found),
    }  # fmt: skip
    return Act(
        "render", work.key, {NOTES: found}, batch="render", most=note_writes.ROWS, memory=memory, is_of_one_answer=True
    )
