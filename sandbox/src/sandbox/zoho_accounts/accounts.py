"""The Zoho accounts servers as one simulator: addresses, routing, and what the core asks of every vendor."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from sandbox.core import Core
from sandbox.delivery import Attempt, Delivery
from sandbox.simulator import Answer, Reading, Request, Ticket
from sandbox.zoho_accounts import discovery
from sandbox.zoho_accounts.budgets import Budgets
from sandbox.zoho_accounts.centres import DATA_CENTRES
from sandbox.zoho_accounts.codes import Codes
from sandbox.zoho_accounts.consent import Consent
from sandbox.zoho_accounts.forms import Asked
from sandbox.zoho_accounts.grants import ZohoGrants
from sandbox.zoho_accounts.tokens import Tokens

OWN = re.compile(rf"/zoho/({'|'.join(DATA_CENTRES)})/accounts(?=/|$)")
Handler = Callable[[Asked], Answer]


class ZohoAccounts:
    """Consent, exchange, refresh, revoke and discovery, in eight data centres."""

    vendor = "zoho-accounts"

    def __init__(self, grants: ZohoGrants) -> None:
        self._grants = grants
        self._codes = Codes(grants)
        self._budgets = Budgets(grants, self._codes)
        consent, tokens = Consent(grants, self._codes), Tokens(grants, self._codes)
        self._routes: dict[str, dict[str, Handler]] = {
            "/oauth/v2/auth": {"GET": consent.page, "POST": consent.decided},
            "/oauth/v2/token": {"POST": tokens.asked},
            "/oauth/v2/token/revoke": {"POST": tokens.revoked},
            "/oauth/serverinfo": {"GET": discovery.serverinfo},
            "/.well-known/openid-configuration": {"GET": discovery.openid_configuration},
        }

    def owns(self, path: str) -> str | None:
        found = OWN.match(path)
        return found.group(0) if found else None

    def admit(self, request: Request) -> Ticket:
        asked = Asked.of(request)
        client = self._grants.clients.get(asked.one("client_id"))
        route = f"{request.method} {request.path}" if request.path in self._routes else f"{request.method} *"
        return Ticket(client.name if client else "", route)

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        methods = self._routes.get(request.path.rstrip("/") or "/")
        if methods is None:
            return Answer(404, b"", {"content-type": "text/html;charset=UTF-8"})
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            return Answer(405, b"", {"allow": ", ".join(methods), "content-type": "text/html;charset=UTF-8"})
        answer = handler(Asked.of(request))
        answer.account, answer.route = ticket.account, ticket.route
        return answer

    def leave(self, ticket: Ticket) -> None:
        """Nothing is held: the accounts servers meter tokens, not connections."""

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        return self._budgets.access_denied()

    def revoke(self, request: Request) -> None:
        asked = Asked.of(request)
        self._grants.revoke(asked.one("refresh_token") or asked.one("token"))

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        return False

    def accounts(self) -> list[dict[str, object]]:
        """None of its own: an organisation's row carries what is needed to get a token for it."""
        return []

    def meters(self, now: datetime) -> list[Reading]:
        return self._budgets.meters(now.timestamp())

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        raise ValueError("the accounts servers hold no records to seed")

    def state(self, account: str | None) -> dict[str, object]:
        return self._budgets.state(account)

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        return self._budgets.change(wanted)

    def reset(self) -> None:
        """Budgets, open codes and numbers go back; consents stay, so that what is connected stays connected."""
        self._codes.clear()
        self._budgets.restore()

    def dump(self) -> object:
        return self._codes.dump()

    def load(self, dumped: object) -> None:
        self._codes.load(dumped)
        self._grants.retune()

    def due(self, now: datetime) -> None:
        self._grants.forget_expired(now.timestamp())
        self._codes.forget_expired(now.timestamp())


def build(core: Core) -> ZohoAccounts:
    return ZohoAccounts(core.zoho)
