"""Who may call: the address, then the token, the account, scope and role, and last the lock of the method (sheet, sections 2 and 3)."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.operators import credential
from sandbox.simulator import Request, Ticket
from sandbox.zoho_accounts.grants import AccessToken, ZohoGrants
from sandbox.zoho_campaigns.account import NOBODY, READER, Account
from sandbox.zoho_campaigns.envelopes import TOPICS
from sandbox.zoho_campaigns.methods import BY_ADDRESS, READ, Method
from sandbox.zoho_campaigns.refusals import Refusal, at_gateway, unauthorised
from sandbox.zoho_campaigns.tenants import Tenants

SCHEME = "zoho-oauthtoken"
SERVICE = "ZohoCampaigns.contact"
ALLOWING = {
    "READ": ("READ", "ALL"),
    "CREATE": ("CREATE", "CREATE-UPDATE", "WRITE", "ALL"),
    "UPDATE": ("UPDATE", "CREATE-UPDATE", "WRITE", "ALL"),
}


@dataclass(slots=True)
class CampaignsTicket(Ticket):
    """An admitted call: its account, and who calls (nobody: an operator)."""

    account_id: str = ""
    zuid: str = ""


class Locked(Exception):
    """The method is closed; `account` says how that is told."""

    def __init__(self, account: Account) -> None:
        super().__init__(account.name)
        self.account = account


def method_of(request: Request) -> Method | None:
    return BY_ADDRESS.get((request.method, "/".join(request.segments)))


def route_of(request: Request) -> str:
    """The route in the log."""
    found = method_of(request)
    return f"{request.method} /{'/'.join(request.segments)}" if found else f"{request.method} ?"


class Gate:
    """Lets calls in."""

    def __init__(self, grants: ZohoGrants, tenants: Tenants) -> None:
        self._grants, self._tenants = grants, tenants

    def admit(self, request: Request, dc: str, operator: str | None, ticket: CampaignsTicket) -> None:
        """Fill the ticket; raises Refusal or Locked. A wrong address is told of before any token is looked at."""
        method = method_of(request)
        if method is None:
            raise at_gateway("1004")
        if operator is not None:
            account = self._tenants.named(operator)
            ticket.account, ticket.account_id = account.name, account.id
            return
        access = self._access(request, dc)
        account = self._account(access, dc)
        ticket.account, ticket.account_id, ticket.zuid = account.name, account.id, access.user
        self._permitted(method, access, account)
        switches = self._tenants.switches[account.id]
        if not self._tenants.lane(account, lane_of(method)).take(method.limit, switches, request.now.timestamp()):
            raise Locked(account)

    def _access(self, request: Request, dc: str) -> AccessToken:
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        access = self._grants.access(token.strip(), dc, request.now) if scheme.lower() == SCHEME else None
        if access is None:
            raise unauthorised()
        return access

    def _account(self, access: AccessToken, dc: str) -> Account:
        account = self._tenants.of_token(access, dc)
        if account is None or account.roles[access.user] == NOBODY:
            raise at_gateway("902")
        if not account.active:
            raise at_gateway("901")
        return account

    def _permitted(self, method: Method, access: AccessToken, account: Account) -> None:
        if not all(allows(access, one) for one in method.scopes):
            unsaid = self._tenants.switches[account.id].scope_missing == "unauthorised"
            raise unauthorised() if unsaid else Refusal("2701")
        if account.roles[access.user] == READER and method.scopes != (READ,):
            raise Refusal("4010" if method.form == TOPICS else "2701")

    def revoke(self, request: Request) -> None:
        self._grants.revoke(credential(request.headers.get("authorization", "")))


def lane_of(method: Method) -> str:
    """What a limit belongs to: one method, by its verb too where two have one name."""
    return f"{method.verb} {method.name}"


def allows(access: AccessToken, needed: str) -> bool:
    return any(f"{SERVICE}.{one}" in access.scopes for one in ALLOWING[needed])
