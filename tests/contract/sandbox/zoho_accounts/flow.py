"""The small vocabulary of an OAuth session: ask for consent, decide, exchange, refresh."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx

from sandbox.zoho_accounts.people import Client, demo_clients, demo_users

REDIRECT = "http://127.0.0.1:8999/oauth/zoho/callback"
SCOPE = "ZohoBooks.contacts.READ,ZohoBooks.settings.ALL"
CLIENTS = {client.name: client for client in demo_clients()}


def zuid(dc: str, who: str = "demo") -> str:
    return next(user.zuid for user in demo_users() if user.email == f"{who}@{dc}.example")


@dataclass
class Browser:
    """What a person with a browser does at an accounts server, by httpx."""

    base_url: str
    client: Client = CLIENTS["demo"]
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, verify=False))

    def accounts(self, dc: str) -> str:
        return f"{self.base_url}/zoho/{dc}/accounts"

    def page(self, dc: str, **changed: str) -> httpx.Response:
        asked = {
            "response_type": "code",
            "client_id": self.client.id,
            "scope": SCOPE,
            "redirect_uri": REDIRECT,
            "state": "S & co",
            "access_type": "offline",
            "prompt": "consent",
        }
        asked = {name: value for name, value in (asked | changed).items() if value}
        return self.http.get(f"{self.accounts(dc)}/oauth/v2/auth", params=asked)

    def decide(self, page: httpx.Response, user: str, decision: str = "approve") -> dict[str, str]:
        """Send the page's own form; the query of the address we are sent back to."""
        assert page.status_code == 200, page.text
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
        [action] = re.findall(r'<form method="post" action="([^"]*)">', page.text)
        form = {name: unescape(value) for name, value in hidden} | {"user": user, "decision": decision}
        answer = self.http.post(f"{self.base_url}{unescape(action)}", data=form)
        assert answer.status_code == 302, answer.text
        address = urlsplit(answer.headers["location"])
        assert address._replace(query="").geturl() == REDIRECT
        return {name: values[0] for name, values in parse_qs(address.query).items()}

    def consent(self, dc: str, who: str = "demo", **changed: str) -> dict[str, str]:
        return self.decide(self.page(dc, **changed), zuid(dc, who))

    def token(self, dc: str, **form: str) -> httpx.Response:
        asked = {"client_id": self.client.id, "client_secret": self.client.secrets[dc]} | form
        return self.http.post(f"{self.accounts(dc)}/oauth/v2/token", data=asked)

    def exchange(self, dc: str, code: str, /, **changed: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        return self.token(dc, **(form | changed))

    def refresh(self, dc: str, refresh_token: str) -> httpx.Response:
        return self.token(dc, grant_type="refresh_token", refresh_token=refresh_token)

    def connected(self, dc: str, who: str = "demo") -> dict[str, object]:
        """A whole consent with offline access; the token answer."""
        told = self.exchange(dc, self.consent(dc, who)["code"]).json()
        assert "refresh_token" in told, told
        return dict(told)
