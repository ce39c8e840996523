"""The secrets of one connection's webhooks, in memory; and a public address that answers, as a vendor's validator wants it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.secret import Secret


@dataclass
class MemoryVault:
    """`dies` once: the next secret that a vendor told is lost before it is stored."""

    slots: dict[str, Secret] = field(default_factory=dict)
    dies: bool = False

    async def known(self, slot: str) -> Secret | None:
        return self.slots.get(slot)

    async def made(self, slot: str, prefix: str = "") -> Secret:
        self.slots[slot] = Secret(prefix + secrets.token_hex(20))
        return self.slots[slot]

    async def keep(self, slot: str, secret: Secret) -> None:
        if self.dies:
            self.dies = False
            raise ConnectionError("killed")
        self.slots[slot] = secret


class _Yes(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def answering() -> Iterator[str]:
    """An address with a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Yes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
