"""Which addresses are taken (sheet, section 4: 2004, 2005)."""

from __future__ import annotations

import re

from sandbox.zoho_campaigns.refusals import Refusal

ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z")
LONGEST = 100
OF_A_GROUP = frozenset({
    "abuse", "accounts", "admin", "administrator", "billing", "contact", "enquiries", "enquiry", "finance", "hello", "help",
    "hr", "info", "inquiries", "jobs", "mail", "marketing", "no-reply", "noreply", "office", "orders", "postmaster", "root",
    "sales", "security", "service", "spam", "support", "team", "webmaster",
})  # fmt: skip


def address_of(text: str) -> str:
    """The address as the vendor keeps it, in small letters; an invalid one and one of a group are refused."""
    if len(text) > LONGEST or not ADDRESS.match(text) or ".." in text:
        raise Refusal("2004")
    address = text.lower()
    if address.partition("@")[0] in OF_A_GROUP:
        raise Refusal("2005")
    return address
