"""What the tests say to the simulated Mailchimp, and what its hooks say to them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import httpx

Json = dict[str, object]


def hash_of(email: str) -> str:
    return hashlib.md5(email.lower().encode()).hexdigest()


class Admin:
    """The sandbox's own endpoints, over one connection for the whole test."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._http = httpx.Client(base_url=f"{base_url}/_sandbox", verify=False, trust_env=False, timeout=60)

    def get(self, name: str, **query: str) -> Json:
        return self._told(self._http.get(f"/{name}", params=query))

    def post(self, name: str, body: Json | None = None) -> Json:
        return self._told(self._http.post(f"/{name}", json=body or {}))

    def delete(self, name: str) -> Json:
        return self._told(self._http.delete(f"/{name}"))

    def close(self) -> None:
        self._http.close()

    @staticmethod
    def _told(answer: httpx.Response) -> Json:
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert isinstance(told, dict)
        return told


@dataclass
class Vendor:
    """The demo account, by plain HTTP."""

    sandbox: Admin
    api: str
    key: str
    operator: str
    client_id: str
    client_secret: str
    plain: str
    strict: str
    http: httpx.Client

    @classmethod
    def of(cls, sandbox: Admin) -> Vendor:
        rows = sandbox.get("accounts")["accounts"]
        assert isinstance(rows, list)
        row = next(row for row in rows if row["vendor"] == "mailchimp" and row["name"] == "demo")
        return cls(
            sandbox,
            row["base_url"],
            row["api_key"],
            row["operator_token"],
            row["client_id"],
            row["client_secret"],
            *row["audience_ids"],
            httpx.Client(
                base_url=row["base_url"], auth=("anything", row["api_key"]), verify=False, trust_env=False, timeout=30
            ),
        )

    def call(self, method: str, path: str, body: object = None, /, **query: object) -> httpx.Response:
        return self.http.request(method, path, json=body, params={key: str(value) for key, value in query.items()})

    def told(self, method: str, path: str, body: object = None, /, **query: object) -> Json:
        """The document of a call that must succeed."""
        answer = self.call(method, path, body, **query)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert isinstance(document, dict)
        return document

    def refused(self, status: int, method: str, path: str, body: object = None, /, **query: object) -> Json:
        """The problem document of a call that must be refused."""
        answer = self.call(method, path, body, **query)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        problem = answer.json()
        assert problem["status"] == status
        assert isinstance(problem, dict)
        return problem

    def gone(self, method: str, path: str, body: object = None) -> None:
        """A call whose success is 204 and not one byte."""
        answer = self.call(method, path, body)
        assert (answer.status_code, answer.content) == (204, b""), answer.text

    def member_path(self, email: str, audience: str = "") -> str:
        return f"/lists/{audience or self.plain}/members/{hash_of(email)}"

    def add(self, email: str, if_new: str = "subscribed", audience: str = "", /, **more: object) -> Json:
        body = {"email_address": email, "status_if_new": if_new, **more}
        return self.told("PUT", self.member_path(email, audience), body)

    def member(self, email: str, audience: str = "") -> Json:
        return self.told("GET", self.member_path(email, audience))

    def person(self, action: str, email: str = "", **more: object) -> Json:
        return self.sandbox.post("mailchimp/demo/people", {"action": action, "email": email, **more})

    def switch(self, **switches: object) -> Json:
        return self.sandbox.post("limits", {"vendor": "mailchimp", **switches})

    def log(self) -> list[Json]:
        calls = self.sandbox.get("log")["calls"]
        assert isinstance(calls, list)
        return calls

    def advance(self, seconds: float) -> None:
        self.sandbox.post("clock", {"advance_s": seconds})


@dataclass
class Heard:
    """One request to the receiver."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Receiver:
    """A web address that hooks can be sent to; `status_of` decides what it answers."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    status_of: Callable[[Heard], int] = lambda heard: 200

    @property
    def posts(self) -> list[Heard]:
        return [heard for heard in self.heard if heard.method == "POST"]

    def wait(self, posts: int, seconds: float = 60) -> list[Heard]:
        """The POSTs heard, as soon as there are so many."""
        until(lambda: len(self.posts) >= posts, seconds)
        return self.posts

    def of(self, event: str) -> list[dict[str, str]]:
        return [heard.form for heard in self.posts if heard.form.get("type") == event]


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


class ReceiverServer:
    """The receiver's thread."""

    def __init__(self) -> None:
        receiver = self.receiver = Receiver()

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                heard = Heard(self.command, self.path, headers, body)
                receiver.heard.append(heard)
                self.send_response(receiver.status_of(heard))
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = do_HEAD = answer

            def log_message(self, *_args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.receiver.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self.receiver

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


ALL_EVENTS = {
    "subscribe": True,
    "unsubscribe": True,
    "profile": True,
    "cleaned": True,
    "upemail": True,
    "campaign": True,
}


def hook_body(url: str, **sources: bool) -> Json:
    return {"url": url, "events": ALL_EVENTS, "sources": {"user": True, "admin": True, "api": True} | sources}
