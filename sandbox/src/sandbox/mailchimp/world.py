"""All that a restart must find again: accounts, consents, and the switches in force."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sandbox.mailchimp import seed
from sandbox.mailchimp.account import Account
from sandbox.mailchimp.login import Consents
from sandbox.mailchimp.switches import Switches
from sandbox.operators import Operators, operator_token
from sandbox.simulator import Request

VENDOR = "mailchimp"
DC = "us6"
# The vendor's newer documentation names one host for all accounts; the older ones name the data centre.
GLOBAL_HOSTS = ("api",)


@dataclass(slots=True)
class World:
    """The one mutable root; everything else gets it handed in."""

    accounts: dict[str, Account] = field(default_factory=dict)
    consents: Consents = field(default_factory=Consents)
    switches: Switches = field(default_factory=Switches)

    def open(self, name: str, operators: Operators) -> Account:
        """An account with the audiences every account starts with; the same name gives the same credentials."""
        key = f"{hashlib.md5(f'key:{name}'.encode(), usedforsecurity=False).hexdigest()}-{DC}"
        token = operator_token(VENDOR, name, f"-{DC}")
        account = Account(name, DC, f"owner@{name}.example", key, token, created_at=seed.FIRST_DAY)
        seed.demo(account, seed.FIRST_DAY)
        self.accounts[name] = account
        operators.add(VENDOR, name, token)
        return account

    def holder(self, credential: str, request: Request) -> Account | None:
        """Whose key or token this is, at the address it belongs to."""
        dc = request.prefix.split("/")[2]
        for account in self.accounts.values():
            if account.takes(credential) or (request.operator and credential == account.operator_token):
                return account if dc in (account.dc, *GLOBAL_HOSTS) else None
        return None

    def become(self, other: World) -> None:
        self.accounts, self.consents, self.switches = other.accounts, other.consents, other.switches
