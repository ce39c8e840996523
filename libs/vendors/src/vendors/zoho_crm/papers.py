"""Invoices of another system as invoices of Zoho CRM, for the people who sell: found by our own field, and never taken away.

The vendor wants a line on a product in each invoice and adds lines up by itself. What the other system says of status, total, balance and
days is in fields of our own, which nothing recomputes; a line is there because there has to be one. It is on the product whose code is the
line's SKU, else on one product that stands for all others and is made once, by an upsert by its name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from common.contracts.ids import Entity
from common.contracts.outcomes import SkipReason
from common.failures import Failure
from common.http.call import Api
from vendors.absorbing import Absorbed, Fact, Seen
from vendors.acts import Act, Answered, Look, Nothing, Sending, Step, Work
from vendors.catalogue import FieldCatalogue
from vendors.choices import Choices
from vendors.target_record import TargetRecord
from vendors.zoho_crm import module_facts, paper_products
from vendors.zoho_crm.columns import LINES, LinesColumn
from vendors.zoho_crm.module_facts import ModuleFacts
from vendors.zoho_crm.module_plan import TargetModule
from vendors.zoho_crm.modules import ModuleTarget
from vendors.zoho_crm.readers import READERS

STATUS, DELETED = "custom.Books_Status", "deleted"
SAYS_SO = "status"
"""What becomes of an invoice that is gone at the source: our field says so."""
_CUSTOMER, _PERSON = Entity("customer"), Entity("person")
_READER = READERS["sales_invoice"]
INVOICES = TargetModule(
    replace(_READER, columns=(*_READER.columns, LinesColumn(_READER.lines))),
    parents={"customer_id": _CUSTOMER}, goes_as={("customer_id", _PERSON): "person_id"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PaperFacts(ModuleFacts):
    """What is known of the module, and the products that lines were on so far."""

    products: dict[str, str] = field(default_factory=dict)


class PaperTarget(ModuleTarget):
    """The document is the neutral invoice, as far as the mapping fills it, and `key`: its id at the other system."""

    key_missing = key_invalid = SkipReason.REQUIRED_FIELD_MISSING
    choices = Choices(gone=(SAYS_SO, "leave"), on_delete=SAYS_SO, on_filtered="leave", without_key="leave")

    def __init__(self) -> None:
        super().__init__(INVOICES)

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "absent":
            return _says_so(work)
        step = super().plan(work, facts)
        if isinstance(step, Act) and LINES in step.values:
            # What is compared is quantities and prices; what is sold is sent with them.
            return replace(step, memory={**step.memory, LINES: list(work.document[LINES])})
        return step

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        """A list shows no lines: they are what they were."""
        if isinstance(fact, Seen) and fact.record.exists and LINES not in fact.record.seen and LINES in known.seen:
            fact = replace(fact, record=replace(fact.record, seen={**fact.record.seen, LINES: known.seen[LINES]}))
        return super().absorb(known, fact)

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        read = await module_facts.read(self._module.reader.module, api)
        return PaperFacts(read.fields, read.known)

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        """Sent twice it is there once, its product too."""
        if not any(LINES in act.values for act in acts):
            return await super().apply(place, acts, facts, api, sending)
        known = facts.products if isinstance(facts, PaperFacts) else {}
        ready = await paper_products.with_lines(acts, self._module.reader, known, api, sending)
        return await super().apply(place, ready, facts, api, sending)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        return {key: _compared(one) for key, one in (await super().look(place, keys, api)).items()}

    def catalogue_of(self, facts: ModuleFacts) -> FieldCatalogue:
        """A person is given by the customer's link; what the vendor wants of each invoice is asked for only of one that is made."""
        found = super().catalogue_of(facts)
        shown = [replace(one, required=False) for one in found.fields if one.path != "person_id"]
        return replace(found, fields=tuple(shown))


def _compared(found: TargetRecord | Failure) -> TargetRecord | Failure:
    if isinstance(found, Failure) or LINES not in found.seen:
        return found
    lines = LinesColumn(_READER.lines).plain(found.seen[LINES])
    return replace(found, seen={**found.seen, LINES: lines})


def _says_so(work: Work) -> Step:
    """Of an invoice that was deleted there is no other sign in the vendor's pages."""
    key = work.key or next(iter(work.leaving), "")
    if work.document.get("how") != SAYS_SO or not key:
        return Nothing()
    known = work.known.get(key, TargetRecord())
    if (known.exists is None or known.doubtful) and key not in work.fresh:
        return Look(key)
    if not known.exists or known.seen.get(STATUS) == DELETED:
        return Nothing()
    return Act("update", key, {STATUS: DELETED}, counts_as="removed", memory={"id": known.id})
