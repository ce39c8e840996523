"""Consent, the signed way back, and the three ways to a token (sheet, section 1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, select_autoescape

from sandbox.shopify.apps import REFRESH_LIVES_S, App, Grant, Token, derived
from sandbox.shopify.shop import Shop
from sandbox.shopify.world import Code, World
from sandbox.simulator import Answer, Applied, Request

CODE_LIVES_S = 600
CARRIED = ("client_id", "scope", "redirect_uri", "state")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:shopify:params:oauth:token-type:offline-access-token"  # noqa: S105 - a kind, not a secret


class OAuth:
    """Answers `/oauth/authorize` and `/oauth/access_token` of one shop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages = Environment(
            loader=PackageLoader("sandbox.shopify", "templates"), autoescape=select_autoescape(), trim_blocks=True
        )

    def answer(self, request: Request, shop: Shop) -> Answer:
        match request.method, request.path:
            case "GET", "/oauth/authorize":
                return self._page(request, shop)
            case "POST", "/oauth/authorize":
                return self._decided(request, shop)
            case "POST", "/oauth/access_token":
                return self._token(request, shop)
        return Answer.json(404, {"errors": "Not Found"})

    # The consent page

    def _page(self, request: Request, shop: Shop) -> Answer:
        asked = dict(request.query)
        wrong = self._unfit(asked)
        carried = {name: asked[name] for name in CARRIED if name in asked}
        scopes = [scope for scope in asked.get("scope", "").split(",") if scope]
        return self._html(400 if wrong else 200, wrong=wrong, carried=carried, scopes=scopes, shop=shop)

    def _html(self, status: int, **shown: object) -> Answer:
        body = self._pages.get_template("consent.html").render(**shown)
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
        return Answer(status, body.encode(), headers)

    def _app(self, client_id: str | None) -> App | None:
        return next((app for app in self._world.apps.values() if app.client_id == client_id), None)

    def _unfit(self, asked: Mapping[str, str]) -> str:
        app = self._app(asked.get("client_id"))
        if app is None or app.custom:
            return "There is no application with this client_id."
        if not redirects_to(asked.get("redirect_uri", ""), app):
            return "The redirect_uri is not whitelisted."
        return "" if asked.get("scope") else "The scope is missing."

    def _decided(self, request: Request, shop: Shop) -> Answer:
        asked = dict(request.query) | form_of(request)
        wrong = self._unfit(asked)
        if wrong or asked.get("decision") not in ("install", "cancel"):
            return self._html(400, wrong=wrong or "Install or cancel.", carried={}, scopes=[], shop=shop)
        if asked["decision"] == "cancel":
            return back(asked, {"error": "access_denied"})
        app = self._app(asked["client_id"])
        assert app is not None
        self._world.made += 1
        code = derived("code", shop.handle, self._world.made, request.id)
        scopes = tuple(scope for scope in asked["scope"].split(",") if scope in shop.granted)
        self._world.codes[code] = Code(shop.handle, app.key, scopes, request.now.timestamp() + CODE_LIVES_S)
        answer = back(asked, self._signed(request, shop, app, code, asked.get("state", "")))
        answer.applied = [Applied("code", shop.handle, "create")]
        return answer

    def _signed(self, request: Request, shop: Shop, app: App, code: str, state: str) -> dict[str, str]:
        host = f"admin.shopify.com/store/{shop.handle}".encode()
        told = {
            "code": code,
            "host": base64.b64encode(host).decode().rstrip("="),
            "shop": shop.myshopify_domain,
            "state": state,
            "timestamp": str(int(request.now.timestamp())),
        }
        secret = app.signing_secret(request.now, self._world.switches.secret_lag_s)
        message = "&".join(f"{name}={told[name]}" for name in sorted(told))
        return told | {"hmac": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}

    # Tokens

    def _token(self, request: Request, shop: Shop) -> Answer:
        asked = form_of(request)
        app = self._app(asked.get("client_id"))
        if app is None or not app.takes_secret(asked.get("client_secret", "")):
            return refused("invalid_client", "The client is unknown, or its secret is wrong.")
        match asked.get("grant_type"):
            case "refresh_token":
                return self._refreshed(request, shop, app, asked.get("refresh_token", ""))
            case kind if kind == EXCHANGE:
                return self._exchanged(request, shop, app, asked)
        return self._redeemed(request, shop, app, asked)

    def _redeemed(self, request: Request, shop: Shop, app: App, asked: Mapping[str, str]) -> Answer:
        """A code is spent by the first try that names it."""
        code = self._world.codes.pop(asked.get("code", ""), None)
        fits = code is not None and (code.shop, code.app) == (shop.handle, app.key)
        if code is None or not fits or code.expires < request.now.timestamp():
            return refused("invalid_request", "The authorization code was not found or was already used.")
        grant = app.grants.setdefault(shop.handle, Grant([]))
        grant.scopes = list(code.scopes)
        if asked.get("expiring") == "1":
            return self._issue(request, shop, grant)
        grant.endless.append(Token(f"shpat_{self._fresh(shop, request)}"))
        return told(shop, grant.endless[-1], grant, request.now)

    def _fresh(self, shop: Shop, request: Request) -> str:
        self._world.made += 1
        return derived("token", shop.handle, self._world.made, request.id)

    def _issue(self, request: Request, shop: Shop, grant: Grant) -> Answer:
        """A new pair; the former one's access dies, its refresh token waits for the first use of the new one."""
        now, lives = request.now, self._world.switches.token_lives_s
        grant.former = grant.current if self._world.switches.former_refresh == "grace" else None
        grant.current = Token(
            f"shpat_{self._fresh(shop, request)}",
            now + timedelta(seconds=lives),
            f"shprt_{self._fresh(shop, request)}",
            now + timedelta(seconds=REFRESH_LIVES_S),
        )
        grant.used = False
        return told(shop, grant.current, grant, now)

    def _refreshed(self, request: Request, shop: Shop, app: App, given: str) -> Answer:
        grant = app.grants.get(shop.handle)
        if grant is None or not given:
            return refused("invalid_grant", "The refresh token is not valid for this shop.")
        current, former = grant.current, grant.former
        if current and current.refresh == given and current.refreshes(request.now):
            return self._issue(request, shop, grant)
        if former and former.refresh == given and former.refreshes(request.now) and not grant.used:
            # The answer to the last refresh was lost: the pair nobody used is replaced, the former one stays good.
            answer = self._issue(request, shop, grant)
            grant.former = former
            return answer
        return refused("invalid_grant", "The refresh token is expired, revoked or was already used.")

    def _exchanged(self, request: Request, shop: Shop, app: App, asked: Mapping[str, str]) -> Answer:
        """A token without end becomes an expiring pair, and dies."""
        grant = app.grants.get(shop.handle)
        held = [] if grant is None else [one for one in grant.endless if one.access == asked.get("subject_token")]
        if grant is None or not held or asked.get("expiring") != "1" or app.custom:
            return refused("invalid_subject_token", "The subject token cannot be exchanged.")
        grant.endless.clear()
        return self._issue(request, shop, grant)


