"""Everything an account stores, as plain JSON for checkers: also what the API tells nobody."""

from __future__ import annotations

from dataclasses import asdict

from sandbox.zoho_campaigns.account import Account
from sandbox.zoho_campaigns.meters import Lane
from sandbox.zoho_campaigns.records import Contact, MailingList
from sandbox.zoho_campaigns.refusals import Document


def whole_state(account: Account, lanes: dict[str, Lane], now: float) -> Document:
    return {
        "id": account.id, "name": account.title, "dc": account.dc, "active": account.active, "roles": account.roles,
        "gdpr": account.gdpr, "topic_mode": account.topic_mode, "product_id": account.product_id,
        "plan": {
            "contacts": account.plan, "used": len(account.contacts), "auto_upgrade": account.auto_upgrade,
            "charges": [one._asdict() for one in account.charges],
        },
        "contacts": {email: _contact(one) for email, one in account.contacts.items()},
        "do_not_mail": list(account.do_not_mail),
        "lists": {one.name: _list(one) for one in account.lists.values()},
        "deleted_lists": account.deleted_lists,
        "confirmation_mails": [one._asdict() for one in account.mails],
        "fields": [one._asdict() for one in account.fields.values()],
        "topics": [one._asdict() for one in account.topics.values()],
        "tags": [one._asdict() for one in account.tags.values()],
        "methods": {name: lane.document(now) for name, lane in lanes.items()},
    }  # fmt: skip


def _contact(one: Contact) -> Document:
    return {
        "values": one.values, "marketing": one.marketing, "type_changed": one.type_changed, "topics": list(one.topics),
        "tags": list(one.tags), "added": one.added, "changed": one.changed,
    }  # fmt: skip


def _list(one: MailingList) -> Document:
    return {
        "key": one.key, "sign_up_form": one.has_form, "description": one.description,
        "members": {email: asdict(member) for email, member in one.members.items()},
        "waiting": {email: asdict(waiting) for email, waiting in one.waiting.items()},
    }  # fmt: skip
