"""The accounts servers' budgets: read, changed, shown; and the bodies of their refusals."""

from __future__ import annotations

from dataclasses import asdict, replace

from sandbox.limits import window_mode
from sandbox.simulator import Answer, Reading
from sandbox.zoho_accounts.codes import Codes
from sandbox.zoho_accounts.grants import Grant, Numbers, ZohoGrants
from sandbox.zoho_accounts.people import Client

TOO_MANY = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}
BOUNDS: dict[str, tuple[float, float]] = {
    "refreshes": (0, 1_000_000),
    "window_s": (1, 86_400),
    "active": (1, 10_000),
    "per_user": (1, 10_000),
    "codes": (0, 1_000_000),
    "code_s": (1, 86_400),
    "token_s": (1, 86_400),
}


NAMES = {"window_mode": "mode"}


def refused(numbers: Numbers, error: str) -> Answer:
    """An error of the token endpoint: HTTP 200 by default, 400 when the admin says so. Only the body tells."""
    return Answer.json(numbers.error_status, {"error": error})


def access_denied(numbers: Numbers) -> Answer:
    """The throttle's own body."""
    return Answer.json(numbers.throttle_status, TOO_MANY)


class Budgets:
    """The numbers in force and how much of them is used."""

    def __init__(self, grants: ZohoGrants, codes: Codes) -> None:
        self._grants, self._codes = grants, codes

    def access_denied(self) -> Answer:
        return access_denied(self._grants.numbers)

    def change(self, wanted: dict[str, object]) -> dict[str, object]:
        """Set numbers and switches; all of them or, with a ValueError, none."""
        changes = {NAMES.get(name, name): checked(name, value) for name, value in wanted.items()}
        self._grants.numbers = replace(self._grants.numbers, **changes)  # type: ignore[arg-type]
        self._grants.retune()
        return asdict(self._grants.numbers)

    def restore(self) -> None:
        self._grants.numbers = Numbers()
        self._grants.retune()
        self._grants.clear_budgets()

    def meters(self, now: float) -> list[Reading]:
        """Refreshes of every offline grant in use, and codes made, against their budgets."""
        shown = [
            Reading(self._who(grant), "refreshes in 10 min", used, grant.throttle.limit)
            for grant in self._grants.grants()
            if (used := grant.throttle.used(now))
        ]
        for (client_id, dc), window in self._codes.windows().items():
            if used := window.used(now):
                shown.append(Reading(f"{self._grants.clients[client_id].name} ({dc})", "codes", used, window.limit))
        return shown

    def _who(self, grant: Grant) -> str:
        user = self._grants.user(grant.user)
        return f"{user.email if user else grant.user}, grant {grant.number}"

    def state(self, account: str | None) -> dict[str, object]:
        """Users, clients and grants, without codes and tokens; `account` is a client's name."""
        named = {client.id: client.name for client in self._grants.clients.values()}
        if account is not None and account not in named.values():
            raise KeyError(account)
        return {
            "users": [asdict(user) for user in self._grants.users],
            "clients": [
                client_row(client) for client in self._grants.clients.values() if account in (None, client.name)
            ],
            "grants": [
                grant_row(grant, named.get(grant.client_id, ""))
                for grant in self._grants.grants()
                if account in (None, named.get(grant.client_id))
            ],
            "open_codes": len(self._codes.open()),
            "limits": asdict(self._grants.numbers),
        }


def client_row(client: Client) -> dict[str, object]:
    """A client with its secrets: they are the sandbox's own, and a tool needs one per data centre."""
    return {
        "id": client.id,
        "name": client.name,
        "kind": client.kind,
        "multi_dc": client.multi_dc,
        "redirect_uris": list(client.redirect_uris),
        "secrets": {dc: secret for dc, secret in client.secrets.items() if client.enabled_in(dc)},
    }


def grant_row(grant: Grant, client: str) -> dict[str, object]:
    return {
        "number": grant.number,
        "dc": grant.dc,
        "user": grant.user,
        "client": client,
        "scopes": list(grant.scopes),
        "offline": grant.refresh_token is not None,
        "active_tokens": len(grant.tokens),
        "organization_id": grant.organization_id,
    }


def checked(name: str, value: object) -> object:
    """One number or switch within its bounds; raises ValueError."""
    if name in ("window_mode", "mode"):
        return window_mode(value)
    if name == "prolongs" and isinstance(value, bool):
        return value
    if name in ("error_status", "throttle_status") and value in (200, 400) and not isinstance(value, bool):
        return value
    low, high = BOUNDS.get(name, (1, 0))
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is unknown or out of bounds")
    return value
