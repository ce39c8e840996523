"""One address comes to a list: it is added, changed, asked to confirm, or not let in (sheet, sections 3, 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sandbox.simulator import Operation
from sandbox.zoho_campaigns.addresses import address_of
from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.preferences import take_type
from sandbox.zoho_campaigns.records import ACTIVE, Contact, Mail, MailingList, Member, Waiting
from sandbox.zoho_campaigns.refusals import Refusal, at_gateway
from sandbox.zoho_campaigns.values import merged

DONE = "User successfully subscribed."
ASKED = "A confirmation email is sent to the user. User needs to confirm to successfully subscribe."
SILENCED = "User is in the Do-Not-Mail registry."
LESSER = {
    "unsub": "User has unsubscribed from this list.",
    "bounce": "User has bounced.",
    "spam": "User has marked a mail as spam.",
}
MOST_ADDRESSES = 10


class Wanted(NamedTuple):
    """Who is to be in the list."""

    email: str
    values: dict[str, str]
    topics: tuple[str, ...] = ()
    source: str = ""


def subscribe(call: Call, mailing_list: MailingList, wanted: Wanted) -> str:
    """What the answer says; raises Refusal. Success is told of most of what can happen."""
    if wanted.email in call.account.do_not_mail:
        if call.switches.do_not_mail_answer == "refused":
            raise Refusal("2006")
        return SILENCED
    member = mailing_list.members.get(wanted.email)
    if member is not None and member.status in LESSER:
        if call.switches.resubscribing == "refused":
            raise Refusal("2001", LESSER[member.status])
        if call.switches.resubscribing == "ignored":
            return DONE
    if mailing_list.has_form and (member is None or member.status != ACTIVE):
        return ask(call, mailing_list, wanted)
    existed = member is not None and member.status == ACTIVE
    join(call, mailing_list, wanted)
    if existed and call.switches.existing_answer == "exists":
        raise Refusal("2003")
    return DONE


def ask(call: Call, mailing_list: MailingList, wanted: Wanted) -> str:
    """Nothing is stored but that a mail has gone out; another call sends another mail."""
    known = mailing_list.waiting.get(wanted.email)
    mails = known.mails + 1 if known else 1
    values = merged(call, known.values if known else {}, wanted.values)
    mailing_list.waiting[wanted.email] = Waiting(values, wanted.topics, call.now, mails)
    call.account.mails.append(Mail(call.now, mailing_list.key, wanted.email))
    call.noted("confirmation", f"{mailing_list.key}/{wanted.email}", "create")
    return ASKED


def join(call: Call, mailing_list: MailingList, wanted: Wanted) -> None:
    """In All Contacts and in the list, with these values."""
    contact = call.account.contacts.get(wanted.email)
    is_new = contact is None
    if contact is None:
        contact = _new_contact(call, wanted.email)
    former = (contact.values, contact.topics, contact.marketing)
    take_type(call, contact, wanted.topics, is_new=is_new)  # the last that may refuse: nothing is stored before
    contact.values = merged(call, contact.values, wanted.values)
    changed = former != (contact.values, contact.topics, contact.marketing)
    if changed:
        contact.changed = call.now
    call.account.contacts[wanted.email] = contact
    call.noted_member(mailing_list, wanted.email, _enter(call, mailing_list, wanted, changed=changed))


def _new_contact(call: Call, email: str) -> Contact:
    if not call.account.has_room(call.now):
        raise Refusal(call.switches.plan_full)
    return Contact(email, call.account.new_id(), {}, call.now, call.now)


def _enter(call: Call, mailing_list: MailingList, wanted: Wanted, *, changed: bool) -> Operation:
    member = mailing_list.members.get(wanted.email)
    mailing_list.waiting.pop(wanted.email, None)
    if member is None:
        mailing_list.members[wanted.email] = Member(ACTIVE, call.now, call.now, wanted.source)
        return "create"
    if member.status == ACTIVE and not changed:
        return "noop"
    member.status, member.changed = ACTIVE, call.now
    return "update"


# Addresses alone


def addresses_in(text: str) -> list[str]:
    """Up to ten, with commas."""
    wanted = [one.strip() for one in text.split(",") if one.strip()]
    if not wanted or len(wanted) > MOST_ADDRESSES:
        raise at_gateway("1001")
    return wanted


def add_addresses(call: Call, mailing_list: MailingList, wanted: Iterable[str]) -> None:
    """One after the other: those who may not come are left out without a word, a full plan ends it in the middle."""
    for text in wanted:
        try:
            subscribe(call, mailing_list, Wanted(address_of(text), {}))
        except Refusal as refusal:
            if refusal.code == call.switches.plan_full:
                raise
