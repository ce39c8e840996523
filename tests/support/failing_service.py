"""A service that exists only in the tests and fails as it is told: `FAILS=at-once` or `FAILS=soon`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.runtime import Runtime
from common.service import run
from common.settings import ServiceSettings


@asynccontextmanager
async def build(runtime: Runtime[ServiceSettings]) -> AsyncIterator[None]:
    async def die() -> None:
        await asyncio.sleep(0.5)
        raise RuntimeError("as it was told")

    runtime.spawn(die(), "die")
    yield


if __name__ == "__main__":
    if os.environ.get("FAILS") == "at-once":
        sys.stderr.write("failing: MAILBOX is missing: where letters go.\n")
        raise SystemExit(78)
    raise SystemExit(run("failing", ServiceSettings, build))
