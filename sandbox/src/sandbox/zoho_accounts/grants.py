"""Grants and tokens of the Zoho family: who may call what, in which data centre, until when.

The accounts simulator issues them; Zoho's other simulators ask `access` and `allows` on every call.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sandbox.limits import Mode, Window
from sandbox.zoho_accounts.people import Client, ZohoUser, demo_clients, demo_users

Dumped = tuple[dict[int, "Grant"], dict[str, int], dict[str, "AccessToken"], int, "Numbers", dict[str, Client]]
WRITES = frozenset({"CREATE", "UPDATE", "DELETE"})


@dataclass(slots=True)
class AccessToken:
    """A token that calls an API, as Books checks it."""

    token: str = field(repr=False)
    dc: str
    user: str  # the zuid of who consented; with client credentials the owner of the organisation
    client_id: str
    scopes: frozenset[str]
    expires_at: float  # seconds of the sandbox's clock
    grant: int  # which grant it comes from
    organization_id: str | None = None  # client credentials: the only organisation it may name


@dataclass(slots=True)
class Grant:
    """What one consent gave; without a refresh token when access was online."""

    number: int
    dc: str
    user: str
    client_id: str
    scopes: tuple[str, ...]
    refresh_token: str | None = field(repr=False)
    made_at: float
    throttle: Window
    tokens: list[str] = field(default_factory=list, repr=False)
    organization_id: str | None = None


@dataclass(slots=True)
class Numbers:
    """The budgets of the accounts servers; every one can be changed by the admin."""

    refreshes: int = 10  # access tokens from one refresh token in `window_s`
    window_s: float = 600.0
    mode: Mode = "rolling"
    active: int = 15  # access tokens of one refresh token alive at once
    per_user: int = 20  # refresh tokens of one user and client
    codes: int = 10  # grant codes of one client and data centre in `window_s`
    code_s: float = 60.0
    token_s: int = 3600
    error_status: int = 200
    throttle_status: int = 400
    prolongs: bool = False  # refused refreshes count too


class ZohoGrants:
    """The registry of users, clients, organisations, grants and tokens."""

    def __init__(self) -> None:
        self.users: list[ZohoUser] = demo_users()
        self.clients: dict[str, Client] = {client.id: client for client in demo_clients()}
        self.numbers = Numbers()
        self._organisations: dict[tuple[str, str], tuple[str, str]] = {}
        self._grants: dict[int, Grant] = {}
        self._by_refresh: dict[str, int] = {}
        self._access: dict[str, AccessToken] = {}
        self._next = 1

    # What Zoho's other simulators ask

    def access(self, token: str, dc: str, now: datetime) -> AccessToken | None:
        """The live token, or None: unknown, expired, revoked, silently dead, or of another data centre."""
        found = self._access.get(token)
        if found is None or found.dc != dc or found.expires_at <= now.timestamp():
            return None
        return found

    @staticmethod
    def allows(access: AccessToken, needed: str) -> bool:
        """Whether the token's scopes cover one like `ZohoBooks.contacts.READ` (ALL, WRITE and full access count)."""
        service, _, rest = needed.partition(".")
        module, _, operation = rest.rpartition(".")
        wider = {needed, f"{service}.{module}.ALL", f"{service}.fullaccess.all"}
        if operation in WRITES:
            wider.add(f"{service}.{module}.WRITE")
        return not wider.isdisjoint(access.scopes)

    def users_of(self, dc: str) -> list[ZohoUser]:
        return [user for user in self.users if user.dc == dc]

    def user(self, zuid: str) -> ZohoUser | None:
        return next((user for user in self.users if user.zuid == zuid), None)

    def client(self, name: str) -> Client:
        """A client by its name: `demo` (multi-DC), `single` (US only) or `self` (client credentials)."""
        return next(client for client in self.clients.values() if client.name == name)

    def register(self, client: Client) -> None:
        """Add a client; raises ValueError when the name is taken."""
        if any(other.name == client.name for other in self.clients.values()):
            raise ValueError(f"a client {client.name!r} exists")
        self.clients[client.id] = client

    def add_organisation(self, service: str, organization_id: str, dc: str, zuid: str) -> None:
        """Make an organisation known, so that `soid=ZohoBooks.<id>` can be granted."""
        self._organisations[f"{service}.{organization_id}", dc] = (organization_id, zuid)

    def organisation(self, soid: str, dc: str) -> tuple[str, str] | None:
        """Organisation id and owner behind a `soid` of this data centre."""
        return self._organisations.get((soid, dc))

    # What the accounts simulator does

    def grant(self, dc: str, user: str, client_id: str, scopes: tuple[str, ...], now: float, *, offline: bool) -> Grant:
        """Record a consent; offline, the user's refresh tokens beyond the budget die, oldest first, without a word."""
        refresh = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}" if offline else None
        numbers = self.numbers
        throttle = Window(numbers.refreshes, numbers.window_s, numbers.mode)
        made = Grant(self._next, dc, user, client_id, scopes, refresh, now, throttle)
        self._next += 1
        self._grants[made.number] = made
        if refresh is not None:
            self._by_refresh[refresh] = made.number
            self._bury_the_oldest(made)
        return made

    def _bury_the_oldest(self, newest: Grant) -> None:
        alive = [
            grant
            for grant in self._grants.values()
            if grant.refresh_token
            and (grant.dc, grant.user, grant.client_id) == (newest.dc, newest.user, newest.client_id)
        ]
        for grant in alive[: max(0, len(alive) - self.numbers.per_user)]:
            self.kill(grant)

    def own_grant(
        self, dc: str, user: str, client_id: str, organization_id: str, scopes: tuple[str, ...], now: float
    ) -> Grant:
        """The one grant of a self client to an organisation, with the scopes asked for this time."""
        for grant in self._grants.values():
            if (grant.dc, grant.client_id, grant.organization_id) == (dc, client_id, organization_id):
                grant.scopes = scopes
                return grant
        made = self.grant(dc, user, client_id, scopes, now, offline=False)
        made.organization_id = organization_id
        return made

    def by_refresh_token(self, token: str) -> Grant | None:
        number = self._by_refresh.get(token)
        return self._grants.get(number) if number is not None else None

    def consented(self, dc: str, user: str, client_id: str, scopes: Iterable[str]) -> bool:
        """Whether the user already holds an offline grant to this client that covers the scopes."""
        wanted = set(scopes)
        return any(
            grant.refresh_token
            and (grant.dc, grant.user, grant.client_id) == (dc, user, client_id)
            and wanted <= set(grant.scopes)
            for grant in self._grants.values()
        )

    def token_of(self, grant: Grant, now: float) -> AccessToken:
        """A new access token; beyond the active ones the oldest dies."""
        made = AccessToken(
            f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}",
            grant.dc,
            grant.user,
            grant.client_id,
            frozenset(grant.scopes),
            now + self.numbers.token_s,
            grant.number,
            grant.organization_id,
        )
        self._access[made.token] = made
        grant.tokens = [*self._alive(grant, now), made.token]
        for old in grant.tokens[: max(0, len(grant.tokens) - self.numbers.active)]:
            self._access.pop(old, None)
        grant.tokens = grant.tokens[-self.numbers.active :]
        return made

    def _alive(self, grant: Grant, now: float) -> Iterator[str]:
        for token in grant.tokens:
            if token in self._access and self._access[token].expires_at > now:
                yield token
            else:
                self._access.pop(token, None)

    def kill(self, grant: Grant) -> None:
        """The grant, its refresh token and all its access tokens are gone."""
        for token in grant.tokens:
            self._access.pop(token, None)
        if grant.refresh_token:
            self._by_refresh.pop(grant.refresh_token, None)
        self._grants.pop(grant.number, None)

    def revoke(self, token: str) -> bool:
        """Revoke by refresh or access token: an access token's whole grant goes with it; whether it was known."""
        grant = self.by_refresh_token(token)
        if grant is None and token in self._access:
            grant = self._grants.get(self._access[token].grant)
        if grant is None:
            return False
        self.kill(grant)
        return True

    def end_access(self, token: str) -> bool:
        """One access token dies alone, its grant lives on (as when the vendor drops a session)."""
        return self._access.pop(token, None) is not None

    def grants(self) -> list[Grant]:
        return list(self._grants.values())

    def active(self, now: float) -> int:
        return sum(token.expires_at > now for token in self._access.values())

    def forget_expired(self, now: float) -> None:
        """Drop expired access tokens, and online grants that have none left."""
        for grant in list(self._grants.values()):
            grant.tokens = list(self._alive(grant, now))
            if not grant.tokens and grant.refresh_token is None:
                del self._grants[grant.number]

    def retune(self) -> None:
        """Bring the throttles of living grants to the numbers in force."""
        for grant in self._grants.values():
            grant.throttle.limit = self.numbers.refreshes
            grant.throttle.seconds = self.numbers.window_s
            grant.throttle.mode = self.numbers.mode

    def clear_budgets(self) -> None:
        for grant in self._grants.values():
            grant.throttle.clear()

    def dump(self) -> object:
        registered = {key: value for key, value in self.clients.items() if value.name not in ("demo", "single", "self")}
        return self._grants, self._by_refresh, self._access, self._next, self.numbers, registered

    def load(self, dumped: object) -> None:
        grants, by_refresh, access, following, numbers, registered = cast(Dumped, dumped)
        self._grants, self._by_refresh, self._access = grants, by_refresh, access
        self._next, self.numbers = following, numbers
        self.clients.update(registered)
