"""Who may call, and how often (sheet, sections 1 to 3): token, organisation, scope, and then the meters."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.simulator import Request, Ticket
from sandbox.zoho_accounts.grants import AccessToken, ZohoGrants
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.refusals import (
    Refusal,
    day_exceeded,
    minute_exceeded,
    no_token,
    stranger,
    too_many_at_once,
    unauthorised,
)
from sandbox.zoho_books.routes import Route, Router
from sandbox.zoho_books.tenants import Meters, Tenants, may_see

SCHEMES = ("Zoho-oauthtoken", "Bearer")


@dataclass(slots=True)
class BooksTicket(Ticket):
    """An admitted call: its organisation (none for the list of organisations) and its user (none for operators)."""

    dc: str = ""
    organization_id: str = ""
    user_id: str = ""
    only: str = ""
    metered: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that does not get in, and whose it was, as far as that is known."""

    refusal: Refusal
    account: str
    route: str


class Gate:
    """Lets calls in."""

    def __init__(self, grants: ZohoGrants, router: Router, tenants: Tenants) -> None:
        self._grants, self._router, self._tenants = grants, router, tenants

    def admit(self, request: Request, dc: str) -> BooksTicket | Refused:
        """A ticket, with the call counted and its place in progress taken; or the refusal, uncounted."""
        route, account = self._route(request), ""
        name = route.name if route else f"{request.method} ?"
        try:
            access = self._access(request, dc)
            org = self._organisation(request, dc, route, access)
            account = org.account if org else self._first_account(dc, access)
            self._check_scope(route, access)
            ticket = _ticket(dc, account, name, org, access)
            if org is not None and access is not None:
                meter(self._tenants.meters[org.id], request.now.timestamp())
                ticket.metered = True
        except Refusal as refusal:
            return Refused(refusal, account, name)
        return ticket

    def leave(self, ticket: BooksTicket) -> None:
        """Free the place; after a reset in the middle of a call there is none to free."""
        meters = self._tenants.meters.get(ticket.organization_id)
        if ticket.metered and meters is not None and meters.at_once.used:
            meters.at_once.leave()

    def _route(self, request: Request) -> Route | None:
        """None when nothing is there: an unknown path has no scope, and is refused for what it is later."""
        try:
            return self._router.find(request.method, request.segments)[0]
        except Refusal:
            return None

    def _access(self, request: Request, dc: str) -> AccessToken | None:
        """The live token; None for an operator."""
        if request.operator:
            return None
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        if scheme not in SCHEMES or not token.strip():
            raise no_token()
        access = self._grants.access(token.strip(), dc, request.now)
        if access is None:
            raise unauthorised()
        return access

    def _check_scope(self, route: Route | None, access: AccessToken | None) -> None:
        if route is not None and access is not None and not self._grants.allows(access, route.scope):
            raise unauthorised()

    def _organisation(
        self, request: Request, dc: str, route: Route | None, access: AccessToken | None
    ) -> Organisation | None:
        """The organisation a call names; only the organisations' own addresses do without."""
        named = request.param("organization_id") or ""
        if not named and route is not None and not route.needs_organisation:
            return None
        org = self._tenants.organisations.get(named)
        if org is None or org.dc != dc or (access is not None and not may_see(org, access)):
            raise stranger()
        return org

    def _first_account(self, dc: str, access: AccessToken | None) -> str:
        """Whose call the list of organisations is, for the log: the first one the user may see."""
        seen = self._tenants.seen_by(dc, access.user if access else "")
        return next((org.account for org in seen), "")


def _ticket(dc: str, account: str, name: str, org: Organisation | None, access: AccessToken | None) -> BooksTicket:
    return BooksTicket(
        account,
        name,
        dc,
        org.id if org else "",
        access.user if access else "",
        (access.organization_id or "") if access else "",
    )


def meter(meters: Meters, now: float) -> None:
    """Count the call, or refuse it uncounted: too many in progress, this minute, today."""
    if meters.at_once.used >= meters.at_once.limit:
        raise too_many_at_once()
    if meters.minute.used(now) >= meters.minute.limit:
        raise minute_exceeded()
    if not meters.day.take(now):
        raise day_exceeded(meters.day.limit)
    meters.minute.take(now)
    meters.at_once.enter()
