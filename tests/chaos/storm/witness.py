"""A witness at Mailchimp: three webhooks of ours that tell, in the vendor's own order, every change of a standing and who made it.

The vendor tells each change at the moment it is made, one webhook for each kind of author. What becomes of the delivery is all the same:
the delivery log has every message in the order in which it was made, the lost ones too.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests.e2e.road import Mark, Road

AUTHORS = ("user", "admin", "api")
# Whether somebody may be written to after it; an archived member is told as an unsubscription.
TELLS = {"subscribe": True, "unsubscribe": False, "cleaned": False}


@dataclass(frozen=True)
class Change:
    """One change of one member's standing; `order` is the vendor's."""

    order: int
    author: str
    email: str
    up: bool
    archived: bool
    made_at: str


class Witness:
    """Answers the vendor politely and believes only its log."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Polite)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._authors = {self._registered(author): author for author in AUTHORS}

    def close(self) -> None:
        for hook in self._authors:
            self._road.audience.call("DELETE", f"/lists/{self._road.audience.id}/webhooks/{hook}")
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def changes(self, since: Mark) -> list[Change]:
        """Everything since then, in the order in which it happened."""
        listed: Any = self._road.sandbox.get("deliveries", since=since.deliveries)["deliveries"]
        return changes_in(listed, self._authors)

    def _registered(self, author: str) -> str:
        wish = {
            "url": f"http://127.0.0.1:{self._server.server_address[1]}/{author}",
            "events": dict.fromkeys(TELLS, True),
            "sources": {one: one == author for one in AUTHORS},
        }
        answer = self._road.audience.call("POST", f"/lists/{self._road.audience.id}/webhooks", json=wish)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])


def changes_in(deliveries: Sequence[dict[str, Any]], authors: dict[str, str]) -> list[Change]:
    """Each message once, whatever became of it."""
    found = {int(row["id"][1:]): row for row in deliveries if row["hook_id"] in authors}
    return [_change(order, authors[row["hook_id"]], row["body"]) for order, row in sorted(found.items())]


def _change(order: int, author: str, body: str) -> Change:
    told = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
    archived = told.get("data[action]", "") not in ("", "unsub")
    return Change(order, author, told["data[email]"].lower(), TELLS[told["type"]], archived, told["fired_at"])


class _Polite(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""
