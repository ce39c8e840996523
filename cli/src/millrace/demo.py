"""The demo workspace: what a new user would do first, done for them against the sandbox, each time with the same result.

Every step looks before it acts, so that a second `millrace up` and one that was broken off in the middle both end where the first did.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx

from millrace.api_client import ApiClient, of_stack
from millrace.errors import CommandError
from millrace.stack.home import Home
from millrace.stack.services import SANDBOX
from millrace.stack.status import look

BOOKS, MAILCHIMP = "demo-books", "demo-mailchimp"
SYNC = "demo-customers"
DEMO_SYNC: Mapping[str, object] = {
    "name": SYNC,
    "template": "zoho-books-to-mailchimp",
    "source": BOOKS,
    "target": MAILCHIMP,
    "create_fields": True,
}
EMAIL = "ada@example.org"
CUSTOMER: Mapping[str, object] = {
    "contact_name": "Ada Byron",
    "contact_type": "customer",
    "company_name": "Analytical Engines",
    "contact_persons": [{"first_name": "Ada", "last_name": "Byron", "email": EMAIL, "is_primary_contact": True}],
}
ACCOUNT, DC, PERSON = "demo", "eu", "demo@eu.example"
WITHIN_S = 60.0
_POLL_S = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What the steps work with: the console, and the sandbox's accounts."""

    console: ApiClient
    accounts: Sequence[Mapping[str, Any]]
    deadline: float

    def account(self, vendor: str, name: str = ACCOUNT) -> Mapping[str, Any]:
        return next(one for one in self.accounts if (one["vendor"], one["name"]) == (vendor, name))

    def connection(self, name: str) -> Mapping[str, Any] | None:
        """The connection of this name, if there is one."""
        found = self.console.get("/connections", name=name)["items"]
        return found[0] if found else None


Step = Callable[[Demo, Say], None]
Tips = Callable[[Demo, str], list[str]]
"""What else there is to try, by the sandbox's address."""


def set_up(home: Home, say: Say, more: Sequence[Step] = (), tips: Sequence[Tips] = ()) -> list[str]:
    """Does what is missing of the demo, and `more`; the lines that tell a person what to look at. Nothing where there is no sandbox."""
    addresses = {unit.name: unit.facts.get("url", "") for unit in look(home).parts()}
    if not addresses.get(SANDBOX) or not addresses.get("console"):
        return []
    try:
        with ApiClient(of_stack(home)) as console:
            demo = Demo(console, accounts_at(addresses[SANDBOX]), time.monotonic() + WITHIN_S)
            for step in (*STEPS, *more):
                step(demo, say)
            lines = _to_try(demo, addresses[SANDBOX], [line for tip in tips for line in tip(demo, addresses[SANDBOX])])
    except (CommandError, httpx.HTTPError, KeyError, StopIteration) as stopped:
        raise CommandError(
            f"The stack runs, and its demo is not complete: {stopped}",
            "Repeat `millrace up`, or start without the demo: NO_DEMO=1 millrace up.",
        ) from stopped
    return lines


def connect_books(demo: Demo, say: Say) -> None:
    """The demo organisation in the EU, by consent as a person gives it."""
    connect_organisation(demo, say, BOOKS, ACCOUNT)


def connect_mailchimp(demo: Demo, say: Say) -> None:
    """The demo account, by its API key."""
    connect_audiences(demo, say, MAILCHIMP, ACCOUNT)


def connect_organisation(demo: Demo, say: Say, name: str, account: str) -> None:
    """An organisation of Zoho Books that the demo's person sees."""
    place = str(demo.account("zoho-books", account)["organization_id"])
    connect(demo, say, name, "zoho-books", {"site": DC, "place": place})


def connect_audiences(demo: Demo, say: Say, name: str, account: str) -> None:
    """An account of Mailchimp."""
    connect(demo, say, name, "mailchimp", {"api_key": demo.account("mailchimp", account)["api_key"]})


def join_customers(demo: Demo, say: Say) -> None:
    """The sync from one to the other, with its webhooks at both; the same file again changes nothing.

    A sync that is there is left as it is: to compare it, the vendors would be asked, and a start would wait for their quota.
    """
    if any(sync["name"] == SYNC for sync in demo.console.get("/syncs")["items"]):
        return
    apply(demo, say, {**DEMO_SYNC, "place": demo.account("mailchimp")["audience_ids"][0]})


def apply(demo: Demo, say: Say, sync: Mapping[str, object]) -> None:
    """A sync with its webhooks at both ends."""
    answer = demo.console.post("/syncs", sync)
    for webhook in answer["webhooks"]:
        say(f"registered: {webhook}")
    if answer["outcome"] != "unchanged":
        say(f"{sync['name']} is {answer['state']}, mapping version {answer['mapping_version']}.")


def first_customer(demo: Demo, say: Say) -> None:
    """Somebody to look at, entered in the vendor's own system as its user would; the road does the rest."""
    with books_of(demo.account("zoho-books")) as books:
        if _customer(books) is None:
            books.post("/contacts", json=CUSTOMER).raise_for_status()
            say(f"{EMAIL} is a new customer in Zoho Books.")


# In this order; each may count on those before it.
STEPS: Sequence[Step] = (connect_books, connect_mailchimp, join_customers, first_customer)


def books_of(account: Mapping[str, Any]) -> httpx.Client:
    """The vendor's API as its operator uses it: outside of what our connection may spend."""
    return httpx.Client(
        base_url=account["base_url"], params={"organization_id": account["organization_id"]}, timeout=15, trust_env=False,
        headers={"authorization": f"Zoho-oauthtoken {account['operator_token']}"},
    )  # fmt: skip


