"""The activity feed of a member (sheet, section 6): what happened, newest first."""

from __future__ import annotations

from sandbox.mailchimp import paging
from sandbox.mailchimp.call import Call, Reply
from sandbox.mailchimp.member import Member, iso
from sandbox.mailchimp.member_view import NO_FEATS


def get(call: Call) -> Reply:
    wanted = {name.strip() for name in call.query.get("activity_filters", "").split(",") if name.strip()}
    member = call.member
    kept = [item for item in happened(member) if not wanted or item["activity_type"] in wanted]
    document = {
        "activity": list(paging.page(kept, call.query, everything=call.in_batch)),
        "email_id": member.id,
        "list_id": call.audience.id,
    }
    return call.shown(document)


def happened(member: Member) -> list[dict[str, object]]:
    feats = member.feats or NO_FEATS
    lines: list[tuple[int, dict[str, object]]] = [(member.signup_at, signup())]
    lines += [(int(str(item["at"])), {name: item[name] for name in item if name != "at"}) for item in feats.activity]
    for note in feats.notes.values():
        shown = {"activity_type": "note", "note_id": str(note.id), "note_text": note.text, "created_by": "Demo Owner"}
        lines.append((note.created_at, {**shown, "updated_at_timestamp": iso(note.updated_at)}))
    for event in feats.events:
        properties = [f"{name}: {value}" for name, value in event.properties.items()]
        line: dict[str, object] = {"activity_type": "event", "event_name": event.name, "event_properties": properties}
        lines.append((event.occurred_at, line))
    lines.sort(key=lambda line: line[0], reverse=True)
    return [line | {"created_at_timestamp": iso(at)} for at, line in lines]


def signup() -> dict[str, object]:
    return {"activity_type": "generic_signup", "signup_category": "api"}
