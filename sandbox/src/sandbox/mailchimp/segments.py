"""Static segments: what tags are underneath, changed five hundred addresses at a time (sheet, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.mailchimp import paging, segment
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.bodies import Rule, check, rows, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.member import Member, iso
from sandbox.mailchimp.member_view import view
from sandbox.mailchimp.problems import FieldError, Problem, bad_request, invalid, invalid_fields, not_found
from sandbox.mailchimp.segment import Segment
from sandbox.mailchimp.upsert import EMAIL

MOST_AT_ONCE = 500


def segment_of(call: Call) -> Segment:
    key = call.params["segment_id"]
    found = call.audience.segments.get(int(key)) if key.isascii() and key.isdigit() and len(key) < 12 else None
    if found is None:
        raise not_found()
    return found


def page(call: Call) -> Reply:
    audience = call.audience
    kind = call.query.get("type", "static")
    found = [found for found in audience.segments.values() if kind == "static" and _in_time(call, found)]
    shown = [shape(audience, item) for item in paging.page(found, call.query, everything=call.in_batch)]
    return call.shown({"segments": shown, "list_id": audience.id, "total_items": len(found)})


def _in_time(call: Call, item: Segment) -> bool:
    """`since_` and `before_` both exclude the time they name."""
    for name, at in (("created_at", item.created_at), ("updated_at", item.updated_at)):
        after, before = paging.since(call.query, f"since_{name}"), paging.since(call.query, f"before_{name}")
        if (after is not None and at <= after) or (before is not None and at >= before):
            return False
    return True


def shape(audience: Audience, item: Segment) -> dict[str, object]:
    return {
        "id": item.id,
        "name": item.name,
        "member_count": sum(member.status == "subscribed" for member in item.members.values()),
        "type": "static",
        "created_at": iso(item.created_at),
        "updated_at": iso(item.updated_at),
        "options": {"match": "any", "conditions": []},
        "list_id": audience.id,
    }


def create(call: Call) -> Reply:
    """A new static segment; conditions (saved segments) are none of this simulator's business."""
    audience = call.audience
    check(call.body, {"name": Rule(required=True), "static_segment": Rule("array"), "options": Rule("object")})
    if "static_segment" not in call.body:
        raise bad_request("Only static segments are simulated: send static_segment.")
    name = text(call.body, "name").strip()
    _check_name(audience, name)
    emails = _emails(rows(call.body, "static_segment"), "static_segment")
    made = Segment(call.account.number(), name, call.now, call.now)
    audience.segments[made.id] = made
    _put_in(call, made, emails)
    call.note("segment", made.id, "create")
    return call.shown(shape(audience, made))


def _check_name(audience: Audience, name: str, own: Segment | None = None) -> None:
    refusal = segment.check_name(name)
    if refusal is not None:
        raise refusal
    if segment.named(audience.segments, name) not in (None, own):
        raise invalid(f'Sorry, a tag or segment with the name "{name}" already exists.')


def _emails(given: Sequence[object], field: str) -> list[str]:
    if len(given) > MOST_AT_ONCE:
        raise invalid_fields([FieldError(field, f"This collection should contain {MOST_AT_ONCE} elements or less.")])
    for at, email in enumerate(given):
        if not isinstance(email, str):
            raise invalid_fields([FieldError(f"{field}.{at}", "This value should be a string.")])
    return [str(email) for email in given]


def _put_in(call: Call, made: Segment, emails: Sequence[str]) -> list[Member]:
    """Addresses that are not in the audience are ignored."""
    known = filter(None, map(call.audience.find, emails))
    return [member for member in known if segment.add(made, member, call.now)]


def change_members(call: Call) -> Reply:
    """Add and remove at once; each address that is none, or not there, comes back as an error."""
    audience, item = call.audience, segment_of(call)
    check(call.body, {"members_to_add": Rule("array"), "members_to_remove": Rule("array")})
    to_add = _emails(rows(call.body, "members_to_add"), "members_to_add")
    to_remove = _emails(rows(call.body, "members_to_remove"), "members_to_remove")
    added = _put_in(call, item, to_add)
    known = filter(None, map(audience.find, to_remove))
    removed = [member for member in known if segment.remove(item, member, call.now)]
    errors = _errors(call, to_add + to_remove)
    for member in added + removed:
        call.note("member_tags", member.id, "update")
    document = {
        "members_added": [view(audience, member, call.api_root) for member in added],
        "members_removed": [view(audience, member, call.api_root) for member in removed],
        "errors": errors,
        "total_added": len(added),
        "total_removed": len(removed),
        "error_count": len(errors),
    }
    return call.shown(document)


def _errors(call: Call, emails: Sequence[str]) -> list[dict[str, object]]:
    strangers = [email for email in emails if call.audience.find(email) is None]
    malformed = [email for email in strangers if not EMAIL.fullmatch(email)]
    absent = [email for email in strangers if EMAIL.fullmatch(email)]
    kinds = (
        ("Email addresses do not exist on this list.", absent),
        ("Email addresses are malformed.", malformed),
    )
    return [{"email_addresses": emails, "error": error} for error, emails in kinds if emails]


def get(call: Call) -> Reply:
    return call.shown(shape(call.audience, segment_of(call)))


def rename(call: Call) -> Reply:
    """PATCH: another name; `static_segment` then replaces the members, the empty list takes them all out."""
    audience, item = call.audience, segment_of(call)
    check(call.body, {"name": Rule(required=True), "static_segment": Rule("array")})
    name = text(call.body, "name").strip()
    _check_name(audience, name, item)
    emails = _emails(rows(call.body, "static_segment"), "static_segment")
    item.name, item.updated_at = name, call.now
    if "static_segment" in call.body:
        for member in list(item.members.values()):
            segment.remove(item, member, call.now)
        _put_in(call, item, emails)
    call.note("segment", item.id, "update")
    return call.shown(shape(audience, item))


def delete(call: Call) -> Reply:
    audience, item = call.audience, segment_of(call)
    for member in list(item.members.values()):
        segment.remove(item, member, call.now)
    del audience.segments[item.id]
    call.note("segment", item.id, "delete")
    return NO_CONTENT


def members(call: Call) -> Reply:
    """Who is in it; only the subscribed unless the others are asked for, and never the archived."""
    audience, item = call.audience, segment_of(call)
    wanted = {"subscribed", "pending"} | {
        status for status in ("cleaned", "transactional", "unsubscribed") if call.asks(f"include_{status}")
    }
    found = [member for member in item.members.values() if member.status in wanted]
    shown = paging.page(found, call.query, everything=call.in_batch)
    document = {"members": [view(audience, member, call.api_root) for member in shown], "total_items": len(found)}
    return call.shown(document)


def add_member(call: Call) -> Reply:
    item = segment_of(call)
    check(call.body, {"email_address": Rule(required=True)})
    found = call.audience.find(text(call.body, "email_address"))
    if found is None:
        raise invalid("This email address is not subscribed to the list.")
    changed = segment.add(item, found, call.now)
    call.note("member_tags", found.id, "update" if changed else "noop")
    return call.shown(view(call.audience, found, call.api_root))


def remove_member(call: Call) -> Reply:
    item, member = segment_of(call), call.member
    if not segment.remove(item, member, call.now):
        raise Problem(404, "Resource Not Found", "The requested resource could not be found.")
    call.note("member_tags", member.id, "update")
    return NO_CONTENT
