"""A lead becomes a contact of an account, and when wanted a deal (sheet, section 5: five credits)."""

from __future__ import annotations

from typing import Any

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.changing import Rows, entry_of
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.record_api import rows_of
from sandbox.zoho_crm.refusals import Document, RowRefusal, at_field
from sandbox.zoho_crm.verdicts import judged, success


def convert(call: Call) -> Reply:
    leads = Rows(call, call.org.modules["Leads"])

    def judge(given: Any, path: str) -> Document:
        lead = leads.by_id(call.ids["id"], f"{path}.id")
        leads.may_change(lead)
        if lead.converted:
            raise RowRefusal("ID_ALREADY_CONVERTED", "id already converted", at_field("id", f"{path}.id"))
        return success("The record has been converted successfully", converted(call, lead, entry_of(given, path), path))

    return judged(rows_of(call, most=1), judge)


def converted(call: Call, lead: Record, wanted: Document, path: str) -> Document:
    """The records that a lead becomes. It stays, marked, and is left out of lists."""
    org, values = call.org, lead.values
    account = Rows(call, org.modules["Accounts"]).insert(
        {"Account_Name": values.get("Company") or values["Last_Name"]}, path
    )
    kept = {name: values.get(name) for name in ("First_Name", "Last_Name", "Email", "Phone", "Mobile", "Lead_Source")}
    contact = Rows(call, org.modules["Contacts"]).insert({**kept, "Account_Name": {"id": account.id}}, path)
    details: Document = {"Accounts": _named(call, "Accounts", account), "Contacts": _named(call, "Contacts", contact)}
    deal = wanted.get("Deals")
    if isinstance(deal, dict):
        to = {"Account_Name": {"id": account.id}, "Contact_Name": {"id": contact.id}}
        made = Rows(call, org.modules["Deals"]).insert({**deal, **to}, f"{path}.Deals")
        details["Deals"] = _named(call, "Deals", made)
    lead.converted, lead.modified, lead.modified_by = True, call.now, call.user.id
    call.wrote("Leads", lead, "update", {})
    return details


def _named(call: Call, module: str, record: Record) -> Document:
    return {"name": call.org.title(module, record), "id": record.id}
