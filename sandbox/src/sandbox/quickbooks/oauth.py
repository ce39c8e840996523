"""Consent and tokens (sheet, section 1): the company is told on the way back and nowhere else; refresh values rotate."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, select_autoescape

from sandbox.quickbooks.apps import App, Grant
from sandbox.quickbooks.company import Company
from sandbox.quickbooks.refusals import Document, Refusal
from sandbox.quickbooks.wire import parse
from sandbox.quickbooks.world import Code, World
from sandbox.simulator import Answer, Applied, Request

SCOPE = "com.intuit.quickbooks.accounting"
AUTHORIZE, TOKEN, REVOKE = "/connect/oauth2", "/oauth2/v1/tokens/bearer", "/v2/oauth2/tokens/revoke"
DISCOVERY = ("/.well-known/openid_configuration", "/.well-known/openid_sandbox_configuration")
PATHS = frozenset({AUTHORIZE, TOKEN, REVOKE, *DISCOVERY, *(f"{path}/" for path in DISCOVERY)})
HARD_HEADER = "x-include-refresh-token-hard-expires-in"
CODE_LIVES_S = 600
CARRIED = ("client_id", "response_type", "scope", "redirect_uri", "state")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OAuth:
    """Answers the addresses that are no company's."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages = Environment(
            loader=PackageLoader("sandbox.quickbooks", "templates"), autoescape=select_autoescape(), trim_blocks=True
        )

    def answer(self, request: Request) -> Answer:
        match request.method, request.path.rstrip("/"):
            case "GET", path if path in DISCOVERY:
                return Answer.json(200, discovery(f"{request.base_url}{request.prefix}"))
            case "GET", path if path == AUTHORIZE:
                return self._page(request)
            case "POST", path if path == AUTHORIZE:
                return self._decided(request)
            case "POST", path if path == TOKEN:
                return self._token(request)
            case "POST", path if path == REVOKE:
                return self._revoked(request)
        return Answer(404)

    # The consent page

    def _page(self, request: Request) -> Answer:
        asked = dict(request.query)
        wrong = self._unfit(asked)
        carried = {name: asked[name] for name in CARRIED if name in asked}
        companies = list(self._world.companies.values())
        return self._html(400 if wrong else 200, wrong=wrong, carried=carried, companies=companies)

    def _html(self, status: int, **shown: object) -> Answer:
        body = self._pages.get_template("consent.html").render(**shown)
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
        return Answer(status, body.encode(), headers)

    def _unfit(self, asked: Mapping[str, str]) -> str:
        """What is wrong with a request for consent; nobody is sent on to an address that is not the application's."""
        app = self._world.client(asked.get("client_id"))
        if app is None:
            return "The client_id is unknown."
        if not redirects_to(asked.get("redirect_uri", ""), app):
            return "The redirect_uri query parameter value is invalid."
        if asked.get("response_type") != "code":
            return "The response_type must be code."
        if SCOPE not in asked.get("scope", "").split():
            return "The scope is unknown."
        return "" if asked.get("state") else "The state is missing."

    def _decided(self, request: Request) -> Answer:
        asked = dict(request.query) | form_of(request)
        wrong, company = self._unfit(asked), self._world.companies.get(asked.get("company", ""))
        if not wrong and asked.get("decision") == "cancel":
            return back(asked, {"error": "access_denied", "state": asked["state"]})
        if wrong or asked.get("decision") != "connect" or company is None:
            return self._html(400, wrong=wrong or "Choose a company, then connect or cancel.", carried={}, companies=[])
        return self._consented(request, asked, company)

    def _consented(self, request: Request, asked: Mapping[str, str], company: Company) -> Answer:
        app = self._world.client(asked["client_id"])
        assert app is not None
        code = f"XAB{self._world.fresh('code', request.id)[:40]}"
        expires = request.now.timestamp() + CODE_LIVES_S
        self._world.codes[code] = Code(company.realm, app.key, asked["redirect_uri"], expires)
        answer = back(asked, {"code": code, "state": asked["state"], "realmId": company.realm})
        answer.account, answer.applied = company.account, [Applied("code", company.account, "create")]
        return answer

    # Tokens

    def _token(self, request: Request) -> Answer:
        app = self._client(request)
        if app is None:
            return refused(401, "invalid_client")
        asked = form_of(request)
        match asked.get("grant_type"):
            case "authorization_code":
                grant = self._redeemed(request, app, asked)
            case "refresh_token":
                grant = self._refreshed(request, app, asked.get("refresh_token", ""))
            case _:
                return refused(400, "unsupported_grant_type")
        if grant is None:
            return refused(400, "invalid_grant", "Incorrect or invalid refresh token")
        return self._issued(request, grant)

    def _client(self, request: Request) -> App | None:
        """The application of a basic pair; other ways of saying who one is are not taken."""
        scheme, _, pair = request.headers.get("authorization", "").strip().partition(" ")
        try:
            id_, _, secret = base64.b64decode(pair, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        app = self._world.client(id_)
        return app if app and scheme.lower() == "basic" and app.client_secret == secret else None

    def _redeemed(self, request: Request, app: App, asked: Mapping[str, str]) -> Grant | None:
        """A code is spent by the first try that names it; what the application had at the company before is dead."""
        code, now = self._world.codes.pop(asked.get("code", ""), None), request.now.timestamp()
        if code is None or code.app != app.key or code.expires <= now or code.redirect_uri != asked.get("redirect_uri"):
            return None
        numbers = self._world.switches
        grant = Grant(
            code.realm, self._refresh_value(request), now, now + numbers.refresh_idles_s, now + numbers.refresh_lives_s
        )
        app.grants[code.realm] = grant
        return grant

    def _refresh_value(self, request: Request) -> str:
        return f"RT1-{self._world.fresh('refresh', request.id)[:46]}"

    def _refreshed(self, request: Request, app: App, given: str) -> Grant | None:
        """The same value for a day, then a new one; the former is dead from that moment, seen or not."""
        now, numbers = request.now.timestamp(), self._world.switches
        grant = next((one for one in app.grants.values() if one.refresh == given), None)
        if grant is None or grant.withdrawn or min(grant.idle_until, grant.hard_until) <= now:
            return None
        if now - grant.refresh_made >= numbers.refresh_rotates_s:
            grant.refresh, grant.refresh_made = self._refresh_value(request), now
        grant.idle_until = now + numbers.refresh_idles_s
        return grant

    def _issued(self, request: Request, grant: Grant) -> Answer:
        now, lives = request.now.timestamp(), self._world.switches.access_lives_s
        token = f"eyJ{self._world.fresh('access', request.id)}.{self._world.fresh(request.id)}"
        grant.access = {one: until for one, until in grant.access.items() if until > now - lives} | {token: now + lives}
        told: Document = {
            "token_type": "bearer", "access_token": token, "expires_in": lives, "refresh_token": grant.refresh,
            "x_refresh_token_expires_in": int(min(grant.idle_until, grant.hard_until) - now),
        }  # fmt: skip
        if request.headers.get(HARD_HEADER, "").lower() == "true":
            told["x_refresh_token_hard_expires_in"] = int(grant.hard_until - now)
        answer = Answer.json(200, told)
        answer.account = self._world.companies[grant.realm].account
        answer.applied = [Applied("token", answer.account, "create")]
        return answer

    def _revoked(self, request: Request) -> Answer:
        """Either token ends the whole connection."""
        app = self._client(request)
        if app is None:
            return refused(401, "invalid_client")
        try:
            token = parse(request.body).get("token")
        except Refusal:
            return refused(400, "invalid_request")
        held = next(
            (one for one in app.grants.values() if token and (token == one.refresh or token in one.access)), None
        )
        if held is None:
            return refused(400, "invalid_request")
        del app.grants[held.realm]
        account = self._world.companies[held.realm].account
        return Answer(200, account=account, applied=[Applied("token", account, "delete")])


def discovery(base: str) -> Document:
    return {
        "issuer": "https://oauth.platform.intuit.com/op/v1",
        "authorization_endpoint": f"{base}{AUTHORIZE}",
        "token_endpoint": f"{base}{TOKEN}",
        "revocation_endpoint": f"{base}{REVOKE}",
        "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
        "jwks_uri": f"{base}/op/v1/jwks",
        "response_types_supported": ["code"],
        "scopes_supported": [SCOPE],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }


def refused(status: int, error: str, description: str = "") -> Answer:
    return Answer.json(status, {"error": error} | ({"error_description": description} if description else {}))


def redirects_to(uri: str, app: App) -> bool:
    """Encrypted, but on the own machine; without registered addresses only there."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    local = parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
    if app.redirect_uris:
        return uri in app.redirect_uris and (local or parts.scheme == "https")
    return local


def back(asked: Mapping[str, str], more: Mapping[str, str]) -> Answer:
    uri = asked["redirect_uri"]
    return Answer(302, b"", {"location": f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode(more)}"})


def form_of(request: Request) -> dict[str, str]:
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}
