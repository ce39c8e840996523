"""Writes of contacts: one with fields, ten addresses, off a list, into the registry of do-not-mail (sheet, section 3)."""

from __future__ import annotations

from sandbox.zoho_campaigns.addresses import address_of
from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.preferences import topics_in
from sandbox.zoho_campaigns.records import ACTIVE, UNSUBSCRIBED
from sandbox.zoho_campaigns.refusals import Document, Refusal
from sandbox.zoho_campaigns.subscribing import Wanted, add_addresses, addresses_in, subscribe
from sandbox.zoho_campaigns.values import contact_in


def list_subscribe(call: Call) -> Document:
    """Adds and updates alike, and does not say which."""
    mailing_list = call.list_of("2002")
    text, values = contact_in(call)
    wanted = Wanted(address_of(text), values, topics_in(call), call.given("source"))
    return {"message": subscribe(call, mailing_list, wanted)}


def add_subscribers_in_bulk(call: Call) -> Document:
    mailing_list = call.list_of("2202")
    add_addresses(call, mailing_list, addresses_in(call.given("emailids")))
    told = {"listkey": mailing_list.key, "listname": mailing_list.name}
    return {"message": "Contacts added successfully.", **told}


def list_unsubscribe(call: Call) -> Document:
    """Off the list and out of every topic; with a topic, out of that one."""
    mailing_list = call.list_of("2102")
    email = _address(call)
    member, contact = mailing_list.members.get(email), call.account.contacts.get(email)
    if member is None or contact is None:
        raise Refusal("2103")
    topics, former = topics_in(call), (member.status, contact.topics)
    if topics:
        contact.topics = tuple(one for one in contact.topics if one not in topics)
    else:
        contact.topics = ()
        member.status = UNSUBSCRIBED if member.status == ACTIVE else member.status
    changed = former != (member.status, contact.topics)
    if changed:
        member.changed = call.now
    call.noted_member(mailing_list, email, "update" if changed else "noop")
    return {"message": "User successfully unsubscribed."}


def contact_do_not_mail(call: Call) -> Document:
    """For the whole account; whoever is there already is told of as a success too."""
    email = _address(call)
    if email in call.account.do_not_mail:
        call.noted("contact", email, "noop")
        return {"message": "User is already in Do-Not-Mail."}
    if email not in call.account.contacts:
        raise Refusal("2103")
    call.account.silence(email, call.now)
    call.noted("contact", email, "update")
    return {"message": "User successfully moved to Do-Not-Mail."}


def _address(call: Call) -> str:
    """Of somebody who is known: no address is invalid here, only not there."""
    text, _ = contact_in(call)
    try:
        return address_of(text)
    except Refusal:
        return text.lower()
