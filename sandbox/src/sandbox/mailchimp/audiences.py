"""The audiences of an account, and what they say about themselves."""

from __future__ import annotations

from sandbox.mailchimp import merge_field, paging
from sandbox.mailchimp.account import Account
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.bodies import Document, Rule, check, flag, nested, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.member import hash_of, iso

CONTACT_RULES = {name: Rule(required=True) for name in ("company", "address1", "city", "country")}
DEFAULTS_RULES = {name: Rule(required=True) for name in ("from_name", "from_email", "subject", "language")}
RULES: dict[str, Rule] = {
    "name": Rule(required=True, longest=100),
    "contact": Rule("object", required=True),
    "permission_reminder": Rule(required=True),
    "campaign_defaults": Rule("object", required=True),
    "email_type_option": Rule("boolean", required=True),
    "double_optin": Rule("boolean"),
    "marketing_permissions": Rule("boolean"),
    "use_archive_bar": Rule("boolean"),
    "notify_on_subscribe": Rule(),
    "notify_on_unsubscribe": Rule(),
}
ABOUT: Document = {
    "contact": {
        "company": "Demo Company",
        "address1": "675 Ponce de Leon Ave NE",
        "address2": "",
        "city": "Atlanta",
        "state": "GA",
        "zip": "30308",
        "country": "US",
        "phone": "",
    },
    "permission_reminder": "You are a customer of ours.",
    "use_archive_bar": True,
    "campaign_defaults": {
        "from_name": "Demo Company",
        "from_email": "owner@demo.example",
        "subject": "",
        "language": "en",
    },
    "notify_on_subscribe": "",
    "notify_on_unsubscribe": "",
    "email_type_option": False,
    "marketing_permissions": False,
}


def shape(account: Account, audience: Audience, *, total: bool) -> dict[str, object]:
    short = f"http://eepurl.com/{account.digest(audience.id)[:6]}"
    return {
        "id": audience.id,
        "web_id": audience.web_id,
        "name": audience.name,
        **audience.about,
        "date_created": iso(audience.created_at),
        "list_rating": 0,
        "subscribe_url_short": short,
        "subscribe_url_long": f"{short}?long=1",
        "beamer_address": f"{account.dc}-{audience.id}@inbound.mailchimp.com",
        "visibility": "prv",
        "double_optin": audience.double_optin,
        "has_welcome": False,
        "modules": [],
        "stats": stats(audience, total=total),
    }


def stats(audience: Audience, *, total: bool) -> dict[str, object]:
    counts = audience.statuses
    known: dict[str, object] = {
        "member_count": counts["subscribed"],
        "unsubscribe_count": counts["unsubscribed"],
        "cleaned_count": counts["cleaned"],
        "member_count_since_send": counts["subscribed"],
        "unsubscribe_count_since_send": counts["unsubscribed"],
        "cleaned_count_since_send": counts["cleaned"],
        "campaign_count": 0,
        "campaign_last_sent": "",
        "merge_field_count": len(audience.fields),
        "avg_sub_rate": 0,
        "avg_unsub_rate": 0,
        "target_sub_rate": 0,
        "open_rate": 0,
        "click_rate": 0,
        "last_sub_date": iso(audience.last_subscribed_at),
        "last_unsub_date": iso(audience.last_unsubscribed_at),
    }
    return known | {"total_contacts": sum(counts.values())} if total else known


def page(call: Call) -> Reply:
    """The audiences, optionally only those that hold an address."""
    query, audiences = call.query, list(call.account.audiences.values())
    after, before = paging.since(query, "since_date_created"), paging.since(query, "before_date_created")
    if after is not None:
        audiences = [audience for audience in audiences if audience.created_at > after]
    if before is not None:
        audiences = [audience for audience in audiences if audience.created_at < before]
    if query.get("email"):
        audiences = [audience for audience in audiences if hash_of(query["email"]) in audience.members]
    if query.get("sort_field") == "date_created":
        audiences.sort(key=lambda audience: audience.created_at, reverse=paging.descending(query))
    total = call.asks("include_total_contacts")
    shown = [
        shape(call.account, audience, total=total)
        for audience in paging.page(audiences, query, everything=call.in_batch)
    ]
    constraints = {"may_create": True, "max_instances": 100, "current_total_instances": len(call.account.audiences)}
    return call.shown({"lists": shown, "total_items": len(audiences), "constraints": constraints})


def get(call: Call) -> Reply:
    return call.shown(shape(call.account, call.audience, total=call.asks("include_total_contacts")))


def create(call: Call) -> Reply:
    _check(call)
    made = build(call.account, text(call.body, "name"), call.now)
    _set(made, call.body)
    call.note("audience", made.id, "create")
    return call.shown(shape(call.account, made, total=False))


def build(account: Account, name: str, now: int, audience_id: str = "") -> Audience:
    """A new audience with the fields each one starts with."""
    number = account.number()
    made = Audience(audience_id or account.digest("audience", number)[:10], 100_000 + number, name, now)
    made.about = dict(ABOUT)
    made.fields = merge_field.defaults()
    made.next_merge_id = len(made.fields) + 1
    account.audiences[made.id] = made
    return made


def _check(call: Call) -> None:
    check(call.body, RULES)
    check(nested(call.body, "contact"), CONTACT_RULES, "contact.")
    check(nested(call.body, "campaign_defaults"), DEFAULTS_RULES, "campaign_defaults.")


def _set(audience: Audience, body: Document) -> None:
    audience.name = text(body, "name", audience.name)
    audience.double_optin = flag(body, "double_optin", default=audience.double_optin)
    audience.about = audience.about | {name: body[name] for name in ABOUT if name in body}


def change(call: Call) -> Reply:
    _check(call)
    _set(call.audience, call.body)
    call.note("audience", call.audience.id, "update")
    return get(call)


def delete(call: Call) -> Reply:
    audience = call.audience
    del call.account.audiences[audience.id]
    call.note("audience", audience.id, "delete")
    return NO_CONTENT
