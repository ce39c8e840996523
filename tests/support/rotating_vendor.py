"""A vendor that rotates its refresh token with each refresh, with or without grace, known to the tests alone.

`RotatingServer` is the vendor, `RotatingOAuth` is what the product would know of it; they share nothing but the addresses.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from common.contracts.ids import VendorName
from common.secret import Secret
from vendors import mailchimp
from vendors.grant import (
    App,
    Ask,
    Discovery,
    Grant,
    GrantCall,
    Granted,
    GrantReply,
    NotGranted,
    Place,
    Renewal,
    Returned,
)
from vendors.grant_answers import document, fault, lifetime, text, unreadable, words
from vendors.grant_codes import APP_REFUSED, CALLBACK_REFUSED, CODE_REFUSED, GRANT_REVOKED
from vendors.vendor import Vendor

CLIENT_ID, CLIENT_SECRET = "rotating-client", "rotating-secret-3f9c"
LIVES = timedelta(hours=1)
HANGS_S = 3.0


class RotatingOAuth:
    """`OAuth` of the rotating vendor."""

    family = "rotating"
    sites: tuple[str, ...] = ()
    pkce = True
    grants_per_owner: int | None = None
    revokes_replaced = False
    headless = False

    renewal: Renewal | None = Renewal(timedelta(minutes=50), rotates=True)

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        return frozenset({app.base_url})

    def consent_url(self, app: App, ask: Ask) -> str:
        asked = {"client_id": app.client_id, "redirect_uri": app.redirect_uri, "state": ask.state}
        return f"{app.base_url}/authorize?{urlencode(asked | {'code_challenge': ask.challenge})}"

    def returned(self, app: App, ask_site: str, query: Mapping[str, str]) -> Returned | NotGranted:
        if not query.get("code"):
            return NotGranted("dead", CALLBACK_REFUSED.name, "no code")
        return Returned(query["code"], "here", {"realm": query.get("realmId", "")})

    def exchange(self, app: App, site: str, code: str, verifier: str) -> GrantCall:
        return self._call(app, {"grant_type": "authorization_code", "code": code, "code_verifier": verifier})

    def exchanged(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        return self._read(reply, site, CODE_REFUSED.name)

    def refresh(self, app: App, site: str, refresh: Secret) -> GrantCall:
        return self._call(app, {"grant_type": "refresh_token", "refresh_token": refresh.reveal()})

    def refreshed(self, app: App, site: str, reply: GrantReply) -> Granted | NotGranted:
        return self._read(reply, site, GRANT_REVOKED.name)

    def credentials(self, app: App, site: str, place: str) -> GrantCall:
        raise ValueError("none")

    def revoke(self, app: App, site: str, access: Secret, refresh: Secret | None) -> GrantCall | None:
        return None

    def revoked(self, reply: GrantReply) -> bool:
        return False

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        headers = {"authorization": f"Bearer {credential.reveal()}"}
        return GrantCall("GET", f"{app.base_url}/me", "/me", headers=headers)

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        if reply.status == 401:
            return NotGranted("dead", GRANT_REVOKED.name, "refused")
        return (
            Discovery((Place("only", "The only one"),), owner="o", site=site)
            if reply.status == 200
            else unreadable(reply)
        )

    def _call(self, app: App, form: Mapping[str, str]) -> GrantCall:
        client = {"client_id": app.client_id, "client_secret": app.secret("").reveal()}
        return GrantCall("POST", f"{app.base_url}/token", "/token", {**form, **client})

    def _read(self, reply: GrantReply, site: str, dead: str) -> Granted | NotGranted:
        found = document(reply)
        match text(found, "error"):
            case "invalid_grant":
                return NotGranted("dead", dead, "The vendor no longer takes the refresh token.", words(found, reply))
            case "invalid_client":
                return NotGranted("app", APP_REFUSED.name, "The vendor refuses our client.", words(found, reply))
            case "":
                pass
            case _:
                return fault(reply, words(found, reply))
        if not text(found, "access_token"):
            # Whatever else this is, the rotation may have happened.
            return unreadable(reply)
        refresh = Secret(text(found, "refresh_token"))
        lives, idle, hard = lifetime(found, "expires_in", LIVES), _span(found, "idle_s"), _span(found, "hard_s")
        return Granted(Secret(text(found, "access_token")), refresh, lives, site, refresh_lives=idle, hard_lives=hard)


def _span(found: Mapping[str, object], name: str) -> timedelta | None:
    told = found.get(name)
    return timedelta(seconds=told) if isinstance(told, int) else None


def rotating() -> Vendor:
    """The vendor as the broker is told of it."""
    name = VendorName("rotating")
    return replace(mailchimp.VENDOR, name=name, title="Rotating", grant=Grant("rotating", oauth=RotatingOAuth()))


@dataclass
class _Family:
    """All tokens of one consent."""

    current: str
    former: str | None = None
    access: str = ""


@dataclass
class RotatingServer:
    """The vendor itself: a thread of the test process, so that it outlives every broker that is killed."""

    grace: bool = False
    lives_s: int = int(LIVES.total_seconds())
    ends: dict[str, int] = field(default_factory=dict)
    """What each answer says of how long the grant has: `idle_s` unless it is renewed, `hard_s` in any case."""
    refreshes: list[tuple[str, str]] = field(default_factory=list)
    """Each refresh it was asked for: what became of it, and by which refresh token."""
    issued: list[str] = field(default_factory=list)
    mishaps: list[str] = field(default_factory=list)
    """What happens to the next refreshes, one each: `lost` (done, connection cut), `down` (not done, 503), `garbage`, `hang`."""

    def __post_init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._families: list[_Family] = []
        self._lock = threading.Lock()
        server = self
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"vendor": server}))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def forget_all(self) -> None:
        """The person disconnects us."""
        self._families.clear()

    def code_for(self, challenge: str) -> str:
        code = secrets.token_hex(8)
        self._codes[code] = challenge
        return code

    def token(self, form: Mapping[str, str]) -> tuple[int, dict[str, object], str]:
        with self._lock:
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
                return 401, {"error": "invalid_client"}, ""
            if form.get("grant_type") == "authorization_code":
                return self._exchange(form)
            return self._refresh(form)

    def accepts(self, access: str) -> bool:
        return any(family.access == access for family in self._families)

    def _exchange(self, form: Mapping[str, str]) -> tuple[int, dict[str, object], str]:
        challenge = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if challenge is None or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return 400, {"error": "invalid_grant"}, ""
        family = _Family(secrets.token_hex(16))
        self._families.append(family)
        return 200, self._tokens(family), ""

    def _refresh(self, form: Mapping[str, str]) -> tuple[int, dict[str, object], str]:
        mishap = self.mishaps.pop(0) if self.mishaps else ""
        token = form.get("refresh_token", "")
        if mishap == "down":
            self.refreshes.append(("down", token))
            return 503, {}, "garbage"
        family = next((one for one in self._families if token in (one.current, one.former)), None)
        if family is None or (token == family.former and not self.grace):
            self.refreshes.append(("refused", token))
            return 400, {"error": "invalid_grant"}, mishap
        if token == family.current:
            # Using the new one ends the grace of the one before it.
            family.former = token
        family.current = secrets.token_hex(16)
        self.refreshes.append(("granted", token))
        return 200, self._tokens(family), mishap

    def _tokens(self, family: _Family) -> dict[str, object]:
        family.access = secrets.token_hex(16)
        self.issued += [family.access, family.current]
        return {"access_token": family.access, "refresh_token": family.current, "expires_in": self.lives_s} | self.ends


class _Handler(BaseHTTPRequestHandler):
    vendor: RotatingServer

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        status, found, mishap = self.vendor.token(form)
        if mishap == "lost":
            self.connection.close()
            return
        if mishap == "hang":
            time.sleep(HANGS_S)
        self._answer(status, b"<html>busy</html>" if mishap == "garbage" else json.dumps(found).encode())

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        if self.path.startswith("/authorize"):
            back = {
                "code": self.vendor.code_for(query["code_challenge"]),
                "state": query["state"],
                "realmId": "4620816365",
            }
            self.send_response(302)
            self.send_header("location", f"{query['redirect_uri']}?{urlencode(back)}")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        access = self.headers.get("authorization", "").removeprefix("Bearer ")
        self._answer(200 if self.vendor.accepts(access) else 401, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return None
