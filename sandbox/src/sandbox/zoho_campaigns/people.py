"""What people do in mails and in the vendor's own pages: subscribe, unsubscribe, bounce, confirm, delete a list, raise the plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.zoho_campaigns.account import ADMIN, NOBODY, READER
from sandbox.zoho_campaigns.addresses import address_of
from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.field_api import KINDS
from sandbox.zoho_campaigns.gate import lane_of
from sandbox.zoho_campaigns.meters import DAY
from sandbox.zoho_campaigns.methods import METHODS
from sandbox.zoho_campaigns.records import BOUNCED, DO_NOT_MAIL, SPAM, UNSUBSCRIBED, Contact, MailingList
from sandbox.zoho_campaigns.refusals import Document
from sandbox.zoho_campaigns.subscribing import Wanted, ask, join
from sandbox.zoho_campaigns.tenants import Tenants


class People:
    """One wish of somebody with a browser; raises ValueError or Refusal for what cannot be."""

    def __init__(self, call: Call, wanted: dict[str, Any], tenants: Tenants) -> None:
        self._call, self._wanted, self._tenants, self._account = call, wanted, tenants, call.account
        self._acts: dict[str, Callable[[], Document]] = {
            "subscribe": self._subscribe, "confirm": self._confirm, "unsubscribe": self._unsubscribe, "bounce": self._bounce,
            "spam": self._spam, "do_not_mail": self._do_not_mail, "allow_mail": self._allow_mail, "edit": self._edit,
            "delete_contact": self._delete_contact, "create_list": self._create_list, "rename_list": self._rename_list,
            "delete_list": self._delete_list, "set_form": self._set_form, "add_field": self._add_field, "delete_field": self._delete_field,
            "add_topic": self._add_topic, "delete_topic": self._delete_topic, "set_topics": self._set_topics, "set_gdpr": self._set_gdpr,
            "change_plan": self._change_plan, "suspend": self._suspend, "resume": self._resume, "set_role": self._set_role,
            "lock": self._lock,
        }  # fmt: skip

    def act(self) -> Document:
        act = self._acts.get(str(self._wanted.get("do")))
        if act is None:
            raise ValueError(f"do is one of {', '.join(self._acts)}")
        return act()

    # What is asked for

    def _text(self, name: str) -> str:
        value = self._wanted.get(name)
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name} is missing")
        return value

    def _flag(self, name: str, default: bool = True) -> bool:
        value = self._wanted.get(name, default)
        if not isinstance(value, bool):
            raise ValueError(f"{name} is true or false")
        return value

    def _count(self, name: str) -> int:
        value = self._wanted.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} is a whole number")
        return value

    def _values(self) -> dict[str, str]:
        values = self._wanted.get("values", {})
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise ValueError("values is an object of texts")
        if not values.keys() <= self._account.fields.keys():
            raise ValueError("values names a field that is not there")
        return values

    def _email(self) -> str:
        return self._text("email").lower()

    def _contact(self) -> Contact:
        found = self._account.contacts.get(self._email())
        if found is None:
            raise ValueError("there is no such contact")
        return found

    def _lists(self) -> list[MailingList]:
        """The one that is named, or all that have the contact."""
        if self._wanted.get("list"):
            return [self._account.list_named(self._wanted["list"])]
        return [one for one in self._account.lists.values() if self._email() in one.members]

    # In mails and forms

    def _subscribe(self) -> Document:
        """By the form of a list; whoever unsubscribed may come back, which no one else may do for them."""
        mailing_list = self._account.list_named(self._wanted.get("list"))
        wanted = Wanted(address_of(self._text("email")), self._values(), source="form")
        if mailing_list.has_form and not self._flag("confirmed", False):
            ask(self._call, mailing_list, wanted)
            return {"waiting": wanted.email}
        self._account.release(wanted.email)
        join(self._call, mailing_list, wanted)
        return {"subscribed": wanted.email}

    def _confirm(self) -> Document:
        mailing_list, email = self._account.list_named(self._wanted.get("list")), self._email()
        waiting = mailing_list.waiting.get(email)
        if waiting is None:
            raise ValueError("nobody of this address has been asked to confirm")
        self._account.release(email)
        join(self._call, mailing_list, Wanted(email, waiting.values, waiting.topics, "form"))
        return {"subscribed": email}

    def _unsubscribe(self) -> Document:
        self._contact().topics = ()
        return self._end(UNSUBSCRIBED)

    def _bounce(self) -> Document:
        return self._end(BOUNCED)

    def _spam(self) -> Document:
        return self._end(SPAM)

    def _end(self, status: str) -> Document:
        """Whoever is in the registry of do-not-mail gets nothing that could be answered so."""
        known = [(one, one.members.get(self._email())) for one in self._lists()]
        lists = [one for one, member in known if member is not None and member.status != DO_NOT_MAIL]
        if not lists:
            raise ValueError("the contact is in no such list")
        for one in lists:
            member = one.members[self._email()]
            member.status, member.changed = status, self._call.now
        return {"status": status, "lists": [one.key for one in lists]}

    def _do_not_mail(self) -> Document:
        self._account.silence(self._email(), self._call.now)
        return {"do_not_mail": self._email()}

    def _allow_mail(self) -> Document:
        if not self._account.release(self._email()):
            raise ValueError("the address is not in the registry")
        return {"allowed": self._email()}

    # Contacts, lists, fields and topics

    def _edit(self) -> Document:
        contact = self._contact()
        contact.values = {name: value for name, value in (contact.values | self._values()).items() if value}
        contact.changed = self._call.now
        return {"values": contact.values}

    def _delete_contact(self) -> Document:
        self._account.forget(self._contact().email)
        return {"deleted": self._email()}

    def _create_list(self) -> Document:
        form = self._flag("sign_up_form", False)
        made = self._account.add_list(self._text("name"), self._call.owner, self._call.now, has_form=form)
        return {"key": made.key}

    def _rename_list(self) -> Document:
        found = self._account.list_named(self._wanted.get("list"))
        found.name = self._text("name")
        return {"key": found.key, "name": found.name}

    def _delete_list(self) -> Document:
        """Its contacts stay in All Contacts."""
        found = self._account.list_named(self._wanted.get("list"))
        del self._account.lists[found.key]
        self._account.deleted_lists[found.key] = found.name
        return {"deleted": found.key}

    def _set_form(self) -> Document:
        found = self._account.list_named(self._wanted.get("list"))
        found.has_form = self._flag("on")
        return {"key": found.key, "sign_up_form": found.has_form}

    def _add_field(self) -> Document:
        """In the pages a name may have spaces."""
        name, kind = self._text("name"), str(self._wanted.get("type", "Text"))
        if kind not in KINDS or self._account.knows_field(name):
            raise ValueError("the type is unknown, or the name is taken")
        length = self._count("length") if "length" in self._wanted else 100
        return {"id": self._account.add_field(name, kind, length).id}

    def _delete_field(self) -> Document:
        found = self._account.fields.get(self._text("name"))
        if found is None or not found.custom:
            raise ValueError("there is no custom field of this name")
        del self._account.fields[found.display]
        for contact in self._account.contacts.values():
            contact.values.pop(found.display, None)
        return {"deleted": found.id}

    def _add_topic(self) -> Document:
        return {"id": self._account.add_topic(self._text("name"), str(self._wanted.get("description", ""))).id}

    def _delete_topic(self) -> Document:
        found = next((one for one in self._account.topics.values() if self._text("topic") in (one.id, one.name)), None)
        if found is None:
            raise ValueError("there is no such topic")
        del self._account.topics[found.id]
        for contact in self._account.contacts.values():
            contact.topics = tuple(one for one in contact.topics if one != found.id)
        return {"deleted": found.id}

    # The account

    def _set_topics(self) -> Document:
        if self._wanted.get("mode") not in ("off", "on", "brand"):
            raise ValueError("mode is off, on or brand")
        self._account.topic_mode = self._wanted["mode"]
        return {"topic_mode": self._account.topic_mode}

    def _set_gdpr(self) -> Document:
        """No API tells it: only the account's own pages do, and this state."""
        self._account.gdpr = self._flag("on")
        return {"gdpr": self._account.gdpr}

    def _change_plan(self) -> Document:
        if "contacts" in self._wanted:
            self._account.plan = self._count("contacts")
        self._account.auto_upgrade = self._flag("auto_upgrade", self._account.auto_upgrade)
        return {"contacts": self._account.plan, "auto_upgrade": self._account.auto_upgrade}

    def _suspend(self) -> Document:
        self._account.active = False
        return {"active": False}

    def _resume(self) -> Document:
        self._account.active = True
        return {"active": True}

    def _set_role(self) -> Document:
        """Of the user that `zuid` names, else of the account's first."""
        zuid, role = self._wanted.get("zuid", next(iter(self._account.roles))), self._wanted.get("role")
        if zuid not in self._account.roles or role not in (ADMIN, READER, NOBODY):
            raise ValueError("the user is unknown, or role is not admin, reader or nobody")
        self._account.roles[zuid] = role
        return {"zuid": zuid, "role": role}

    def _lock(self) -> Document:
        """Somebody else's calls have closed a method ("POST listsubscribe")."""
        method = self._text("method")
        if method not in {lane_of(one) for one in METHODS}:
            raise ValueError(f"method is one of {', '.join(lane_of(one) for one in METHODS)}")
        seconds = self._count("seconds") if "seconds" in self._wanted else self._call.switches.lock_s
        if seconds > DAY:
            raise ValueError("a method is closed for a day at most")
        self._tenants.lane(self._account, method).locked_until = self._call.now + seconds
        return {"method": method, "seconds": seconds}