def told(shop: Shop, token: Token, grant: Grant, now: datetime) -> Answer:
    document: dict[str, object] = {"access_token": token.access, "scope": ",".join(grant.scopes)}
    if token.expires is not None and token.refresh_expires is not None:
        document["expires_in"] = int((token.expires - now).total_seconds())
        document["refresh_token"] = token.refresh
        document["refresh_token_expires_in"] = int((token.refresh_expires - now).total_seconds())
    answer = Answer.json(200, document)
    answer.applied = [Applied("token", shop.handle, "create")]
    return answer


def refused(error: str, description: str) -> Answer:
    return Answer.json(400, {"error": error, "error_description": description})


def redirects_to(uri: str, app: App) -> bool:
    """Without registered addresses any loopback one is right, as a local stack chooses its ports."""
    if app.redirect_uris:
        return uri in app.redirect_uris
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK


def back(asked: Mapping[str, str], more: Mapping[str, str]) -> Answer:
    uri = asked["redirect_uri"]
    if "error" in more:
        more = {**more, "state": asked.get("state", "")}
    return Answer(302, b"", {"location": f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode(more)}"})


def form_of(request: Request) -> dict[str, str]:
    """The fields of a body that is a form or JSON; both are taken."""
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            found = json.loads(request.body)
            return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=100))
    except (ValueError, RecursionError):
        return {}
