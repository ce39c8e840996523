"""Tags of members: given, taken, listed and searched (sheet, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.mailchimp import paging, segment
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.bodies import Rule, check, faults, rows
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.member import Member, iso
from sandbox.mailchimp.problems import FieldError, invalid_fields
from sandbox.mailchimp.segment import Segment

TAG_RULES = {"name": Rule(required=True), "status": Rule(required=True, choices=("active", "inactive"))}
MOST_FOUND = 100


def names_of(given: Sequence[object]) -> list[str]:
    """The tag names of a member's body; refuses what cannot be a tag before anything is changed."""
    names: list[str] = []
    for at, name in enumerate(given):
        if not isinstance(name, str):
            raise invalid_fields([FieldError(f"tags.{at}", "This value should be a string.")])
        refusal = segment.check_name(name)
        if refusal is not None:
            raise refusal
        names.append(name.strip())
    return names


def tag_named(call: Call, audience: Audience, name: str) -> Segment:
    """The tag of that name, made when there is none."""
    found = segment.named(audience.segments, name)
    if found is None:
        found = Segment(call.account.number(), name.strip(), call.now, call.now)
        audience.segments[found.id] = found
    return found


def give(call: Call, audience: Audience, member: Member, names: Sequence[str]) -> bool:
    """Add these tags; False when the member had them all."""
    given = [segment.add(tag_named(call, audience, name), member, call.now) for name in names]
    return any(given)


def replace(call: Call, audience: Audience, member: Member, names: Sequence[str]) -> bool:
    """Exactly these tags and no others (`sync_tags`)."""
    wanted = [tag_named(call, audience, name) for name in names]
    extra = set(member.tags) - {tag.id for tag in wanted}
    taken = [segment.remove(audience.segments[tag_id], member, call.now) for tag_id in sorted(extra)]
    given = [segment.add(tag, member, call.now) for tag in wanted]
    return any(taken) or any(given)


def post(call: Call) -> Reply:
    """Switch tags on and off; unknown names are made, but not in order to be switched off."""
    audience, member = call.audience, call.member
    check(call.body, {"tags": Rule("array", required=True), "is_syncing": Rule("boolean")})
    changed = [_switch(call, audience, member, name, status) for name, status in _wishes(call)]
    call.note("member_tags", member.id, "update" if any(changed) else "noop")
    return NO_CONTENT


def _wishes(call: Call) -> list[tuple[str, str]]:
    wishes: list[tuple[str, str]] = []
    for at, row in enumerate(rows(call.body, "tags")):
        if not isinstance(row, dict):
            raise invalid_fields([FieldError(f"tags.{at}", "Schema describes object.")])
        errors = faults(row, TAG_RULES, f"tags.{at}.")
        if errors:
            raise invalid_fields(errors)
        names_of([row["name"]])
        wishes.append((row["name"], row["status"]))
    return wishes


def _switch(call: Call, audience: Audience, member: Member, name: str, status: str) -> bool:
    if status == "active":
        return segment.add(tag_named(call, audience, name), member, call.now)
    known = segment.named(audience.segments, name)
    return known is not None and segment.remove(known, member, call.now)


def get(call: Call) -> Reply:
    audience, member = call.audience, call.member
    shown = [
        {"id": tag_id, "name": audience.segments[tag_id].name, "date_added": iso(at)}
        for tag_id, at in member.tags.items()
    ]
    tags = list(paging.page(shown, call.query, everything=call.in_batch))
    return call.shown({"tags": tags, "total_items": len(shown)})


def search(call: Call) -> Reply:
    """Tags whose name begins with the given text, in any case."""
    prefix = call.query.get("name", "").casefold()
    found = [tag for tag in call.audience.segments.values() if tag.name.casefold().startswith(prefix)]
    shown = [{"id": tag.id, "name": tag.name} for tag in found[:MOST_FOUND]]
    return call.shown({"tags": shown, "total_items": len(found)})
