"""Who may call, and how often (sheet, sections 2 and 5): token, account, scope, then places and credits."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.operators import credential
from sandbox.simulator import Request, Ticket
from sandbox.zoho_accounts.grants import AccessToken, ZohoGrants
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.prices import is_heavy, price_of
from sandbox.zoho_crm.refusals import Document, Refusal, invalid_token, no_token, scope_mismatch, too_many
from sandbox.zoho_crm.routes import WATCH, Route, Router
from sandbox.zoho_crm.scopes import allows
from sandbox.zoho_crm.tenants import Tenants
from sandbox.zoho_crm.wire import parse

SCHEMES = ("Zoho-oauthtoken", "Bearer")


@dataclass(slots=True)
class CrmTicket(Ticket):
    """An admitted call: its account, its user and scopes (none for operators), and the places it holds."""

    org_id: str = ""
    zuid: str = ""
    client: str = ""
    scopes: frozenset[str] | None = None
    heavy: bool = False
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

    def admit(self, request: Request, dc: str, operator: str | None) -> CrmTicket | Refused:
        """A ticket, with credits and a place taken; or the refusal, uncounted. `operator` is an operator's account."""
        ticket = CrmTicket("", f"{request.method} ?")
        try:
            if operator is not None:
                org, access = self._tenants.named(operator), None
            else:
                access = self._access(request, dc)
                org = self._organisation(access, dc)
            ticket.account, ticket.org_id = org.account, org.id
            self._judge(request, org, access, ticket)
        except Refusal as refusal:
            return Refused(refusal, ticket.account, ticket.route)
        return ticket

    def _judge(self, request: Request, org: Organisation, access: AccessToken | None, ticket: CrmTicket) -> None:
        found = self._route(request)
        if found is not None:
            ticket.route = named(found[0], found[1], org)
        if access is None:
            return
        ticket.zuid, ticket.client, ticket.scopes = access.user, access.client_id, access.scopes
        if found is not None:
            self._check_scope(found[0], found[1], org, access)
        self._meter(request, found[0] if found else None, org, ticket)

    def _route(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        """None when nothing is there: such a call is refused for what it is later."""
        try:
            return self._router.find(request.method, request.segments, bulk="/bulk/" in request.prefix)
        except Refusal:
            return None

    def _access(self, request: Request, dc: str) -> AccessToken:
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        if scheme not in SCHEMES or not token.strip():
            raise no_token()
        access = self._grants.access(token.strip(), dc, request.now)
        if access is None:
            raise self._dead(dc)
        return access

    def _dead(self, dc: str) -> Refusal:
        """Both codes have been seen for an expired token: the account of the data centre says which."""
        switches = self._tenants.switches
        chosen = [switches[org.id].dead_token for org in self._tenants.organisations.values() if org.dc == dc]
        return no_token() if chosen[0] == "AUTHENTICATION_FAILURE" else invalid_token()

    def _organisation(self, access: AccessToken, dc: str) -> Organisation:
        org = self._tenants.of_token(access, dc)
        if org is None:
            raise Refusal(403, "NO_PERMISSION", "permission denied", permissions=["Crm_Implied_Api_Access"])
        return org

    def _check_scope(self, route: Route, ids: dict[str, str], org: Organisation, access: AccessToken) -> None:
        module = org.modules.get(ids.get("module", ""))
        if "{module}" in route.scope and module is None:
            return  # refused later, as no module
        needed = route.scope.replace("{module}", module.scope if module else "")
        if not allows(access.scopes, needed):
            raise scope_mismatch()

    def _meter(self, request: Request, route: Route | None, org: Organisation, ticket: CrmTicket) -> None:
        document = _document(request)
        price = price_of(route, request, document) if route else 1
        ticket.heavy = route is not None and is_heavy(route, document)
        meters, switches = self._tenants.meters[org.id], self._tenants.switches[org.id]
        watching = route is not None and route.template == WATCH
        if not meters.enter(switches, ticket.client, heavy=ticket.heavy):
            raise too_many(watching)
        if not meters.credits.take(request.now.timestamp(), price):
            meters.leave(ticket.client, heavy=ticket.heavy)
            raise too_many(watching)
        ticket.metered = True

    def leave(self, ticket: CrmTicket) -> None:
        meters = self._tenants.meters.get(ticket.org_id)
        if ticket.metered and meters is not None:
            meters.leave(ticket.client, heavy=ticket.heavy)

    def revoke(self, request: Request) -> None:
        self._grants.revoke(credential(request.headers.get("authorization", "")))


def _document(request: Request) -> Document | None:
    """The body, for its price; one that cannot be read is refused later."""
    if not request.body:
        return None
    try:
        return parse(request.body)
    except Refusal:
        return None


def named(route: Route, ids: dict[str, str], org: Organisation) -> str:
    """The route in the log, its module by name: "PUT /Contacts/{id}"."""
    module = ids.get("module", "")
    template = route.template.replace("{module}", module) if module in org.modules else route.template
    return f"{route.method} {template}"
