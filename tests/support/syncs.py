"""A console that vendors can call, for tests of syncs: a public address that answers, and both accounts connected."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.support.broker import Broker, query
from tests.support.broker_world import World
from tests.support.console import Console
from tests.support.local_stack import LocalStack

LIST, STRICT = "a6b5da1054", "d0b1e09711"


class _Yes(BaseHTTPRequestHandler):
    """Our front door as far as a vendor's validator sees it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def front_door() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Yes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@dataclass
class Joined:
    """The console, and the two connections that its syncs join."""

    console: Console
    books: str
    chimp: str
    public_url: str

    def file(self, name: str = "customers", **more: Any) -> dict[str, Any]:
        """A sync as a person writes it."""
        return {
            "name": name,
            "template": "zoho-books-to-mailchimp",
            "source": "books",
            "target": "chimp",
            "place": LIST,
            **more,
        }

    def apply(self, name: str = "customers", *, query: str = "", **more: Any) -> dict[str, Any]:
        return dict(self.console.told("POST", f"/syncs{query}", json=self.file(name, **more)))

    def refused(self, name: str = "customers", status: int = 422, **more: Any) -> dict[str, Any]:
        return dict(self.console.told("POST", "/syncs", status, json=self.file(name, **more)))

    def rows(self, sql: str, *values: object) -> list[Any]:
        return query(self.console.world.database, sql, *values)

    @property
    def sandbox(self) -> Any:
        assert self.console.world.sandbox is not None
        return self.console.world.sandbox

    def state(self, vendor: str) -> Any:
        """What the vendor stores."""
        return self.sandbox.get(f"state/{vendor}", account="demo")["accounts"]["demo"]

    def hooks(self) -> dict[str, list[Any]]:
        """The webhooks and rules that lead to these two connections."""
        books, chimp = self.state("zoho-books"), self.state("mailchimp")
        hooks = [one for one in books["webhooks"] if self.books in one["url"]]
        ids = {one["webhook_id"] for one in hooks}
        rules = [one for one in books["workflows"] if ids & set(one["webhook_ids"])]
        audience = [hook for hook in chimp["audiences"][LIST]["webhooks"].values() if self.chimp in hook["url"]]
        return {"books": hooks, "rules": rules, "audience": audience}

    def sandbox_hook_ids(self) -> list[str]:
        """The ids of the audience's webhooks that lead here."""
        hooks = self.state("mailchimp")["audiences"][LIST]["webhooks"]
        return [id for id, hook in hooks.items() if self.chimp in hook["url"]]

    def operate(self, method: str, path: str) -> None:
        """Somebody changes the organisation's settings by hand."""
        account = self.console.world.account("zoho-books")
        headers = {"authorization": f"Zoho-oauthtoken {account['operator_token']}"}
        query = {"organization_id": account["organization_id"]}
        answer = httpx.request(
            method, f"{account['base_url']}{path}", params=query, headers=headers, timeout=60, verify=False
        )
        assert answer.status_code == 200, answer.text

    def writes(self) -> int:
        """How many calls of ours changed something at a vendor."""
        calls = self.sandbox.get("log", since=0)["calls"]
        return sum(
            1
            for one in calls
            if one["method"] != "GET" and not one["operator"] and one["vendor"] in ("zoho-books", "mailchimp")
        )


@pytest.fixture(scope="module")
def joined(world: World, broker: Broker, stack: LocalStack, meters: str, front_door: str) -> Iterator[Joined]:
    console = Console(world, broker, meters).start(MILLRACE_PUBLIC_URL=front_door, KAFKA_BOOTSTRAP_SERVERS=stack.kafka)
    try:
        books = console.connect_books("books")
        chimp = str(console.add_mailchimp("chimp")["connection"]["id"])
        yield Joined(console, books, chimp, front_door)
    finally:
        console.kill()
