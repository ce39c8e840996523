"""The gateway against bare ASGI with the same HMAC: `python -m bench gateway`.

Each is a process of its own behind the product's own server, and gets the same signed webhooks over kept connections. What is compared is the
CPU of that process a webhook; ours makes each durable on a real broker besides, with and without tracing.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from bench.figures import Figure, rows
from bench.machine import beside, glance
from bench.processes import cpu_ms
from bench.reports import options, report
from bench.servers import servers
from tests.support.ingest_service import QUERY, secret_broker, signature
from tests.support.local_stack import LocalStack
from tests.support.otlp import Collector

WEBHOOKS = 10_000
ROUNDS = 3
LANES = 32
AGAIN, TRIES = 503, 60
BOUND = 5.5
MOONSHOT = 4.0
TRACING_BOUND = 1.2
CONNECTION = "books"
PATH = f"/hooks/zoho-books/{CONNECTION}"


def main(words: Sequence[str] | None = None) -> int:
    asked = options("gateway", str(__doc__)).parse_args(words)
    with servers() as stack:
        first = glance()
        goals, found = rows(figures(stack))
    return report(goals, found | beside(first, glance()), asked)


def figures(stack: LocalStack) -> list[Figure]:
    """What a webhook costs each of them; the least of several rounds in turn."""
    with ExitStack() as life:
        broker = life.enter_context(secret_broker(CONNECTION))
        collector = life.enter_context(Collector())
        watched = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        started = [
            life.enter_context(_served(stack, broker.url, mode, more))
            for mode, more in (("bare", {}), ("ours", {}), ("ours", watched))
        ]
        seen: list[list[float]] = [[] for _ in started]
        for _ in range(ROUNDS):
            for (process, url), costs in zip(started, seen, strict=True):
                costs.append(_cost_us(process, url))
    bare, ours, traced = map(min, seen)
    return [
        Figure("gateway: ours / bare ASGI with the same HMAC", bare, ours, BOUND, MOONSHOT),
        Figure("gateway: tracing on at default sampling / off", ours, traced, TRACING_BOUND),
    ]


def _cost_us(process: subprocess.Popen[str], url: str) -> float:
    before = cpu_ms({"it": [process.pid]})["it"]
    asyncio.run(_posted(url, WEBHOOKS))
    return (cpu_ms({"it": [process.pid]})["it"] - before) * 1000 / WEBHOOKS


async def _posted(url: str, count: int) -> None:
    numbers = iter(range(count))
    await asyncio.gather(*(_lane(url, numbers) for _ in range(LANES)))


async def _lane(url: str, numbers: Iterator[int]) -> None:
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        for number in numbers:
            body = body_of(number)
            head = (
                f"POST {PATH}?{QUERY} HTTP/1.1\r\nhost: {where.netloc}\r\ncontent-type: application/json\r\n"
                f"x-zoho-webhook-signature: {signature(body)}\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            await _taken(reader, writer, head.encode() + body)
    finally:
        writer.close()


async def _taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """On a machine that is busy a broker may take longer than a vendor waits: it comes again."""
    for _ in range(TRIES):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        status = int(head.split()[1])
        if status == 200:
            return
        if status != AGAIN:
            break
        await asyncio.sleep(0.5)
    raise AssertionError(f"a webhook was not taken: {head}")


def body_of(number: int) -> bytes:
    """A customer as a workflow rule of Zoho Books sends it, two thousand bytes."""
    notes = "n" * 1_600
    return (
        f'{{"contact": {{"contact_id": "46000000{number:08d}", "contact_name": "Customer {number}", "status": "active", '
        f'"email": "c{number}@ex.org", "currency_code": "EUR", "outstanding_receivable_amount": 12.5, "notes": "{notes}", '
        f'"last_modified_time": "2026-01-02T03:04:05+0100"}}}}'
    ).encode()


@contextmanager
def _served(
    stack: LocalStack, broker_url: str, mode: str, more: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": stack.valkey_url,
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka,
        "MILLRACE_TOKEN_BROKER_URL": broker_url,
        "PORT": "0",
        **more,
    }
    words = [sys.executable, "-m", "bench.gateway_process", mode]
    process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


if __name__ == "__main__":
    raise SystemExit(main())
