"""A period that is locked: nothing of its days is made or changed (UNCONFIRMED: what the vendor answers)."""

from __future__ import annotations

from sandbox.zoho_books.call import Call
from sandbox.zoho_books.refusals import Refusal


def check_open(call: Call, date: str) -> None:
    locked = call.switches.locked_until
    if locked and date <= locked:
        raise Refusal(400, 1040, f"Transactions until {locked} are locked.")
