"""How long a service waits for a token that is fresh: `python -m bench tokens`. Exits non-zero when the 99th percentile is above 5 ms."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.servers import servers
from tests.support.broker import prepare
from tests.support.broker_world import World
from tests.support.burst import burst
from tests.support.database import Server
from tests.support.sandbox import SandboxProcess

BOUND_MS = 5.0
# A handful of services ask at once, each for itself; beyond that one core's worth of requests queues.
MEASURED = ((1, 3000), (4, 6000))


def main(words: Sequence[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m bench tokens", description=__doc__).parse_args(words)
    with servers() as stack, tempfile.TemporaryDirectory(prefix="millrace-tokens-") as folder:
        server = Server.of(stack)
        template = asyncio.run(server.template())
        asyncio.run(server.set_passwords(template))
        name = f"tokens_{int(time.time())}"
        database = asyncio.run(server.create(name, template=template))
        sandbox = SandboxProcess(Path(folder)).start()
        world = World(sandbox.home, database, sandbox=sandbox)
        try:
            prepare(database, world.home)
            return _measure(world)
        finally:
            world.end()
            sandbox.kill()
            asyncio.run(server.drop(name))


def _measure(world: World) -> int:
    broker = world.broker()
    world.connect_books(broker)
    above = False
    for lanes, count in MEASURED:
        replies = asyncio.run(burst(broker.url, "/v1/tokens/books", broker.key("ingest"), count, lanes=lanes))
        took = sorted(reply.took_s * 1000 for reply in replies)
        p99 = took[int(len(took) * 0.99)]
        above = above or p99 > BOUND_MS
        print(f"{lanes} at once: p50 {took[len(took) // 2]:.2f} ms, p99 {p99:.2f} ms (bound {BOUND_MS:.0f})")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
