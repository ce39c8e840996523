"""What is known of deals elsewhere, in fields of our own: only deals that are there already, and nothing else of them is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from common.contracts.outcomes import SkipReason
from vendors.acts import ByMatch, Skip, Step, Work, key_of_id
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.choices import Choices
from vendors.zoho_crm import wire
from vendors.zoho_crm.module_facts import ModuleFacts
from vendors.zoho_crm.module_plan import TargetModule
from vendors.zoho_crm.module_wire import CUSTOM, KEY
from vendors.zoho_crm.modules import ModuleTarget
from vendors.zoho_crm.readers import READERS

DEALS = TargetModule(replace(READERS["deal"], ours="id"))


class DealTarget(ModuleTarget):
    """The document is our fields, as `custom.<name>`, and `key`: the vendor's own id of the deal."""

    key_missing = key_invalid = SkipReason.REQUIRED_FIELD_MISSING
    choices = Choices(gone=("leave",), on_delete="leave", on_filtered="leave", without_key="leave")

    def __init__(self) -> None:
        super().__init__(DEALS)

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        """What is no id is not asked for: of a look at several records it would have all of them refused."""
        id = wire.record_id(str(document.get(KEY) or "").strip())
        return ByMatch(KEY, key_of_id(id)) if id else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match = self.identify(document)
        return [match.value] if match else []

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "present" and not work.key:
            return Skip(SkipReason.NOT_AT_TARGET, "This is no id of a deal in Zoho CRM.")
        return super().plan(work, facts)

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def catalogue_of(self, facts: ModuleFacts) -> FieldCatalogue:
        found = super().catalogue_of(facts)
        own = [field for field in found.fields if field.path.startswith(CUSTOM)]
        return replace(found, fields=(CatalogueField(KEY, "Id of the deal", "text", required=True), *own))
