"""OAuth at `/mailchimp/login/oauth2/`: consent, the code's exchange, and what a token says about itself (sheet, section 1).

No scopes, no refresh token: a token lives until its grant is revoked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, select_autoescape

from sandbox.mailchimp.account import Account
from sandbox.simulator import Answer, Applied, Request

CODE_LIVES_S = 600
CARRIED = ("response_type", "client_id", "redirect_uri", "state")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CLIENT_ID = "517412034789"
CLIENT_SECRET = hashlib.sha256(b"mailchimp:client:secret").hexdigest()[:50]


@dataclass(frozen=True, slots=True)
class Code:
    """A consent on its way to being a token; good once."""

    account: str
    redirect_uri: str
    expires: int


@dataclass(slots=True)
class Consents:
    """The codes given out; `redirect_uris` empty means any loopback address, as a local stack chooses its ports."""

    codes: dict[str, Code] = field(default_factory=dict)
    redirect_uris: tuple[str, ...] = ()
    made: int = 0


class Login:
    """Answers the three OAuth addresses."""

    def __init__(self) -> None:
        self._pages = Environment(
            loader=PackageLoader("sandbox.mailchimp", "templates"), autoescape=select_autoescape(), trim_blocks=True
        )

    def answer(self, request: Request, accounts: Mapping[str, Account], consents: Consents) -> Answer:
        match request.method, request.path:
            case "GET", "/oauth2/authorize":
                return self._page(request, accounts, consents)
            case "POST", "/oauth2/authorize":
                return self._decided(request, accounts, consents)
            case "POST", "/oauth2/token":
                return exchanged(request, accounts, consents)
            case "GET", "/oauth2/metadata":
                return metadata(request, accounts)
        return Answer.json(404, {"error": "not_found"})

    def _page(self, request: Request, accounts: Mapping[str, Account], consents: Consents) -> Answer:
        asked = dict(request.query)
        wrong = unfit(asked, consents)
        carried = {name: asked[name] for name in CARRIED if name in asked}
        shown = {
            "carried": carried,
            "accounts": list(accounts.values()),
            "action": f"{request.prefix}/oauth2/authorize",
        }
        return self._html(400 if wrong else 200, wrong=wrong, **shown)

    def _html(self, status: int, **shown: object) -> Answer:
        body = self._pages.get_template("consent.html").render(**shown)
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
        return Answer(status, body.encode(), headers)

    def _decided(self, request: Request, accounts: Mapping[str, Account], consents: Consents) -> Answer:
        asked = dict(request.query) | form_of(request)
        wrong = unfit(asked, consents)
        account = accounts.get(asked.get("user", ""))
        if asked.get("decision") == "deny" and not wrong:
            return redirect(asked, {"error": "access_denied"})
        if wrong or asked.get("decision") != "approve" or account is None:
            return self._html(400, wrong=wrong or "Choose an account, then allow or cancel.", carried={}, accounts=[])
        consents.made += 1
        code = hashlib.sha256(f"code:{consents.made}:{request.id}".encode()).hexdigest()[:32]
        expires = int(request.now.timestamp()) + CODE_LIVES_S
        consents.codes[code] = Code(account.name, asked["redirect_uri"], expires)
        answer = redirect(asked, {"code": code})
        answer.account, answer.applied = account.name, [Applied("code", account.name, "create")]
        return answer


def unfit(asked: Mapping[str, str], consents: Consents) -> str:
    """What is wrong with a request for consent; nobody is sent on to an address that is not the application's."""
    if asked.get("client_id") != CLIENT_ID:
        return "The client_id is unknown."
    if not redirects_to(asked.get("redirect_uri", ""), consents):
        return "The redirect_uri does not fit the application."
    return "" if asked.get("response_type") == "code" else "The response_type must be code."


def redirects_to(uri: str, consents: Consents) -> bool:
    if consents.redirect_uris:
        return uri in consents.redirect_uris
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK


def redirect(asked: Mapping[str, str], more: Mapping[str, str]) -> Answer:
    uri, state = asked["redirect_uri"], asked.get("state")
    query = urlencode({**more, **({"state": state} if state is not None else {})})
    return Answer(302, b"", {"location": f"{uri}{'&' if urlsplit(uri).query else '?'}{query}"})


def form_of(request: Request) -> dict[str, str]:
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}


def exchanged(request: Request, accounts: Mapping[str, Account], consents: Consents) -> Answer:
    """A code becomes a token that never expires; a code is spent by the first try that names it rightly or wrongly."""
    asked = form_of(request)
    if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return refused("invalid_client", "The client credentials are invalid.")
    if asked.get("grant_type") != "authorization_code":
        return refused("unsupported_grant_type", "Only authorization_code is supported.")
    code = consents.codes.pop(asked.get("code", ""), None)
    account = accounts.get(code.account) if code else None
    if code is None or account is None or code.expires < request.now.timestamp():
        return refused("invalid_grant", "The code is invalid or has expired.")
    if code.redirect_uri != asked.get("redirect_uri"):
        return refused("invalid_grant", "The redirect_uri does not match the one the code was given for.")
    token = hashlib.sha256(f"token:{asked['code']}".encode()).hexdigest()[:32]
    account.tokens.add(token)
    answer = Answer.json(200, {"access_token": token, "expires_in": 0, "scope": None})
    answer.account, answer.applied = account.name, [Applied("token", account.name, "create")]
    return answer


def refused(error: str, description: str) -> Answer:
    return Answer.json(400, {"error": error, "error_description": description})


def metadata(request: Request, accounts: Mapping[str, Account]) -> Answer:
    """`Authorization: OAuth <token>`: where the token's account lives."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    holders = [account for account in accounts.values() if account.takes(token) and token in account.tokens]
    if scheme.lower() not in ("oauth", "bearer") or not holders:
        return Answer.json(401, {"error": "invalid_token", "error_description": "The access token is invalid."})
    account = holders[0]
    login = {"email": account.user, "avatar": None, "login_id": account.user_id, "login_name": account.user}
    document = {
        "dc": account.dc,
        "role": "owner",
        "accountname": f"Demo Company ({account.name})",
        "user_id": account.user_id,
        "login": {**login, "login_email": account.user},
        "login_url": f"{request.base_url}/mailchimp/login",
        "api_endpoint": f"{request.base_url}/mailchimp/{account.dc}",
    }
    return Answer.json(200, document, account.name)
