"""What people do outside the API: sign up, leave, complain, bounce, change their profile or their address.

A test or a demo plays them by `POST /_sandbox/mailchimp/{account}/people`; the hooks hear of it as source `user`
(or `admin` when `by` says so).
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.mailchimp import announcing, standing
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.bodies import Document, nested, text
from sandbox.mailchimp.call import Call, Sendable
from sandbox.mailchimp.mandrill import TEST_KEY, MandrillHook, body_of, event
from sandbox.mailchimp.member import Member, Source, hash_of
from sandbox.mailchimp.problems import Problem
from sandbox.mailchimp.upsert import Writer, record

BUSY_S = 3600


class People:
    """One account's people; each action answers with what it came to."""

    def __init__(self, call: Call) -> None:
        self._call, self._body = call, call.body
        self._source: Source = "admin" if text(call.body, "by") == "admin" else "user"

    def act(self) -> Document:
        """Raises ValueError for what cannot be, KeyError for an audience or a member that is not there."""
        actions: dict[str, Callable[[], Document]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "abuse": self._abuse,
            "cleaned": self._cleaned,
            "profile": self._profile,
            "upemail": self._upemail,
            "archive": self._archive,
            "campaign": self._campaign,
            "busy": self._busy,
            "mandrill_hook": self._mandrill_hook,
            "mandrill_event": self._mandrill_event,
        }
        wanted = text(self._body, "action")
        if wanted not in actions:
            raise ValueError(f"action is one of {', '.join(actions)}")
        try:
            return actions[wanted]()
        except Problem as problem:
            raise ValueError(problem.detail) from problem

    def _subscribe(self) -> Document:
        """Sign up, come back, or confirm: the person's own will lifts every bar."""
        audience, email = self._audience(), self._email()
        audience.forgotten.discard(hash_of(email))
        member = audience.find(email)
        writer = self._writer(audience)
        if member is None:
            return self._told(audience, writer.create(email, "subscribed", self._wishes()), "create")
        member.withdrawn, member.unsubscribed_by = "", ""
        changed = writer.update(member, self._wishes(), "subscribed")
        return self._told(audience, member, "update" if changed else "noop")

    def _unsubscribe(self) -> Document:
        return self._leave("user" if self._source == "user" else "", "manual")

    def _abuse(self) -> Document:
        return self._leave("abuse", "abuse")

    def _leave(self, withdrawn: str, reason: str) -> Document:
        audience, member = self._known()
        writer = self._writer(audience)
        writer.unsubscribe_reason = reason
        writer.update(member, {}, "unsubscribed")
        if withdrawn == "user":
            member.withdrawn, member.unsubscribed_by = "user", "user"
        elif withdrawn == "abuse":
            member.withdrawn, member.unsubscribed_by = "abuse", "abuse"
            member.unsubscribe_reason = "SPAM"
        return self._told(audience, member, "update")

    def _cleaned(self) -> Document:
        """A hard bounce."""
        audience, member = self._known()
        record(member, self._call.now, "bounce", bounce_type="hard", bounce_has_open_activity=False)
        self._writer(audience).update(member, {}, "cleaned")
        return self._told(audience, member, "update")

    def _profile(self) -> Document:
        audience, member = self._known()
        self._writer(audience).update(member, self._wishes(), None)
        return self._told(audience, member, "update")

    def _upemail(self) -> Document:
        audience, member = self._known()
        new = text(self._body, "new_email").strip()
        if not new:
            raise ValueError("new_email is missing")
        self._writer(audience).update(member, {"email_address": new}, None)
        return self._told(audience, member, "update")

    def _archive(self) -> Document:
        """Somebody archives the contact in the vendor's own pages."""
        audience, member = self._known()
        was = member.status
        standing.move(audience, member, "archived", "admin", self._call.now)
        audience.touch(member, self._call.now)
        if was == "subscribed" and self._call.switches.archive_event != "none":
            action = self._call.switches.archive_event
            announcing.unsubscribed(self._call, audience, member, "admin", action=action)
        return self._told(audience, member, "delete")

    def _campaign(self) -> Document:
        audience = self._audience()
        content = {
            "id": self._call.account.new_id("campaign"),
            "subject": text(self._body, "subject", "News"),
            "status": "sent",
            "reason": "",
            "list_id": audience.id,
        }
        announcing.announce(self._call, audience, "campaign", self._source, content)
        return dict(content)

    def _busy(self) -> Document:
        """The address has signed up to many lists very recently: new signups are refused for an hour."""
        until = self._call.now + BUSY_S
        self._call.account.busy_signups[hash_of(self._email())] = until
        return {"until": until}

    def _mandrill_hook(self) -> Document:
        """Register a Transactional hook; its address is checked with HEAD and with an empty, test-signed POST."""
        account, url = self._call.account, text(self._body, "url")
        if not url:
            raise ValueError("url is missing")
        number = account.number()
        hook = MandrillHook(number, url, text(self._body, "key") or account.digest("mandrill", number)[:22])
        account.mandrill_hooks[hook.id] = hook
        self._call.send(Sendable(str(hook.id), url, b"", "check", "mandrill-head"))
        self._call.send(Sendable(str(hook.id), url, body_of([]), TEST_KEY, "mandrill"))
        return {"id": hook.id, "url": url, "key": hook.key}

    def _mandrill_event(self) -> Document:
        account, kind = self._call.account, text(self._body, "event", "hard_bounce")
        told = event(kind, self._email(), self._call.now, account.new_id("message", 32))
        for hook in account.mandrill_hooks.values():
            self._call.send(Sendable(str(hook.id), hook.url, body_of([told]), kind, "mandrill"))
        return told

    def _audience(self) -> Audience:
        wanted = text(self._body, "audience")
        audiences = self._call.account.audiences
        if not wanted:
            return next(iter(audiences.values()))
        found = audiences.get(wanted)
        if found is None:
            raise KeyError(wanted)
        return found

    def _email(self) -> str:
        email = text(self._body, "email").strip()
        if not email:
            raise ValueError("email is missing")
        return email

    def _known(self) -> tuple[Audience, Member]:
        audience, email = self._audience(), self._email()
        member = audience.find(email)
        if member is None:
            raise KeyError(email)
        return audience, member

    def _writer(self, audience: Audience) -> Writer:
        return Writer(self._call, audience, self._source, skip_merge_validation=True)

    def _wishes(self) -> Document:
        return {"merge_fields": nested(self._body, "merge_fields")}

    def _told(self, audience: Audience, member: Member, op: str) -> Document:
        return {"audience": audience.id, "id": member.id, "email": member.email, "status": member.status, "op": op}
