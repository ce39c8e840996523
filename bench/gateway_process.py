"""One server of the part `gateway`, as a process whose CPU can be told apart: `python -m bench.gateway_process bare|ours`.

`bare` is an ASGI application that reads the body and checks the same HMAC; `ours` is the gateway as ingest builds it, with secrets from a
token-broker and a producer on a real broker. Both are served by the product's own server. It prints where it listens.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import sys
from collections.abc import Sequence
from typing import cast

import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from common import telemetry
from common.bus.connection import KafkaAddress
from common.bus.producer import Producer
from common.bus.topics_admin import create_topics
from common.bus.trace import MessagingTrace
from common.clock import SystemClock
from common.contracts.topics import receipts
from common.http_server import HttpServer
from common.metric_register import INGEST_ACK, WEBHOOKS_RECEIVED
from common.metrics import Metrics
from common.secret import Secret
from common.settings import ServiceSettings, load
from ingest.deliveries import Deliveries
from ingest.gateway import Gateway, HookBounds
from ingest.receipt_keeper import Keepers, ReceiptKeeper
from ingest.secrets import KnownSecrets
from vendors.registry import VENDORS
from vendors.vendor import HookRequest

SECRET = b"TestSecret1234567"


def main(words: Sequence[str] | None = None) -> int:
    """Serves until it is ended."""
    (mode,) = words if words is not None else sys.argv[1:]
    uvloop.run(_serve(mode))
    return 0


async def _serve(mode: str) -> None:
    settings = load(ServiceSettings)
    started = telemetry.start("ingest", settings)
    producer = Producer(KafkaAddress.of(settings), client_id="bench", trace=MessagingTrace.of_process())
    app = cast("ASGIApp", bare) if mode == "bare" else await _gateway(settings, producer)
    server = HttpServer(app, "127.0.0.1", 0)
    await server.start()
    print(server.url, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(1.0)
    await producer.stop()
    started.stop()


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads, checks, answers."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    pairs = "".join(sorted(pair.replace("=", "", 1) for pair in scope["query_string"].decode().split("&")))
    told = next(value for name, value in scope["headers"] if name == b"x-zoho-webhook-signature")
    fits = hmac.compare_digest(hmac.new(SECRET, pairs.encode() + body, hashlib.sha256).hexdigest().encode(), told)
    await send({"type": "http.response.start", "status": 200 if fits else 401, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _gateway(settings: ServiceSettings, producer: Producer) -> Gateway:
    clock, metrics = SystemClock(), Metrics()
    await create_topics(KafkaAddress.of(settings), [receipts("zoho-books")])
    await producer.start()

    async def refuse(connection: str, vendor: str, request: HookRequest, reason: str, size: int) -> None:
        raise AssertionError(f"{reason}: every webhook of this measurement is signed")

    def observe(system: str, outcome: str, seconds: float) -> None:
        metrics.count(WEBHOOKS_RECEIVED, system=system, outcome=outcome)
        metrics.observe(INGEST_ACK, seconds, system=system)

    secrets = KnownSecrets(os.environ["MILLRACE_TOKEN_BROKER_URL"], lambda: Secret("k"))
    one = ReceiptKeeper(producer, Deliveries(clock).note, clock)
    return Gateway(
        VENDORS, secrets, Keepers(one, one), refuse, clock, HookBounds(2_097_152, 5.0), "https://hooks.example", observe
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
