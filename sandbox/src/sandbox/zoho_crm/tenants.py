"""The accounts of the simulator, each with its switches and its meters."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import cast

from sandbox.limits import Concurrency
from sandbox.zoho_accounts.grants import AccessToken
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.switches import Switches

DAY = 86_400.0


@dataclass(slots=True)
class Credits:
    """Credits spent in the last 24 hours, rolling."""

    limit: int
    _spent: deque[tuple[float, int]] = field(default_factory=deque)
    _used: int = 0

    def take(self, now: float, price: int) -> bool:
        if self.used(now) + price > self.limit:
            return False
        self._spent.append((now, price))
        self._used += price
        return True

    def used(self, now: float) -> int:
        spent = self._spent
        while spent and spent[0][0] <= now - DAY:
            self._used -= spent.popleft()[1]
        while spent and spent[-1][0] > now:  # the clock was set back
            self._used -= spent.pop()[1]
        return self._used


@dataclass(slots=True)
class Meters:
    """What counts one account's calls: credits of all, calls in progress by application."""

    credits: Credits
    at_once: dict[str, Concurrency] = field(default_factory=dict)
    heavy: dict[str, Concurrency] = field(default_factory=dict)

    def enter(self, switches: Switches, client: str, *, heavy: bool) -> bool:
        """Take a place in progress, and for a heavy call one of the few of those."""
        places = self.at_once.setdefault(client, Concurrency(0))
        few = self.heavy.setdefault(client, Concurrency(0))
        places.limit, few.limit = switches.calls_at_once, switches.sub_concurrency
        if heavy and few.used >= few.limit:
            return False
        if not places.enter():
            return False
        if heavy:
            few.enter()
        return True

    def leave(self, client: str, *, heavy: bool) -> None:
        """Free it; after a reset in the middle of a call there is none to free."""
        for places, wanted in ((self.at_once, True), (self.heavy, heavy)):
            if wanted and client in places and places[client].used:
                places[client].leave()


Dumped = tuple[list[Organisation], dict[str, Switches], dict[str, Credits]]


class Tenants:
    """All accounts in all data centres."""

    def __init__(self) -> None:
        self.organisations: dict[str, Organisation] = {}
        self.switches: dict[str, Switches] = {}
        self.meters: dict[str, Meters] = {}

    def take(self, organisations: list[tuple[Organisation, str]]) -> None:
        """These accounts, each with the edition it begins with, instead of those there were."""
        self.organisations = {org.id: org for org, _ in organisations}
        self.switches = {org.id: Switches(edition) for org, edition in organisations}
        self.meters = {one: Meters(Credits(found.credits_a_day)) for one, found in self.switches.items()}

    def named(self, account: str) -> Organisation:
        """By account name or id; raises KeyError."""
        for org in self.organisations.values():
            if account in (org.account, org.id):
                return org
        raise KeyError(account)

    def chosen(self, account: object) -> list[Organisation]:
        """One account, or all when none is named."""
        return [self.named(str(account))] if account else list(self.organisations.values())

    def of_token(self, access: AccessToken, dc: str) -> Organisation | None:
        """The account a token opens: that of its user, or the one a self client named."""
        for org in self.organisations.values():
            belongs = org.dc == dc and any(user.zuid == access.user for user in org.users)
            if belongs and access.organization_id in (None, org.id):
                return org
        return None

    def switch(self, org: Organisation, switches: Switches) -> None:
        self.switches[org.id] = switches
        self.meters[org.id].credits.limit = switches.credits_a_day

    def dump(self) -> object:
        """Calls in progress are not part of it: their connections end with the process."""
        spent = {one: meters.credits for one, meters in self.meters.items()}
        return list(self.organisations.values()), self.switches, spent

    def load(self, dumped: object) -> None:
        organisations, self.switches, spent = cast(Dumped, dumped)
        self.organisations = {org.id: org for org in organisations}
        self.meters = {one: Meters(credits) for one, credits in spent.items()}
