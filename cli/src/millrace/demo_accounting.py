"""The demo's accounting: a company of QuickBooks by consent, its webhook in the portal, and an audience of its own for its customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from millrace.demo import ACCOUNT, MAILCHIMP, Demo, Say, apply, connect, hash_of

VENDOR, COMPANY, SYNC = "quickbooks", "demo-company", "demo-clients"
AUDIENCE: Mapping[str, object] = {
    "name": "Clients",
    "contact": {"company": "Alder & Finch", "address1": "1 High Street", "city": "Springfield", "country": "US"},
    "permission_reminder": "You are a client of ours.",
    "campaign_defaults": {"from_name": "Ada", "from_email": "ada@alder.example", "subject": "News", "language": "en"},
    "email_type_option": False,
}
CLIENT = "mary@example.org"
_CUSTOMER: Mapping[str, object] = {
    "DisplayName": "Mary Somerville",
    "GivenName": "Mary",
    "FamilyName": "Somerville",
    "CompanyName": "Celestial Mechanics",
    "PrimaryEmailAddr": {"Address": CLIENT},
}
_BY_ADDRESS = f"select Id from Customer where PrimaryEmailAddr = '{CLIENT}'"  # noqa: S608 - the vendor's query language
DEMO_SYNC: Mapping[str, object] = {
    "name": SYNC,
    "template": "quickbooks-mailchimp",
    "source": COMPANY,
    "target": MAILCHIMP,
    "create_fields": True,
}


def connect_company(demo: Demo, say: Say) -> None:
    """The company that its administrator chooses on the vendor's page."""
    connect(demo, say, COMPANY, VENDOR, {}, str(demo.account(VENDOR)["organization_name"]))


def enter_webhook(demo: Demo, say: Say) -> None:
    """What a person does in the vendor's portal and here: the address there, the portal's token here."""
    told = demo.console.get(f"/app-channels/{VENDOR}")
    if told["has_secret"]:
        return
    account = demo.account(VENDOR)
    wanted = {"do": "set_webhook", "url": told["address"], "entities": ["Customer"]}
    httpx.post(people_url(account), json=wanted, timeout=15, trust_env=False).raise_for_status()
    demo.console.post(f"/app-channels/{VENDOR}/secret", {"secret": account["verifier_token"]})
    say(f"registered: the webhook of the application at QuickBooks, {told['address']}")


def join_clients(demo: Demo, say: Say) -> None:
    """The sync into an audience of its own; one that is there is left as it is, so that a start asks no vendor."""
    if not any(sync["name"] == SYNC for sync in demo.console.get("/syncs")["items"]):
        with _mailchimp(demo) as api:
            place = _audience(api) or str(api.post("/lists", json=AUDIENCE).raise_for_status().json()["id"])
        apply(demo, say, {**DEMO_SYNC, "place": place})


def first_client(demo: Demo, say: Say) -> None:
    """Somebody whom the audience is told of, entered as in the company's own pages."""
    with _company(demo) as company:
        if _client(company) is None:
            company.post("/customer", json=_CUSTOMER).raise_for_status()
            say(f"{CLIENT} is a new customer in QuickBooks.")


STEPS = (connect_company, enter_webhook, join_clients, first_client)


def to_try(demo: Demo, sandbox: str) -> list[str]:
    """Commands that work as they stand, in any order and again."""
    account, audience = demo.account(VENDOR), demo.account("mailchimp")
    with _company(demo) as company, _mailchimp(demo) as api:
        client, place = _client(company), _audience(api)
    member = f"{audience['base_url']}/lists/{place}/members/{hash_of(CLIENT)}"
    return [
        "And an accounting (QuickBooks, simulated): its customers are members of an audience of their own. See one there:",
        f"     curl -s -u demo:{audience['operator_token']} {member}",
        "Let her unsubscribe, and see it seconds later in the notes of the customer in QuickBooks:",
        f"     curl -sX POST {sandbox}/_sandbox/mailchimp/{ACCOUNT}/people -H 'Content-Type: application/json' \\",
        f'       -d \'{{"action":"unsubscribe","audience":"{place}","email":"{CLIENT}"}}\'',
        f"     curl -s '{account['base_url']}/customer/{client}' -H 'Authorization: Bearer {account['operator_token']}' \\",
        "       -H 'Accept: application/json'",
    ]


def people_url(account: Mapping[str, Any]) -> str:
    """Where one plays the people of a company, and whoever may use the portal."""
    return f"{account['api_url'].rpartition('/')[0]}/_sandbox/{VENDOR}/{account['name']}/people"


def _company(demo: Demo) -> httpx.Client:
    """The vendor's API as the company's own people use it."""
    account = demo.account(VENDOR)
    headers = {"authorization": f"Bearer {account['operator_token']}", "accept": "application/json"}
    return httpx.Client(base_url=account["base_url"], headers=headers, timeout=15, trust_env=False)


def _client(company: httpx.Client) -> str | None:
    found = (
        company.get("/query", params={"query": _BY_ADDRESS})
        .raise_for_status()
        .json()["QueryResponse"]
        .get("Customer", ())
    )
    return str(found[0]["Id"]) if found else None


def _mailchimp(demo: Demo) -> httpx.Client:
    account = demo.account("mailchimp")
    return httpx.Client(
        base_url=account["base_url"], auth=("demo", account["operator_token"]), timeout=15, trust_env=False
    )


def _audience(api: httpx.Client) -> str | None:
    """The audience that the demo has made."""
    found = api.get("/lists", params={"count": 100, "fields": "lists.id,lists.name"}).raise_for_status().json()["lists"]
    return next((str(one["id"]) for one in found if one["name"] == AUDIENCE["name"]), None)
