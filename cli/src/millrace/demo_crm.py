"""The demo's CRM: an account of Zoho CRM in India in step with the books in Europe, by consent as its owner gives it."""

from __future__ import annotations

from collections.abc import Mapping

from millrace.demo import ACCOUNT, BOOKS, Demo, Say, apply, connect

CRM, SYNC = "demo-crm", "demo-people"
DEMO_SYNC: Mapping[str, object] = {
    "name": SYNC,
    "template": "zoho-books-zoho-crm",
    "source": BOOKS,
    "target": CRM,
    "create_fields": True,
}


def connect_crm(demo: Demo, say: Say) -> None:
    """The account of whoever consents: a token opens one, so that none is chosen."""
    connect_account(demo, say, CRM, ACCOUNT)


def connect_account(demo: Demo, say: Say, name: str, account: str) -> None:
    """An account by its name in the sandbox, wherever it lives."""
    dc = str(demo.account("zoho-crm", account)["dc"])
    connect(demo, say, name, "zoho-crm", {"site": dc}, f"demo@{dc}.example")


def join_people(demo: Demo, say: Say) -> None:
    """Customers and persons, both ways; a sync that is there is left as it is, so that a start asks no vendor."""
    if not any(sync["name"] == SYNC for sync in demo.console.get("/syncs")["items"]):
        apply(demo, say, DEMO_SYNC)


STEPS = (connect_crm, join_people)
