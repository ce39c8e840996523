"""Events of a member (sheet, section 6): named in two to thirty characters, with text properties."""

from __future__ import annotations

from sandbox.mailchimp import paging
from sandbox.mailchimp.bodies import Rule, check, moment, nested, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.member import Event, iso
from sandbox.mailchimp.member_view import NO_FEATS
from sandbox.mailchimp.problems import FieldError, invalid_fields

RULES = {
    "name": Rule(required=True, least=2, longest=30),
    "properties": Rule("object"),
    "occurred_at": Rule(),
    "is_syncing": Rule("boolean"),
}


def create(call: Call) -> Reply:
    member = call.member
    check(call.body, RULES)
    properties = nested(call.body, "properties")
    wrong = [name for name, value in properties.items() if not isinstance(value, str)]
    if wrong:
        raise invalid_fields([FieldError(f"properties.{name}", "This value should be a string.") for name in wrong])
    event = Event(text(call.body, "name"), _occurred_at(call), {name: str(properties[name]) for name in properties})
    member.recorded().events.append(event)
    call.note("event", member.id, "create")
    return NO_CONTENT


def _occurred_at(call: Call) -> int:
    given = text(call.body, "occurred_at")
    if not given:
        return call.now
    try:
        return moment(given)
    except ValueError:
        raise invalid_fields([FieldError("occurred_at", "This value is not a valid datetime.")]) from None


def page(call: Call) -> Reply:
    events = sorted((call.member.feats or NO_FEATS).events, key=lambda event: event.occurred_at, reverse=True)
    shown = [
        {"occurred_at": iso(event.occurred_at), "name": event.name, "properties": event.properties}
        for event in paging.page(events, call.query, everything=call.in_batch)
    ]
    return call.shown({"events": shown, "total_items": len(events)})
