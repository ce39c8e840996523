"""Everything that is written to Zoho CRM, by our name of it."""

from __future__ import annotations

from collections.abc import Mapping

from common.contracts.ids import Entity
from vendors.target import Target
from vendors.zoho_crm import modules
from vendors.zoho_crm.deals import DealTarget
from vendors.zoho_crm.notes import NoteTarget
from vendors.zoho_crm.papers import PaperTarget
from vendors.zoho_crm.summaries import SummaryTarget

TARGETS: Mapping[Entity, Target] = {
    **modules.TARGETS,
    Entity("sales_invoice"): PaperTarget(),
    Entity("deal"): DealTarget(),
    Entity("note"): NoteTarget(),
    Entity("summary"): SummaryTarget(),
}
