"""The accounts of the simulator, each with its switches and its meters."""

from __future__ import annotations

from typing import cast

from sandbox.zoho_accounts.grants import AccessToken
from sandbox.zoho_campaigns.account import Account
from sandbox.zoho_campaigns.meters import Lane
from sandbox.zoho_campaigns.switches import Switches

Lanes = dict[str, Lane]
Dumped = tuple[list[Account], dict[str, Switches], dict[str, Lanes]]


class Tenants:
    """All accounts in all data centres."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.switches: dict[str, Switches] = {}
        self.lanes: dict[str, Lanes] = {}

    def take(self, accounts: list[Account]) -> None:
        """These instead of those there were."""
        self.accounts = {one.id: one for one in accounts}
        self.switches = {one.id: Switches() for one in accounts}
        self.lanes = {one.id: {} for one in accounts}

    def named(self, account: str) -> Account:
        """By account name or id; raises KeyError."""
        for one in self.accounts.values():
            if account in (one.name, one.id):
                return one
        raise KeyError(account)

    def chosen(self, account: object) -> list[Account]:
        """One account, or all when none is named."""
        return [self.named(str(account))] if account else list(self.accounts.values())

    def of_token(self, access: AccessToken, dc: str) -> Account | None:
        """The account a token opens: that of its user."""
        return next((one for one in self.accounts.values() if one.dc == dc and access.user in one.roles), None)

    def lane(self, account: Account, method: str) -> Lane:
        return self.lanes[account.id].setdefault(method, Lane())

    def dump(self) -> object:
        return list(self.accounts.values()), self.switches, self.lanes

    def load(self, dumped: object) -> None:
        accounts, self.switches, self.lanes = cast(Dumped, dumped)
        self.accounts = {one.id: one for one in accounts}
