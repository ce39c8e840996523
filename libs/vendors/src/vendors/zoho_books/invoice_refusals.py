"""What Books means by refusing an invoice: our key is taken, the customer is not there any more, is inactive, or has another currency.

Its words name a field at best. So the customer is read by id then, and by nothing else before (decision 52): no order costs a call for it.
"""

from __future__ import annotations

from typing import Any

from common.failures import Conflict, Failure, Rejected
from common.http.call import Api
from vendors.acts import Act
from vendors.zoho_books import making
from vendors.zoho_books.errors import ZB_INVALID_VALUE
from vendors.zoho_books.invoice_codes import (
    ZB_CUSTOMER_CURRENCY,
    ZB_CUSTOMER_GONE,
    ZB_CUSTOMER_INACTIVE,
    ZB_DRAFT_TAKES_NO_PAYMENT,
    ZB_KEY_TAKEN,
    ZB_PERIOD_LOCKED,
    refused,
)
from vendors.zoho_books.invoice_paths import CONTENT
from vendors.zoho_books.invoice_paying import is_for_draft
from vendors.zoho_books.lookups import CONTACT
from vendors.zoho_books.organisation_facts import OrganisationFacts

_MODULE_OF = {"create": "invoice", "pay": "payment", "credit": "creditnote"}
# The vendor does not document this refusal: its words are all that there is.
_LOCKED = "locked"
_OF_A_CUSTOMER = ("customer", "contact", "currency")


async def explained(refusal: Rejected, act: Act, facts: OrganisationFacts, api: Api) -> Failure:
    """The same refusal in words that say what to do, where that can be found out.

    Why a payment for a draft is refused is seen when the invoice is posted, and the payment is made again.
    """
    if _names_our_key(refusal, act, facts):
        # R24: ours has landed before, or somebody else's has: that is read, and decided again.
        return Conflict(ZB_KEY_TAKEN.name, ZB_KEY_TAKEN.meaning, **_as_said(refusal))
    if _LOCKED in (refusal.vendor_words or "").casefold():
        words = f"{ZB_PERIOD_LOCKED.meaning} {refusal.vendor_words}"
        return Rejected(ZB_PERIOD_LOCKED.name, words, **_as_said(refusal))
    if is_for_draft(act) and refusal.about == "call":
        return Rejected(ZB_DRAFT_TAKES_NO_PAYMENT.name, ZB_DRAFT_TAKES_NO_PAYMENT.meaning, **_as_said(refusal))
    words = (refusal.vendor_words or "").casefold()
    if CONTENT in act.values and any(one in words for one in _OF_A_CUSTOMER):
        return await _of_customer(refusal, act, facts, api)
    return refusal


async def _of_customer(refusal: Rejected, act: Act, facts: OrganisationFacts, api: Api) -> Failure:
    content, words = act.values[CONTENT], (refusal.vendor_words or "").casefold()
    customer = str(content["customer_id"])
    there = await making.look(CONTACT + customer, api)
    if isinstance(there, Failure):
        return refusal
    if not there.exists:
        return refused(ZB_CUSTOMER_GONE, f"Its id was {customer}.")
    name = f"{there.seen['name']} ({customer})"
    if there.seen["status"] != "active":
        facts.inactive.add(customer)
        if not act.memory.get(making.REACTIVATE):
            return refused(ZB_CUSTOMER_INACTIVE, f"{name}.")
        return Conflict(ZB_CUSTOMER_INACTIVE.name, f"{ZB_CUSTOMER_INACTIVE.meaning} {name}.", **_as_said(refusal))
    code = next((code for code, id in facts.currencies.items() if id == content["currency_id"]), "")
    if "currency" in words and there.seen["currency"] not in ("", code):
        return refused(ZB_CUSTOMER_CURRENCY, f"{name} has {there.seen['currency']}, the order {code}.")
    return refusal


def _names_our_key(refusal: Rejected, act: Act, facts: OrganisationFacts) -> bool:
    field = facts.unique.get(_MODULE_OF.get(act.action, ""))
    words = (refusal.vendor_words or "").casefold()
    if field is None or refusal.code != ZB_INVALID_VALUE.name:
        return False
    return field.name.casefold() in words or field.label.casefold() in words


def _as_said(refusal: Rejected) -> dict[str, Any]:
    """The vendor's own part of it."""
    return {
        name: getattr(refusal, name) for name in ("vendor_status", "vendor_code", "vendor_words", "vendor_request_id")
    }
