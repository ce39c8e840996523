"""Notes on a member (sheet, section 6): at most a thousand characters each."""

from __future__ import annotations

from sandbox.mailchimp import paging
from sandbox.mailchimp.bodies import Rule, check, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.member import Note, contact_id_of, iso
from sandbox.mailchimp.member_view import NO_FEATS
from sandbox.mailchimp.problems import FieldError, invalid_fields, not_found

LONGEST = 1000
SORTED_BY = {"created_at": "created_at", "updated_at": "updated_at", "note_id": "id"}
RULES = {"note": Rule(required=True, longest=LONGEST)}


def shape(call: Call, note: Note) -> dict[str, object]:
    member = call.member
    return {
        "id": note.id,
        "created_at": iso(note.created_at),
        "created_by": "Demo Owner",
        "updated_at": iso(note.updated_at),
        "note": note.text,
        "list_id": call.audience.id,
        "email_id": member.id,
        "contact_id": contact_id_of(call.audience.id, member.web_id),
    }


def note_of(call: Call) -> Note:
    key = call.params["note_id"]
    notes = (call.member.feats or NO_FEATS).notes
    found = notes.get(int(key)) if key.isascii() and key.isdigit() and len(key) < 12 else None
    if found is None:
        raise not_found()
    return found


def page(call: Call) -> Reply:
    member = call.member
    field = call.query.get("sort_field", "created_at")
    if field not in SORTED_BY:
        raise invalid_fields([FieldError("sort_field", f"Value must be one of: {', '.join(SORTED_BY)}.")])
    notes = sorted((member.feats or NO_FEATS).notes.values(), key=lambda note: int(getattr(note, SORTED_BY[field])))
    if call.query.get("sort_dir", "DESC") == "DESC":
        notes.reverse()
    shown = [shape(call, note) for note in paging.page(notes, call.query, everything=call.in_batch)]
    document = {"notes": shown, "email_id": member.id, "list_id": call.audience.id, "total_items": len(notes)}
    return call.shown(document)


def create(call: Call) -> Reply:
    member = call.member
    check(call.body, RULES)
    note = Note(call.account.number(), text(call.body, "note"), call.now, call.now)
    member.recorded().notes[note.id] = note
    call.note("note", note.id, "create")
    return call.shown(shape(call, note))


def get(call: Call) -> Reply:
    return call.shown(shape(call, note_of(call)))


def change(call: Call) -> Reply:
    note = note_of(call)
    check(call.body, RULES)
    note.text, note.updated_at = text(call.body, "note"), call.now
    call.note("note", note.id, "update")
    return call.shown(shape(call, note))


def delete(call: Call) -> Reply:
    note = note_of(call)
    del call.member.recorded().notes[note.id]
    call.note("note", note.id, "delete")
    return NO_CONTENT
