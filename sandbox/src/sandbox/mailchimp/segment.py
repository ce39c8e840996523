"""A tag, which underneath is a static segment of an audience (sheet, section 3.4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.mailchimp.member import Member
from sandbox.mailchimp.problems import Problem, invalid

LONGEST_NAME = 100


@dataclass(slots=True)
class Segment:
    """A named set of members; `members` is keyed by the member's web id, which survives a change of address."""

    id: int
    name: str
    created_at: int
    updated_at: int
    members: dict[int, Member] = field(default_factory=dict)


def check_name(name: str) -> Problem | None:
    if not name.strip():
        return invalid("The tag name must not be blank.")
    if len(name) > LONGEST_NAME:
        return invalid(f"The tag name must be no longer than {LONGEST_NAME} characters.")
    return None


def named(segments: dict[int, Segment], name: str) -> Segment | None:
    """The segment of that name; case does not tell two tags apart."""
    wanted = name.strip().casefold()
    return next((segment for segment in segments.values() if segment.name.casefold() == wanted), None)


def add(segment: Segment, member: Member, at: int) -> bool:
    if segment.id in member.tags:
        return False
    member.tags[segment.id] = at
    segment.members[member.web_id] = member
    segment.updated_at = at
    return True


def remove(segment: Segment, member: Member, at: int) -> bool:
    if segment.id not in member.tags:
        return False
    del member.tags[segment.id]
    segment.members.pop(member.web_id, None)
    segment.updated_at = at
    return True
