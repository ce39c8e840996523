"""Who is in a list, and how many (sheet, section 3): by state, and never by address."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.paging import listed
from sandbox.zoho_campaigns.records import ACTIVE, BOUNCED, SPAM, UNSUBSCRIBED, MailingList, Member
from sandbox.zoho_campaigns.refusals import Document, at_gateway

DAY = 86_400
RECENT, MOST_RECENT = 30 * DAY, 7 * DAY
SHOWN = (("firstname", "First Name"), ("lastname", "Last Name"), ("phone", "Phone"), ("companyname", "Company Name"))
COUNTED = ("", ACTIVE, UNSUBSCRIBED, BOUNCED, SPAM)


def get_list_subscribers(call: Call) -> Document:
    """Rows have an address and four fields, whatever else is stored; spam and do-not-mail have no list."""
    mailing_list = call.list_of("2501")
    fits = _asked(call)
    emails = [email for email, member in mailing_list.members.items() if fits(member)]
    if call.switches.contact_order == "address":
        emails.sort()
    page, told = listed(call, emails, "993" if mailing_list.members else "2203")
    return told | {"list_of_details": [_row(call, email) for email in page]}


def _asked(call: Call) -> Callable[[Member], bool]:
    """The sheet's sample writes "most recent" with a space and without."""
    status = call.given("status") or ACTIVE
    within = {"recent": RECENT, "most recent": MOST_RECENT, "mostrecent": MOST_RECENT}.get(status)
    if within is not None:
        return lambda member: member.status == ACTIVE and member.added > call.now - within
    if status not in (ACTIVE, UNSUBSCRIBED, BOUNCED):
        raise at_gateway("1001")
    return lambda member: member.status == status


def _row(call: Call, email: str) -> Document:
    contact = call.account.contacts[email]
    known = {key: contact.values.get(name, "") for key, name in SHOWN}
    number: object = int(contact.number) if call.switches.row_numbers == "numbers" else contact.number
    return {"contact_email": email, **known, "zuid": number}


def list_subscribers_count(call: Call) -> Document:
    """Without a status everybody whom the list has ever had."""
    mailing_list: MailingList = call.list_of("2401")
    status = call.given("status")
    if status not in COUNTED:
        raise at_gateway("1001")
    many = mailing_list.count(status)
    return {"no_of_contacts": many if call.switches.row_numbers == "numbers" else str(many)}
