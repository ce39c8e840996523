"""An independent judge: from what Zoho Books holds it works out what the audience must look like, and whether the journal told the truth.

It shares no code with the product. It knows the shipped template by its documentation alone, and the two vendors by their sheets.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

Document = Mapping[str, Any]
# Tags that the template gives; all others belong to people.
OURS = ("segment: ", "currency: ", "payment: ", "inactive")
WITHDRAWN = ("unsubscribed", "cleaned")


def differences(customers: Iterable[Document], members: Mapping[str, Document], left: Iterable[str] = ()) -> list[str]:
    """Everything in which the audience is not what it must be; `left` are addresses of people who had withdrawn."""
    wanted = wanted_of(customers)
    gone = {email.lower() for email in left}
    found: list[str] = []
    for email, customer in wanted.items():
        found += [f"{email}: {words}" for words in _of_member(customer, members.get(email), withdrawn=email in gone)]
    for email, member in members.items():
        if email not in wanted and member["status"] not in ("archived", *WITHDRAWN):
            found.append(f"{email}: nobody has this address any more, and it is {member['status']}")
        if email in gone and member["status"] in ("subscribed", "pending"):
            found.append(f"{email}: had left, and is {member['status']} again")
    return found


def untold(journal: Iterable[Document], calls: Iterable[Document]) -> list[str]:
    """Applied writes that only one side knows of: the vendor's log against the journal, as multisets."""
    theirs, ours = _applied_there(calls), _told_here(journal)
    return [
        *(f"applied and not told: {name} {what} x{count}" for (name, what), count in (theirs - ours).items()),
        *(f"told and not applied: {name} {what} x{count}" for (name, what), count in (ours - theirs).items()),
    ]


def wanted_of(customers: Iterable[Document]) -> dict[str, Document]:
    """One customer for each address: of those who share it, the one with the smallest id."""
    by_address: dict[str, list[Document]] = defaultdict(list)
    for customer in customers:
        email = str(customer.get("email") or "").strip().lower()
        if email and customer["contact_type"] == "customer":
            by_address[email].append(customer)
    return {email: min(those, key=lambda one: str(one["contact_id"])) for email, those in by_address.items()}


def _of_member(customer: Document, member: Document | None, *, withdrawn: bool) -> list[str]:
    if member is None:
        return ["is no member"]
    found = []
    if member["status"] not in (WITHDRAWN if withdrawn else ("subscribed", "unsubscribed")):
        found.append(f"is {member['status']}")
    for tag, value in fields_of(customer).items():
        if member["merge_fields"].get(tag, "") != value:
            found.append(f"{tag} is {member['merge_fields'].get(tag)!r} and must be {value!r}")
    tags = {tag["name"] for tag in member["tags"] if tag["name"].startswith(OURS)}
    if tags != tags_of(customer):
        found.append(f"tags are {sorted(tags)} and must be {sorted(tags_of(customer))}")
    return found


def fields_of(customer: Document) -> dict[str, object]:
    return {
        "FNAME": customer["first_name"],
        "LNAME": customer["last_name"],
        "PHONE": customer["phone"] or customer["mobile"],
        "COMPANY": customer["company_name"],
    }


def tags_of(customer: Document) -> set[str]:
    tags = {f"currency: {customer['currency_code']}"}
    if customer["status"] == "inactive":
        tags.add("inactive")
    if float(customer["outstanding_receivable_amount"] or 0) > 0:
        tags.add("payment: open")
    return tags


def _applied_there(calls: Iterable[Document]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for call in calls:
        for one in call["applied"]:
            if one["op"] != "noop" and one["kind"] in ("member", "member_tags"):
                what = "tags" if one["kind"] == "member_tags" else {"delete": "archive"}.get(one["op"], one["op"])
                found[str(one["id"]), what] += 1
    return found


def _told_here(journal: Iterable[Document]) -> Counter[tuple[str, str]]:
    words = {"create": "create", "archive": "archive", "give": "tags", "take": "tags"}
    found: Counter[tuple[str, str]] = Counter()
    for row in journal:
        if row["step"] == "applied":
            action = row["details"]["action"].partition(":")[0]
            name = hashlib.md5(row["target_key"].encode(), usedforsecurity=False).hexdigest()
            found[name, words.get(action, "update")] += 1
    return found
