"""Zoho's own sync between Books and CRM, which marks the customers that it keeps in step (sheet of Books, section 4)."""

from __future__ import annotations

from common.codes import Code, register
from common.contracts.ids import Entity, VendorName
from vendors.own_sync import OwnSync

ZB_OWN_CRM_SYNC = Code(
    "ZB_OWN_CRM_SYNC",
    "Zoho Books keeps its customers in step with Zoho CRM by a sync of its own: two syncs of the same records would answer one another without end.",
    "Switch the integration with Zoho CRM off in the settings of Zoho Books, then apply or resume the sync; where only its marks are left on "
    "customers, say `options: {own_sync: ended}` in a leg.",
    "owner",
    False,
)
register(ZB_OWN_CRM_SYNC)

BOOKS_WITH_CRM = OwnSync(Entity("customer"), "kept_by_own_sync", VendorName("zoho-crm"), ZB_OWN_CRM_SYNC)