def _customer(books: httpx.Client) -> str | None:
    found = books.get("/contacts", params={"email": EMAIL}).raise_for_status().json()["contacts"]
    return str(found[0]["contact_id"]) if found else None


def connect(demo: Demo, say: Say, name: str, vendor: str, given: Mapping[str, str], person: str = PERSON) -> None:
    """An account by consent, as this person gives it, or by the key that is given; one that is connected is left alone."""
    there = demo.connection(name)
    if there is not None and there["state"] == "active" and there["standing"] != "needs_reauth":
        return
    if there is not None and there["state"] == "active":
        begun = demo.console.post(f"/connections/{there['id']}/reconnect", given)
    else:
        begun = demo.console.post("/connections", {"vendor": vendor, "name": name, **given})
    if begun["road"]["start_url"]:
        consent(begun["road"]["start_url"], person)
    _wait(demo, begun["connection"]["id"], begun["road"])
    say(f"{name} is connected.")


def _wait(demo: Demo, connection: str, road: Mapping[str, Any]) -> None:
    while not road["over"]:
        if time.monotonic() > demo.deadline:
            raise CommandError(f"it took longer than {WITHIN_S:.0f} s: {road['message']}")
        road = demo.console.get(f"/connections/{connection}/road", wait_s=_POLL_S)
    if road["state"] != "connected":
        raise CommandError(f"{road['message']} [{road['code']}]")


def consent(start_url: str, person: str) -> None:
    """What a person does in a browser: opens the address, chooses who they are, accepts, and comes back."""
    with httpx.Client(timeout=15, trust_env=False, follow_redirects=True) as browser:
        page = browser.get(start_url).raise_for_status()
        form = ConsentForm.read(page.text)
        browser.post(urljoin(str(page.url), form.action), data=form.accepted_by(person)).raise_for_status()


class ConsentForm(HTMLParser):
    """The form on the vendor's consent page: its address, its hidden fields, the people or the companies who may be chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.choices: dict[str, str] = {}
        self.accept = ""
        self._chosen_by = "user"
        self._choice = ""

    @classmethod
    def read(cls, html: str) -> ConsentForm:
        form = cls()
        form.feed(html)
        return form

    def accepted_by(self, person: str) -> dict[str, str]:
        """The fields as they are sent when this person, or somebody for this company, accepts."""
        choice = next((value for words, value in self.choices.items() if person in words), "")
        return self.hidden | {"decision": self.accept} | ({self._chosen_by: choice} if choice else {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = given.get("action", "")
        elif tag == "input" and given.get("type") == "hidden":
            self.hidden[given.get("name", "")] = given.get("value", "")
        elif tag == "button" and given.get("name") == "decision":
            # The first is the one that accepts.
            self.accept = self.accept or given.get("value", "")
        elif given.get("name") in ("user", "company") or tag == "option":
            self._chosen_by = given.get("name", self._chosen_by)
            self._choice = given.get("value", "")

    def handle_data(self, text: str) -> None:
        # The words beside a choice say who it is.
        if self._choice and text.strip():
            self.choices[text.strip()] = self._choice


def accounts_at(sandbox: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = httpx.get(f"{sandbox}/_sandbox/accounts", trust_env=False, timeout=10).json()[
        "accounts"
    ]
    return found


def _to_try(demo: Demo, sandbox: str, more: Sequence[str]) -> list[str]:
    """Commands that work as they stand, in any order and again."""
    books, audience, crm = demo.account("zoho-books"), demo.account("mailchimp"), demo.account("zoho-crm")
    with books_of(books) as client:
        contact = f"{books['base_url']}/contacts/{_customer(client)}?organization_id={books['organization_id']}"
    member = f"{audience['base_url']}/lists/{audience['audience_ids'][0]}/members/{hash_of(EMAIL)}"
    return [
        f"The demo runs: {BOOKS} (Zoho Books, EU) -> {MAILCHIMP} by the sync {SYNC}; the sandbox plays both vendors.",
        "Three things to try:",
        "  1. change a customer in Zoho Books:",
        f"     curl -sX PUT '{contact}' -H 'Authorization: Zoho-oauthtoken {books['operator_token']}' \\",
        '       -H \'Content-Type: application/json\' -d "{\\"company_name\\": \\"Engines $(date +%T)\\"}"',
        "  2. see the member in Mailchimp:",
        f"     curl -s -u demo:{audience['operator_token']} {member}",
        "  3. read what happened on the way:",
        f"     ./millrace record timeline {EMAIL}",
        "And a shop (Shopify, simulated): its orders are invoices of the same books, posted and paid. The first is there by now:",
        "     ./millrace record find grace@example.org",
        "And a CRM (Zoho CRM, India): customers of the books are its accounts and contacts, edited on either side. Change an account there, as",
        "often as you like, and see its customer in Zoho Books:",
        f"     curl -sX POST '{crm['base_url']}/Accounts/upsert' -H 'Authorization: Zoho-oauthtoken {crm['operator_token']}' \\",
        "       -H 'Content-Type: application/json' \\",
        '       -d "{\\"data\\":[{\\"Account_Name\\":\\"Harbour Mills\\",\\"Website\\":\\"https://$(date +%H%M%S).example\\"}]}"',
        f"     curl -s '{books['base_url']}/contacts?organization_id={books['organization_id']}&company_name=Harbour%20Mills' \\",
        f"       -H 'Authorization: Zoho-oauthtoken {books['operator_token']}'",
        *more,
        "Then a whole company: 500 customers, some of them trouble. Watch its first run, and see who was skipped and why:",
        "     ./millrace demo",
        f"More: ./millrace sync list, ./millrace sync history {SYNC}, and what the vendors see: {sandbox}/_sandbox/",
    ]


def hash_of(email: str) -> str:
    """How the vendor's API names a member."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
