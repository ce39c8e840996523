"""What a contact gets: topics, and whether mails may be marketing (sheet, section 5)."""

from __future__ import annotations

from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.records import Contact
from sandbox.zoho_campaigns.refusals import Refusal

MONTH = 30 * 86_400


def topics_in(call: Call) -> tuple[str, ...]:
    """The topics that `topic_id` names; whether it may name several is not known."""
    wanted = call.given("topic_id")
    if not wanted:
        return ()
    if call.account.topic_mode != "on":
        raise Refusal("4015" if call.account.topic_mode == "brand" else "4016")
    ids = tuple(one.strip() for one in wanted.split(","))
    if len(ids) > 1 and call.switches.several_topics == "first":
        ids = ids[:1]
    refused = len(ids) > 1 and call.switches.several_topics == "refused"
    if refused or any(one not in call.account.topics for one in ids):
        raise Refusal("4019")
    return ids


def take_type(call: Call, contact: Contact, topics: tuple[str, ...], *, is_new: bool) -> None:
    """Topics make somebody a marketing contact; what a call without any does is not known. It changes once a month."""
    if call.account.topic_mode != "on":
        return
    marketing = _wanted(call, contact, topics, is_new=is_new)
    if not is_new and marketing != contact.marketing:
        if call.now - contact.type_changed < MONTH:
            if call.switches.early_type_change == "refused":
                raise Refusal("4012")
            return
        contact.type_changed = call.now
    if is_new:
        contact.type_changed = call.now
    contact.marketing = marketing
    contact.topics = tuple(dict.fromkeys(contact.topics + topics)) if marketing else ()


def _wanted(call: Call, contact: Contact, topics: tuple[str, ...], *, is_new: bool) -> bool:
    if topics or call.switches.no_topic == "marketing":
        return bool(topics) or is_new or contact.marketing
    if call.switches.no_topic == "new_only" and not is_new:
        return contact.marketing
    return False
