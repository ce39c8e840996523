"""Somebody who receives our webhooks, and believes only what is signed: written from `docs/operating.md` alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came; `answers` are given first, then 204. 0: the line is cut instead."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]

    def told(self, at: int = -1) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.came[at][1])
        return document


def is_genuine(secret: str, headers: dict[str, str], body: bytes, now: float) -> bool:
    """As the documentation shows it."""
    id, stamp = headers["webhook-id"], headers["webhook-timestamp"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    proof = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(proof).decode()
    return abs(now - int(stamp)) < 300 and hmac.compare_digest(wanted, headers["webhook-signature"])


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        served: Receiver = self.server.served  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["content-length"]))
        served.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
        answer = served.answers.pop(0) if served.answers else 204
        if answer:
            self.send_response(answer)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()
        else:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Runs in a thread of the test."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    server.served = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook?key=k")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server.served  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join(10)
