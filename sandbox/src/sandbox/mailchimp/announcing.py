"""What the hooks of an audience get to hear, and who is said to have done it."""

from __future__ import annotations

from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.call import Call, Sendable
from sandbox.mailchimp.hook_forms import Form, encoded, merges
from sandbox.mailchimp.member import Member, Source


def announce(call: Call, audience: Audience, event: str, source: Source, content: Form) -> None:
    """Send one event to every hook that wants it from this source."""
    hearing = [hook for hook in audience.hooks.values() if hook.hears(event, source)]
    if not hearing:
        return
    body = encoded(event, call.now, content)
    for hook in hearing:
        call.send(Sendable(hook.id, hook.url, body, event))


def subscribed(call: Call, audience: Audience, member: Member, source: Source) -> None:
    announce(call, audience, "subscribe", source, with_opt_in(audience, member))


def unsubscribed(
    call: Call, audience: Audience, member: Member, source: Source, *, action: str = "unsub", reason: str = "manual"
) -> None:
    content = {"action": action, "reason": reason, **with_opt_in(audience, member)}
    announce(call, audience, "unsubscribe", source, {**content, "campaign_id": ""})


def profile_changed(call: Call, audience: Audience, member: Member, source: Source) -> None:
    announce(call, audience, "profile", source, about(audience, member))


def address_changed(call: Call, audience: Audience, member: Member, source: Source, old: str) -> None:
    """A change of address also counts as a change of profile."""
    content = {
        "list_id": audience.id,
        "new_id": member.unique_email_id,
        "new_email": member.email,
        "old_email": old,
    }
    announce(call, audience, "upemail", source, content)
    profile_changed(call, audience, member, source)


def cleaned(call: Call, audience: Audience, member: Member, source: Source, reason: str = "hard") -> None:
    content = {"list_id": audience.id, "campaign_id": "", "reason": reason, "email": member.email}
    announce(call, audience, "cleaned", source, content)


def about(audience: Audience, member: Member) -> dict[str, str | Form]:
    """data[id] is the short id of the address, not the hash that paths carry."""
    return {
        "id": member.unique_email_id,
        "email": member.email,
        "email_type": member.email_type,
        "ip_signup": member.ip_signup,
        "web_id": str(member.web_id),
        "list_id": audience.id,
        "merges": merges(member.email, audience.fields, member.merge),
    }


def with_opt_in(audience: Audience, member: Member) -> dict[str, str | Form]:
    return {"ip_opt": member.ip_opt, **about(audience, member)}
