"""Creating and changing a member from a body: refuse first, then change, then say what changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.mailchimp import announcing, merge_values, standing
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.bodies import Document, Rule, check, moment, nested, text
from sandbox.mailchimp.call import Call
from sandbox.mailchimp.member import SETTABLE, Member, MergeValue, Source, Status, hash_of
from sandbox.mailchimp.problems import (
    FieldError,
    invalid,
    invalid_fields,
    invalid_merge_fields,
    looks_fake,
    member_exists,
    too_many_signups,
)

_LABEL = "A-Za-z0-9\\u00c0-\\uffff"
EMAIL = re.compile(rf"[^\s@\"(),:;<>\[\]\\]+@([{_LABEL}-]+\.)+[{_LABEL}-]*[A-Za-z\u00c0-\uffff][{_LABEL}-]*")
FAKE: Mapping[str, re.Pattern[str]] = {
    # Which addresses are taken for invented, by the switch; where none is, people live at `.example`.
    "obvious": re.compile(r"@(.+\.)?(test|invalid|localhost)$", re.IGNORECASE),
    "real": re.compile(r"@(.+\.)?(example\.(com|net|org)|test|invalid|localhost)$|@(.+\.)?example$", re.IGNORECASE),
}
MEMBER_RULES: dict[str, Rule] = {
    "email_address": Rule(),
    "email_type": Rule(choices=("html", "text")),
    "merge_fields": Rule("object"),
    "interests": Rule("object"),
    "language": Rule(),
    "vip": Rule("boolean"),
    "location": Rule("object"),
    "marketing_permissions": Rule("array"),
    "ip_signup": Rule(),
    "timestamp_signup": Rule(),
    "ip_opt": Rule(),
    "timestamp_opt": Rule(),
    "tags": Rule("array"),
}
# The vendor's words for how a member came to be (MEMORY); an application of its own is "API - " and its name.
ADDED_BY: Mapping[Source, str] = {"api": "API - Generic", "user": "Hosted Signup Form", "admin": "Admin Add"}
LOCATION_RULES = {"latitude": Rule("number"), "longitude": Rule("number")}


@dataclass(slots=True)
class Writer:
    """Writes members of one audience on behalf of a source; the same for the API, a batch row and a person."""

    call: Call
    audience: Audience
    source: Source = "api"
    skip_merge_validation: bool = False
    unsubscribe_reason: str = "manual"

    def create(self, email: str, status: Status, body: Document) -> Member:
        """A new member; nothing is kept when the body is refused."""
        standing.check_new(self.audience, email)
        self._check_address(email)
        merge = self._merge({}, body, complete=True)
        stamps = stamps_of(body)
        member = self._born(email, status, merge)
        set_attributes(member, body, stamps)
        self.audience.add(member)
        self.audience.set_status(member, status, self.call.now)
        standing.note_standing(member, self.source, member.opt_at or self.call.now)
        self._welcome(member)
        return member

    def _born(self, email: str, status: Status, merge: dict[str, MergeValue]) -> Member:
        now = self.call.now
        opted = now if status == "subscribed" else 0
        return Member(self.audience.take_web_id(), email, status, merge, now, opted, now, source=ADDED_BY[self.source])

    def _welcome(self, member: Member) -> None:
        if member.status == "subscribed":
            announcing.subscribed(self.call, self.audience, member, self.source)
        elif member.status == "pending":
            ask_to_confirm(self.call, self.audience, member)

    def update(self, member: Member, body: Document, status: Status | None) -> bool:
        """Change what the body names; False when everything was so already."""
        if status is not None:
            standing.check_change(member, status)
        email = self._new_address(member, body)
        merge = self._merge(member.merge, body, complete="merge_fields" in body)
        stamps = stamps_of(body)
        old = attributes(member)
        set_attributes(member, body, stamps)
        changed = self._set_merge(member, merge) | (attributes(member) != old)
        moved = status is not None and self._move(member, status)
        renamed = bool(email) and self._rename(member, email)
        if not (changed or moved or renamed):
            return False
        self.audience.touch(member, self.call.now)
        if changed and not moved and not renamed and member.status != "archived":
            announcing.profile_changed(self.call, self.audience, member, self.source)
        return True

    def _merge(self, stored: dict[str, MergeValue], body: Document, *, complete: bool) -> dict[str, MergeValue]:
        fields = self.audience.fields
        given, errors = merge_values.read(fields, nested(body, "merge_fields"))
        merged = {**stored, **given} if given else stored
        if complete and not self.skip_merge_validation:
            blank = merge_values.missing(fields, merged)
            errors += [error for error in blank if error.field not in {known.field for known in errors}]
        if errors:
            raise invalid_merge_fields(errors)
        return {tag: value for tag, value in merged.items() if value != ""}

    @staticmethod
    def _set_merge(member: Member, merge: dict[str, MergeValue]) -> bool:
        if member.merge == merge:
            return False
        member.merge = merge
        return True

    def _move(self, member: Member, status: Status) -> bool:
        """Change the status and tell the hooks what it means."""
        moved = standing.move(self.audience, member, status, self.source, self.call.now)
        if moved and status == "unsubscribed":
            record(member, self.call.now, "unsub", is_admin_unsubscribed=self.source != "user")
            reason = self.unsubscribe_reason
            announcing.unsubscribed(self.call, self.audience, member, self.source, reason=reason)
        elif moved and status == "cleaned":
            announcing.cleaned(self.call, self.audience, member, self.source)
        elif moved:
            self._welcome(member)
        return moved

    def _new_address(self, member: Member, body: Document) -> str:
        """The address to take, empty when it stays; one that is already in the audience is refused."""
        email = text(body, "email_address").strip()
        if not email or email == member.email:
            return ""
        if hash_of(email) != member.id:
            standing.check_new(self.audience, email)
            if hash_of(email) in self.audience.members:
                raise member_exists(email)
            self._check_address(email)
        return email

    def _rename(self, member: Member, email: str) -> bool:
        """Another spelling of the same address is the same contact: kept as it was, told to nobody."""
        old = member.email
        if hash_of(email) == member.id:
            return False
        self.audience.rename(member, email)
        announcing.address_changed(self.call, self.audience, member, self.source, old)
        return True

    def _check_address(self, email: str) -> None:
        if len(email) > 254 or not EMAIL.fullmatch(email):
            raise invalid("Please provide a valid email address.")
        fake = FAKE.get(self.call.switches.addresses)
        if fake is not None and fake.search(email):
            raise looks_fake(email)
        if self.call.account.busy_signups.get(hash_of(email), 0) > self.call.now:
            raise too_many_signups(email)


def check_body(body: Mapping[str, object], *more: tuple[str, Rule]) -> None:
    check(body, {**MEMBER_RULES, **dict(more)})
    if "location" in body:
        check(nested(body, "location"), LOCATION_RULES, "location.")


def status_of(body: Mapping[str, object], name: str = "status") -> Status | None:
    """The wished status; `check_body` has refused every other word."""
    given = body.get(name)
    return next((status for status in SETTABLE if status == given), None)


def stamps_of(body: Mapping[str, object]) -> dict[str, int]:
    """The two timestamps a caller may set; refuses what is no time before anything is changed."""
    stamps: dict[str, int] = {}
    for name in ("timestamp_signup", "timestamp_opt"):
        if text(body, name):
            try:
                stamps[name] = moment(text(body, name))
            except ValueError:
                raise invalid_fields([FieldError(name, "This value is not a valid datetime.")]) from None
    return stamps


def set_attributes(member: Member, body: Document, stamps: Mapping[str, int]) -> None:
    for name in ("email_type", "language", "vip", "ip_signup", "ip_opt"):
        if name in body:
            setattr(member, name, body[name])
    for name in ("latitude", "longitude"):
        given = nested(body, "location").get(name)
        if isinstance(given, int | float):
            setattr(member, name, float(given))
    member.signup_at = stamps.get("timestamp_signup", member.signup_at)
    member.opt_at = stamps.get("timestamp_opt", member.opt_at)


def attributes(member: Member) -> tuple[object, ...]:
    return (
        member.email_type,
        member.language,
        member.vip,
        member.ip_signup,
        member.ip_opt,
        member.latitude,
        member.longitude,
        member.signup_at,
        member.opt_at,
    )


def ask_to_confirm(call: Call, audience: Audience, member: Member) -> None:
    """The opt-in mail of a pending member: kept, so that a test can see that it went out."""
    mail = {"at": call.now, "audience": audience.id, "email": member.email}
    call.account.opt_in_mails.append(mail)


def record(member: Member, at: int, activity: str, **more: object) -> None:
    """A line of the activity feed; the signup, which every member has, is made up on reading."""
    member.recorded().activity.append({"activity_type": activity, "at": at, **more})
