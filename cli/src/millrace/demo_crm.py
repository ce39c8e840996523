"""The demo's CRM: an account of Zoho CRM in India beside the books in Europe, by consent as its owner gives it."""

from __future__ import annotations

from millrace.demo import ACCOUNT, Demo, Say, connect

CRM = "demo-crm"


def connect_crm(demo: Demo, say: Say) -> None:
    """The account of whoever consents: a token opens one, so that none is chosen."""
    connect_account(demo, say, CRM, ACCOUNT)


def connect_account(demo: Demo, say: Say, name: str, account: str) -> None:
    """An account by its name in the sandbox, wherever it lives."""
    dc = str(demo.account("zoho-crm", account)["dc"])
    connect(demo, say, name, "zoho-crm", {"site": dc}, f"demo@{dc}.example")


STEPS = (connect_crm,)
