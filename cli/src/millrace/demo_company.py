"""The demo's second half: a company as one finds it, 500 customers in its books and an audience that knows some of them.

What accounts hold: customers without an address, two with the same, mistyped ones, names in every script; members who are there already, with
old values or the right ones, who left, whose mail came back, whom somebody archived or deleted for good. The same every time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from millrace.demo import Demo, books_of, hash_of

ORGANISATION, AUDIENCES = "demo-second", "demo-retail"
CUSTOMERS, SEED = 500, 7
STRANGERS = 40
"""Members who are no customers: nobody touches them."""
MISTYPED, INVENTED = 2, 3
AS_IN_BOOKS, OUT_OF_DATE = 12, 28
# What has happened to other members since, and to how many of them.
HAPPENED = {"unsubscribe": 8, "abuse": 2, "cleaned": 4, "archive": 3, "delete": 2}
_PAGE = 200

Row = Mapping[str, Any]


def furnish(demo: Demo, sandbox: str) -> Mapping[str, int]:
    """Fills both accounts anew; how many there are of what a person should know before the run."""
    with httpx.Client(base_url=f"{sandbox}/_sandbox/", timeout=60, trust_env=False) as admin:
        # The vendor takes nobody for real who lives at a test address.
        _told(admin, "limits", {"vendor": "mailchimp", "addresses": "obvious"})
        whole = {"vendor": "zoho-books", "account": ORGANISATION, "size": CUSTOMERS, "seed": SEED, "trouble": True}
        _told(admin, "seed", whole)
        _told(admin, "seed", {"vendor": "mailchimp", "account": AUDIENCES, "size": STRANGERS, "seed": SEED})
        with books_of(demo.account("zoho-books", ORGANISATION)) as books:
            chosen = _chosen(_customers(books))
            _mistype(books, chosen)
        return _fill_audience(admin, chosen[MISTYPED + INVENTED :])


def _customers(books: httpx.Client) -> list[Row]:
    found: list[Row] = []
    while len(found) < CUSTOMERS:
        page = {"page": str(len(found) // _PAGE + 1), "per_page": str(_PAGE), "sort_column": "created_time"}
        found += books.get("/contacts", params=page).raise_for_status().json()["contacts"]
    return found


def _chosen(customers: Sequence[Row]) -> list[Row]:
    """Those of whom nothing else is special: who is active, owes nothing, and has an address of their own."""
    shared = Counter(one["email"].lower() for one in customers)
    return [
        one
        for one in customers
        if one["email"] and shared[one["email"].lower()] == 1 and one["status"] == "active"
        and one["currency_code"] == "EUR" and not one["outstanding_receivable_amount"]
    ]  # fmt: skip


def _mistype(books: httpx.Client, chosen: Sequence[Row]) -> None:
    """A slip of the keyboard, which we see, and an address that only the target knows to be invented."""
    for at, row in enumerate(chosen[: MISTYPED + INVENTED]):
        name, _, domain = row["email"].partition("@")
        email = f"{name}@{domain.replace('.', '..')}" if at < MISTYPED else f"{name}@mail.test"
        path = f"/contacts/{row['contact_id']}"
        persons = books.get(path).raise_for_status().json()["contact"]["contact_persons"]
        said = [
            {"contact_person_id": one["contact_person_id"], **({"email": email} if one["is_primary_contact"] else {})}
            for one in persons
        ]
        books.put(path, json={"contact_persons": said}).raise_for_status()


def _fill_audience(admin: httpx.Client, chosen: Sequence[Row]) -> Mapping[str, int]:
    """Whom the company has written to before; how many, and how many of them have left."""
    account = next(one for one in admin.get("accounts").json()["accounts"] if one["name"] == AUDIENCES)
    members = chosen[: AS_IN_BOOKS + OUT_OF_DATE + sum(HAPPENED.values())]
    path = f"/lists/{account['audience_ids'][0]}/members"
    with httpx.Client(
        base_url=account["base_url"], auth=("demo", account["operator_token"]), timeout=60, trust_env=False
    ) as api:
        rows = [_member(row, fresh=at < AS_IN_BOOKS) for at, row in enumerate(members)]
        api.post(path.removesuffix("/members"), json={"members": rows}).raise_for_status()
        left = iter(members[AS_IN_BOOKS + OUT_OF_DATE :])
        for action, many in HAPPENED.items():
            for _, row in zip(range(many), left, strict=False):
                if action == "delete":
                    api.post(f"{path}/{hash_of(row['email'])}/actions/delete-permanent").raise_for_status()
                else:
                    _told(admin, f"mailchimp/{AUDIENCES}/people", {"action": action, "email": row["email"]})
    return {"members": len(members), "left": HAPPENED["unsubscribe"] + HAPPENED["abuse"]}


def _member(row: Row, *, fresh: bool) -> Mapping[str, Any]:
    """As the sync would write it, or as somebody typed it long ago."""
    known = {"FNAME": row["first_name"], "LNAME": row["last_name"]}
    now = {"PHONE": row["phone"], "COMPANY": row["company_name"]}
    fields = {name: value for name, value in (known | (now if fresh else {})).items() if value}
    return {
        "email_address": row["email"], "status": "subscribed", "merge_fields": fields,
        "tags": [f"currency: {row['currency_code']}"] if fresh else [],
    }  # fmt: skip


def _told(admin: httpx.Client, name: str, body: Mapping[str, object]) -> None:
    admin.post(name, json=body).raise_for_status()
