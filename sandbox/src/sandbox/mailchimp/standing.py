"""Which status the API may give to whom: consent that a person took back is theirs to give again.

Who unsubscribed is remembered (`Member.withdrawn`), whatever the status becomes afterwards; only the person clears it.
"""

from __future__ import annotations

from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.member import Member, Source, Status, hash_of
from sandbox.mailchimp.problems import forgotten, in_compliance_state


def check_new(audience: Audience, email: str) -> None:
    """A permanently deleted address cannot be imported again, with no status at all."""
    if hash_of(email) in audience.forgotten:
        raise forgotten(email)


def check_change(member: Member, wanted: Status) -> None:
    """Refuse `subscribed` after the person's own unsubscribe, a complaint or a bounce; `pending` asks them again."""
    if wanted == "subscribed" and member.withdrawn:
        raise in_compliance_state(member.email)


def move(audience: Audience, member: Member, status: Status, source: Source, at: int) -> bool:
    """Give a member another status and note who did; False when it had it already."""
    if member.status == status:
        return False
    if status == "archived":
        member.before_archive = member.status
    audience.set_status(member, status, at)
    note_standing(member, source, at)
    return True


def note_standing(member: Member, source: Source, at: int) -> None:
    if member.status == "unsubscribed":
        member.unsubscribed_at = at
        member.unsubscribed_by = member.unsubscribed_by or source
        member.unsubscribe_reason = member.unsubscribe_reason or reason_of(source)
    elif member.status == "cleaned":
        member.withdrawn = member.withdrawn or "cleaned"
    elif member.status == "subscribed":
        member.opt_at = at
        member.unsubscribed_by, member.unsubscribed_at, member.unsubscribe_reason = "", 0, ""


def reason_of(source: Source) -> str:
    return {"user": "N/A (Unsubscribed by the contact)", "admin": "N/A (Unsubscribed by an admin)"}.get(
        source, "N/A (Unsubscribed by API)"
    )
