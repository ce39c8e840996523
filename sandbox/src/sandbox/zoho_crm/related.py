"""Notes of a record, and its related lists: contacts of an account, deals of both (sheet, section 3)."""

from __future__ import annotations

from typing import Any

from sandbox.zoho_crm.call import Call, Reply, module_of
from sandbox.zoho_crm.changing import Rows, entry_of
from sandbox.zoho_crm.reading import fields_of, listed
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.record_api import added, rows_of
from sandbox.zoho_crm.refusals import Document, invalid_id, invalid_url
from sandbox.zoho_crm.verdicts import judged

# By module: the related list, the module in it, and the field that leads back.
LISTS = {
    "Accounts": {
        "Contacts": ("Contacts", "Account_Name"), "Deals": ("Deals", "Account_Name"),
        "Invoices": ("Invoices", "Account_Name"), "Quotes": ("Quotes", "Account_Name"),
        "SalesOrders": ("Sales_Orders", "Account_Name"), "Child_Accounts": ("Accounts", "Parent_Account"),
    },
    "Contacts": {
        "Deals": ("Deals", "Contact_Name"), "Invoices": ("Invoices", "Contact_Name"), "Quotes": ("Quotes", "Contact_Name"),
    },
    "Deals": {"Quotes": ("Quotes", "Deal_Name"), "Invoices": ("Invoices", "Deal_Name")},
}  # fmt: skip


def parent_of(call: Call) -> Record:
    record = call.org.find(call.module.api_name, call.ids["id"])
    if record is None:
        raise invalid_id()
    return record


def list_notes(call: Call) -> Reply:
    parent = parent_of(call)
    names, key = fields_of(call), (call.ids["module"], parent.id)
    notes = [note for note in call.org.shelves["Notes"] if note.values.get("Parent_Id") == key]
    return listed(call, call.org.modules["Notes"], names, notes)


def create_notes(call: Call) -> Reply:
    """Under their record: the rows need not name it again."""
    parent = parent_of(call)
    rows = Rows(call, call.org.modules["Notes"])
    hangs_on = {"Parent_Id": {"module": {"api_name": call.ids["module"]}, "id": parent.id}}

    def judge(given: Any, path: str) -> Document:
        return added(call, rows.insert({**entry_of(given, path), **hangs_on}, path))

    return judged(rows_of(call), judge, 201)


def list_related(call: Call) -> Reply:
    parent = parent_of(call)
    found = LISTS.get(call.ids["module"], {}).get(call.ids["related"])
    if found is None:
        raise invalid_url()
    name, back = found
    module, names = module_of(call.org, call.switches, name, 2), fields_of(call)
    return listed(call, module, names, call.org.shelves[name].having(back, parent.id))
