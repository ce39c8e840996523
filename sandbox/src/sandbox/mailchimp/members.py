"""The members of an audience, one by one (sheet, sections 3, 3.1 and 3.3)."""

from __future__ import annotations

from sandbox.mailchimp import announcing, standing, tags
from sandbox.mailchimp.bodies import Rule, rows, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.member import PATCHABLE, SETTABLE, Member, hash_of
from sandbox.mailchimp.member_view import view
from sandbox.mailchimp.problems import cannot_be_removed, invalid, member_exists
from sandbox.mailchimp.upsert import Writer, check_body, status_of


def writer(call: Call) -> Writer:
    return Writer(call, call.audience, skip_merge_validation=call.asks("skip_merge_validation"))


def put(call: Call) -> Reply:
    """Create or change: `status_if_new` acts only on creation, `status` overwrites unconditionally."""
    member = call.audience.find(call.params["subscriber_hash"])
    if member is None:
        return _put_new(call)
    check_body(call.body, ("status", Rule(choices=SETTABLE)), ("status_if_new", Rule(choices=SETTABLE)))
    changed = writer(call).update(member, call.body, status_of(call.body))
    call.note("member", member.id, "update" if changed else "noop")
    return shown(call, member)


def _put_new(call: Call) -> Reply:
    needed = Rule(choices=SETTABLE, required="status" not in call.body)
    check_body(
        call.body,
        ("email_address", Rule(required=True)),
        ("status", Rule(choices=SETTABLE)),
        ("status_if_new", needed),
    )
    email = text(call.body, "email_address").strip()
    standing.check_new(call.audience, email)
    _fits_path(call, email)
    status = status_of(call.body, "status_if_new") or status_of(call.body)
    member = writer(call).create(email, status or "subscribed", call.body)
    call.note("member", member.id, "create")
    return shown(call, member)


def _fits_path(call: Call, email: str) -> None:
    """A path that means another address than the body does would make a second contact by mistake."""
    key = call.params["subscriber_hash"]
    if hash_of(email) != (hash_of(key) if "@" in key else key.lower()):
        raise invalid("The resource submitted could not be validated: the address does not fit the subscriber hash.")


def post(call: Call) -> Reply:
    """Add a member; one whose address is in the audience in whatever status is refused."""
    check_body(call.body, ("email_address", Rule(required=True)), ("status", Rule(choices=SETTABLE, required=True)))
    email = text(call.body, "email_address").strip()
    if hash_of(email) in call.audience.members:
        raise member_exists(email)
    names = tags.names_of(rows(call.body, "tags"))
    member = writer(call).create(email, status_of(call.body) or "subscribed", call.body)
    tags.give(call, call.audience, member, names)
    call.note("member", member.id, "create")
    return shown(call, member)


def patch(call: Call) -> Reply:
    """Change what the body names; PATCH does not take every status that PUT takes."""
    member = call.member
    check_body(call.body, ("status", Rule(choices=PATCHABLE)))
    changed = writer(call).update(member, call.body, status_of(call.body))
    call.note("member", member.id, "update" if changed else "noop")
    return shown(call, member)


def get(call: Call) -> Reply:
    return shown(call, call.member)


def archive(call: Call) -> Reply:
    """DELETE archives: the contact stays and no longer tells what it was."""
    member = call.member
    if member.status == "archived":
        raise cannot_be_removed()
    was = member.status
    standing.move(call.audience, member, "archived", "api", call.now)
    call.audience.touch(member, call.now)
    if was == "subscribed" and call.switches.archive_event != "none":
        announcing.unsubscribed(call, call.audience, member, "api", action=call.switches.archive_event)
    call.note("member", member.id, "delete")
    return NO_CONTENT


def delete_permanent(call: Call) -> Reply:
    """Erase; the address can never be imported again."""
    member = call.member
    call.audience.forget(member)
    if member.status == "subscribed":
        announcing.unsubscribed(call, call.audience, member, "api", action="delete")
    call.note("member", member.id, "delete")
    return NO_CONTENT


def shown(call: Call, member: Member) -> Reply:
    return call.shown(view(call.audience, member, call.api_root))
