"""The organisations of the simulator, each with its switches and its meters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sandbox.limits import Concurrency, DayMeter, Window
from sandbox.zoho_accounts.grants import AccessToken
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.packing import Packer
from sandbox.zoho_books.stamps import offset_s
from sandbox.zoho_books.switches import Switches


@dataclass(slots=True)
class Meters:
    """What counts one organisation's calls."""

    minute: Window
    day: DayMeter
    at_once: Concurrency

    @staticmethod
    def made(org: Organisation, switches: Switches, now: int) -> Meters:
        return Meters(
            Window(switches.per_minute, 60.0, switches.window),
            DayMeter(switches.calls_per_day, offset_s(now, org.time_zone)),
            Concurrency(switches.calls_at_once),
        )

    def retune(self, switches: Switches) -> None:
        self.minute.limit, self.minute.mode = switches.per_minute, switches.window
        self.day.limit, self.at_once.limit = switches.calls_per_day, switches.calls_at_once


class Tenants:
    """All organisations in all data centres."""

    def __init__(self) -> None:
        self.organisations: dict[str, Organisation] = {}
        self.switches: dict[str, Switches] = {}
        self.meters: dict[str, Meters] = {}

    def take(self, organisations: list[Organisation], now: int) -> None:
        """These organisations instead of those there were; switches stay where the organisation does."""
        self.organisations = {org.id: org for org in organisations}
        self.switches = {org.id: self.switches.get(org.id, Switches()) for org in organisations}
        self.meters = {org.id: Meters.made(org, self.switches[org.id], now) for org in organisations}
        for org in organisations:
            org.follow(self.switches[org.id])

    def refill(self, org: Organisation) -> None:
        """The same organisation with other records."""
        org.follow(self.switches[org.id])
        self.organisations[org.id] = org

    def named(self, account: str) -> Organisation:
        """By account name or organisation id; raises KeyError."""
        for org in self.organisations.values():
            if account in (org.account, org.id):
                return org
        raise KeyError(account)

    def chosen(self, account: object) -> list[Organisation]:
        """One organisation, or all when none is named."""
        return [self.named(str(account))] if account else list(self.organisations.values())

    def seen_by(self, dc: str, user_id: str, only: str = "") -> Iterator[Organisation]:
        """What a user may see in a data centre; an operator, who is no user, sees all of it."""
        for org in self.organisations.values():
            visible = not user_id or any(user.id == user_id for user in org.users)
            if org.dc == dc and visible and only in ("", org.id):
                yield org

    def switch(self, org: Organisation, switches: Switches) -> None:
        self.switches[org.id] = switches
        self.meters[org.id].retune(switches)
        org.follow(switches)

    def plans(self) -> dict[str, str]:
        return {one: switches.plan for one, switches in self.switches.items()}

    def dump(self) -> object:
        """Calls in progress are not part of it: their connections end with the process."""
        meters = {one: replace(meter, at_once=Concurrency(meter.at_once.limit)) for one, meter in self.meters.items()}
        packer = Packer()
        return [org.dump(packer) for org in self.organisations.values()], dict(self.switches), meters

    def load(self, dumped: object, now: int) -> None:
        organisations, switches, meters = _parts(dumped)
        self.switches, packer = switches, Packer()
        self.take([Organisation.load(one, packer) for one in organisations], now)
        self.meters.update(meters)


Parts = tuple[list[dict[str, Any]], dict[str, Switches], dict[str, Meters]]


def _parts(dumped: object) -> Parts:
    assert isinstance(dumped, tuple)
    organisations, switches, meters = dumped
    return organisations, switches, meters


def may_see(org: Organisation, access: AccessToken) -> bool:
    """Whether a token's user belongs to an organisation, and a client's own token names it."""
    if access.organization_id is not None and access.organization_id != org.id:
        return False
    return any(user.id == access.user for user in org.users)
