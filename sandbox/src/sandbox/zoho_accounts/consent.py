"""The consent page: who are you, this application asks for that, yes or no. A browser and a test both get through.

The form posts back to where it came from with `user` (a zuid of the list) and `decision` (`approve` or `deny`).
"""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, PackageLoader, select_autoescape

from sandbox.simulator import Answer, Applied
from sandbox.zoho_accounts.centres import accounts_base, reachable
from sandbox.zoho_accounts.codes import Code, Codes
from sandbox.zoho_accounts.forms import Asked
from sandbox.zoho_accounts.grants import ZohoGrants
from sandbox.zoho_accounts.people import Client, ZohoUser

SCOPE = re.compile(r"[A-Za-z]+(\.[A-Za-z_{},]+)*\.(ALL|READ|CREATE-UPDATE|CREATE|UPDATE|DELETE|WRITE|all)")
CARRIED = ("response_type", "client_id", "scope", "redirect_uri", "state", "access_type", "prompt")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


class Consent:
    """`/oauth/v2/auth`."""

    def __init__(self, grants: ZohoGrants, codes: Codes) -> None:
        self._grants, self._codes = grants, codes
        self._pages = Environment(
            loader=PackageLoader("sandbox.zoho_accounts", "templates"), autoescape=select_autoescape(), trim_blocks=True
        )

    def page(self, asked: Asked) -> Answer:
        client = self._asking(asked)
        if isinstance(client, Answer):
            return client
        return self._html(
            200,
            "consent.html",
            client=client.name,
            dc=asked.dc,
            scopes=asked.scopes,
            offline=asked.one("access_type") == "offline",
            users=self._users(asked, client),
            carried={name: asked.one(name) for name in CARRIED if name in asked.fields},
            action=f"{asked.request.prefix}/oauth/v2/auth",
        )

    def decided(self, asked: Asked) -> Answer:
        client = self._asking(asked)
        if isinstance(client, Answer):
            return client
        user = next((user for user in self._users(asked, client) if user.zuid == asked.one("user")), None)
        if asked.one("decision") == "deny":
            return self._back(asked, {"error": "access_denied"})
        if asked.one("decision") != "approve" or user is None:
            return self._wrong(asked, "Choose a user, then accept or reject")
        code = self._code(asked, client, user)
        if code is None:
            return self._back(asked, {"error": "access_denied"})
        answer = self._back(asked, {"code": code.code, **self._whereabouts(asked, client, user)})
        answer.applied = [Applied("code", user.zuid, "create")]
        return answer

    def _asking(self, asked: Asked) -> Client | Answer:
        """The client, or the page that says what is wrong; nobody is redirected to an address not registered."""
        client = self._grants.clients.get(asked.one("client_id"))
        if client is None or client.kind != "server" or not client.enabled_in(asked.dc):
            return self._wrong(asked, "Invalid Client ID")
        if not client.redirects_to(asked.one("redirect_uri")):
            return self._wrong(asked, "Invalid Redirect Uri")
        if asked.one("response_type") != "code":
            return self._wrong(asked, "Invalid Response Type")
        if not asked.scopes or not all(SCOPE.fullmatch(scope) for scope in asked.scopes):
            return self._wrong(asked, "Invalid OAuth Scope")
        return client

    def _users(self, asked: Asked, client: Client) -> list[ZohoUser]:
        centres = reachable(asked.dc) if client.multi_dc else (asked.dc,)
        return [user for user in self._grants.users if user.dc in centres]

    def _code(self, asked: Asked, client: Client, user: ZohoUser) -> Code | None:
        """Offline access tells a refresh token with the first consent, later only when `prompt=consent` asks again."""
        offline = asked.one("access_type") == "offline"
        if offline and asked.one("prompt") != "consent":
            offline = not self._grants.consented(user.dc, user.zuid, client.id, asked.scopes)
        redirect = asked.one("redirect_uri")
        return self._codes.make(user.dc, user.zuid, client.id, redirect, asked.scopes, asked.now, offline=offline)

    @staticmethod
    def _whereabouts(asked: Asked, client: Client, user: ZohoUser) -> dict[str, str]:
        if not client.multi_dc:
            return {}
        return {"location": user.dc, "accounts-server": accounts_base(asked.request.base_url, user.dc)}

    @staticmethod
    def _back(asked: Asked, told: dict[str, str]) -> Answer:
        state = {"state": asked.one("state")} if "state" in asked.fields else {}
        redirect = asked.one("redirect_uri")
        joint = "&" if urlsplit(redirect).query else "?"
        return Answer(302, b"", {"location": f"{redirect}{joint}{urlencode(state | told)}"})

    def _wrong(self, asked: Asked, reason: str) -> Answer:
        return self._html(400, "wrong.html", reason=reason, client_id=asked.one("client_id"))

    def _html(self, status: int, template: str, **shown: object) -> Answer:
        body = self._pages.get_template(template).render(**shown).encode("utf-8", "replace")
        headers = {
            "content-type": "text/html;charset=UTF-8",
            "content-security-policy": POLICY,
            "cache-control": "no-store",
        }
        return Answer(status, body, headers)
