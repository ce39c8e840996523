"""Who may call, and how often (sheet, sections 1, 3.5 and 4): token, company, its subscription, then the limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.limits import Concurrency, Window, window_mode
from sandbox.operators import credential
from sandbox.quickbooks.api import is_batch, is_read, route_of
from sandbox.quickbooks.apps import App
from sandbox.quickbooks.company import Company
from sandbox.quickbooks.refusals import (
    OFFLINE,
    Refusal,
    lapsed,
    no_longer_admin,
    not_authenticated,
    not_authorised,
    too_many,
)
from sandbox.quickbooks.world import World, month_of
from sandbox.simulator import Request, Ticket


@dataclass(slots=True)
class QuickBooksTicket(Ticket):
    """An admitted call: its company, its application (none for operators), and the place it holds."""

    realm: str = ""
    app: str = ""


class Refused(Exception):
    """A call that does not get in."""

    def __init__(self, refusal: Refusal, account: str) -> None:
        super().__init__(refusal.message)
        self.refusal, self.account = refusal, account


class Gate:
    """Lets calls in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._windows: dict[str, Window] = {}
        self._places: dict[str, Concurrency] = {}

    def clear(self) -> None:
        self._windows.clear()
        self._places.clear()

    def admit(self, request: Request, operator: str | None) -> QuickBooksTicket:
        """A ticket, with a place taken; raises Refused, and nothing is counted then."""
        company = self._world.companies.get(request.segments[2])
        account = company.account if company else ""
        try:
            if operator is not None:
                return self._operators(request, company, operator)
            app = self._app(request)
            return self._connected(request, app, company)
        except Refusal as refusal:
            raise Refused(refusal, account) from refusal

    def _operators(self, request: Request, company: Company | None, operator: str) -> QuickBooksTicket:
        if company is None or company.account != operator:
            raise not_authorised()
        return QuickBooksTicket(company.account, route_of(request), company.realm)

    def _app(self, request: Request) -> tuple[App, str]:
        """The application and the company of a token that lives."""
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        found = self._world.of_access(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise not_authenticated()
        app, grant = found
        if grant.access[token.strip()] <= request.now.timestamp():
            raise not_authenticated("Token expired")
        if grant.withdrawn:
            raise not_authorised()
        if grant.demoted:
            raise no_longer_admin()
        return app, grant.realm

    def _connected(self, request: Request, found: tuple[App, str], company: Company | None) -> QuickBooksTicket:
        app, realm = found
        if company is None or realm != company.realm:
            raise not_authorised()
        if company.lapsed:
            raise lapsed(self._world.switches.lapsed_status)
        self._meter(request, app)
        self._limit(request, app, company)
        return QuickBooksTicket(company.account, route_of(request), company.realm, app.key)

    def _meter(self, request: Request, app: App) -> None:
        """Reads of a month are those of the application at all companies; writes are free."""
        if not is_read(request) or self.reads_left(app, request) > 0:
            return
        forbidden = self._world.switches.empty_meter == "forbidden"
        raise too_many(403 if forbidden else self._world.switches.throttle_status, OFFLINE)

    def reads_left(self, app: App, request: Request) -> int:
        return self._world.switches.reads_a_month - app.reads.get(month_of(request.now), 0)

    def _limit(self, request: Request, app: App, company: Company) -> None:
        now = request.now.timestamp()
        windows = list(self._of(request, app, company))
        places = self._places.setdefault(f"{company.realm}/{app.key}", Concurrency(0))
        places.limit = self._world.switches.at_once
        if any(window.used(now) >= window.limit for window in windows) or not places.enter():
            raise too_many(self._world.switches.throttle_status)
        for window in windows:
            window.count(now)

    def _of(self, request: Request, app: App, company: Company) -> Iterator[Window]:
        """Every window that this call is counted in."""
        numbers, realm = self._world.switches, company.realm
        own = f"{realm}/{app.key}"
        yield self._window(f"{realm} minute", numbers.realm_minute, 60)
        yield self._window(f"{own} second", numbers.app_second, 1)
        yield self._window(f"{own} everything", numbers.everything_minute, 60)
        if is_batch(request):
            yield self._window(f"{own} batch", numbers.batch_app_minute, 60)
            yield self._window(f"{realm} batch", numbers.batch_realm_minute, 60)

    def _window(self, name: str, limit: int, seconds: float) -> Window:
        window = self._windows.setdefault(name, Window(limit, seconds))
        window.limit, window.mode = limit, window_mode(self._world.switches.window)
        return window

    def used(self, company: Company, now: float) -> int:
        """Calls of the last minute, for the page."""
        window = self._windows.get(f"{company.realm} minute")
        return window.used(now) if window else 0

    def leave(self, ticket: QuickBooksTicket) -> None:
        """After a reset in the middle of a call there is no place to free."""
        places = self._places.get(f"{ticket.realm}/{ticket.app}")
        if ticket.app and places is not None and places.used:
            places.leave()

    def revoke(self, request: Request) -> None:
        """The grant of the token in this request is no more."""
        found = self._world.of_access(credential(request.headers.get("authorization", "")))
        if found is not None:
            app, grant = found
            app.grants.pop(grant.realm, None)
