"""Mailing lists: what there is, and a new one (sheet, section 3)."""

from __future__ import annotations

from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.paging import listed
from sandbox.zoho_campaigns.records import ACTIVE, BOUNCED, UNSUBSCRIBED, MailingList
from sandbox.zoho_campaigns.refusals import Document, Refusal, at_gateway
from sandbox.zoho_campaigns.subscribing import add_addresses, addresses_in

LONGEST_NAME = 100


def get_mailing_lists(call: Call) -> Document:
    page, told = listed(call, list(call.account.lists.values()), "995")
    return told | {"list_of_details": [_row(call, one) for one in page]}


def _row(call: Call, one: MailingList) -> Document:
    """Numbers are text, or are numbers: which of them is not known."""
    numbers = {
        "listunino": int(one.number), "noofcontacts": one.count(ACTIVE), "noofunsubcnt": one.count(UNSUBSCRIBED),
        "noofbouncecnt": one.count(BOUNCED), "created_date": one.created * 1000, "zuid": int(one.owner_zuid or 0),
    }  # fmt: skip
    shown = numbers if call.switches.row_numbers == "numbers" else {key: str(value) for key, value in numbers.items()}
    return {
        "listkey": one.key, "listname": one.name, **shown, "is_public": str(one.has_form).lower(), "lockstatus": "unlocked",
        "owner": one.owner, "segments": [],
    }  # fmt: skip


def add_list_and_contacts(call: Call) -> Document:
    """A new list with up to ten addresses; a name that is taken has the code of a plan that is full."""
    name, form = call.given("listname").strip(), call.given("signupform")
    if call.given("mode") != "newlist" or form not in ("public", "private") or not 0 < len(name) <= LONGEST_NAME:
        raise at_gateway("1001")
    if any(one.name.lower() == name.lower() for one in call.account.lists.values()):
        raise Refusal("2302", "Duplicate list is found.")
    wanted = addresses_in(call.given("emailids"))
    made = call.account.add_list(name, call.owner, call.now, has_form=form == "public")
    made.description = call.given("listdescription")
    call.noted("list", made.key, "create")
    add_addresses(call, made, wanted)
    return {"message": "List created and contacts added successfully.", "listkey": made.key, "listname": made.name}
