"""Tags, which are written by GET: nothing that repeats or remembers reads may come near them (sheet, trap 11)."""

from __future__ import annotations

from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.records import Contact, Tag
from sandbox.zoho_campaigns.refusals import Document, Refusal

LONGEST = 50


def add_tag(call: Call) -> Document:
    name = call.given("tagName").strip()
    if not 0 < len(name) <= LONGEST:
        raise Refusal("9002")
    if name.lower() in call.account.tags:
        raise Refusal("9000")
    call.account.tags[name.lower()] = Tag(name, call.given("tagDesc"), call.given("color"), call.now)
    call.noted("tag", name, "create")
    return {"message": "Tag added successfully"}


def associate_tag(call: Call) -> Document:
    contact, name = _meant(call)
    known = name in contact.tags
    contact.tags = contact.tags if known else (*contact.tags, name)
    call.noted("contact", contact.email, "noop" if known else "update")
    return {"message": "Tag associated successfully"}


def deassociate_tag(call: Call) -> Document:
    contact, name = _meant(call)
    known = name in contact.tags
    contact.tags = tuple(one for one in contact.tags if one != name)
    call.noted("contact", contact.email, "update" if known else "noop")
    return {"message": "Tag deassociated successfully"}


def _meant(call: Call) -> tuple[Contact, str]:
    tag = call.account.tags.get(call.given("tagName").strip().lower())
    if tag is None:
        raise Refusal("9001")
    contact = call.account.contacts.get(call.given("lead_email").strip().lower())
    if contact is None:
        raise Refusal("9002")
    return contact, tag.name


def all_tags(call: Call) -> Document:
    rows = [
        {"tag_name": one.name, "tag_desc": one.description, "tag_color": one.color, "tag_created_time": str(one.created * 1000)}
        for one in call.account.tags.values()
    ]  # fmt: skip
    return {"tags": rows}
