"""What the vendor's own sync with its CRM leaves in Books: which account, contact or deal a record belongs to (sheet, section 4)."""

from __future__ import annotations

from dataclasses import replace

from sandbox.zoho_books.call import Change
from sandbox.zoho_books.contact_views import contact_detail
from sandbox.zoho_books.invoice_views import invoice_detail
from sandbox.zoho_books.organisation import Organisation


def link(org: Organisation, wanted: dict[str, object], now: int, changes: list[Change]) -> dict[str, object]:
    """A contact with its account and contact there, or an invoice with its deal; no ids end the link."""
    if wanted.get("invoice_id"):
        return _invoice(org, str(wanted["invoice_id"]), _id(wanted, "zcrm_potential_id"), now, changes)
    contact = org.contacts.get(str(wanted.get("contact_id")))
    if contact is None:
        raise ValueError(f"there is no contact {wanted.get('contact_id')}")
    account_id, contact_id = _id(wanted, "zcrm_account_id"), _id(wanted, "zcrm_contact_id")
    linked = replace(
        contact,
        modified=now,
        crm_linked=bool(account_id or contact_id),
        crm_account_id=account_id,
        crm_contact_id=contact_id,
    )
    org.contacts.put(linked, now)
    changes.append(Change("contact", "update", linked.id, frozenset(), {"contact": contact_detail(org, linked)}))
    return {"contact_id": linked.id, "is_linked_with_zohocrm": linked.crm_linked}


def _invoice(org: Organisation, id_: str, deal_id: str, now: int, changes: list[Change]) -> dict[str, object]:
    invoice = org.invoices.get(id_)
    if invoice is None:
        raise ValueError(f"there is no invoice {id_}")
    linked = replace(invoice, modified=now, crm_deal_id=deal_id)
    org.invoices.put(linked, now)
    document = {"invoice": invoice_detail(org, linked, org.today(now))}
    changes.append(Change("invoice", "update", linked.id, frozenset(), document))
    return {"invoice_id": linked.id, "zcrm_potential_id": deal_id}


def _id(wanted: dict[str, object], name: str) -> str:
    value = wanted.get(name) or ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is an id, as text")
    return value
