"""A service that exists only in the tests: it is ready when its three servers answer, and shows what it was told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from starlette.types import Receive, Scope, Send

from common.runtime import Runtime
from common.service import run
from common.settings import ServiceSettings


@asynccontextmanager
async def build(runtime: Runtime[ServiceSettings]) -> AsyncIterator[None]:
    settings = runtime.settings

    async def database() -> str:
        link = await asyncpg.connect(settings.database_url.reveal(), timeout=5)
        try:
            return str(await link.fetchval("select current_user"))
        finally:
            await link.close()

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        body = json.dumps({"kafka": settings.kafka_bootstrap_servers, "user": await database()}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    runtime.health.add("database", database)
    runtime.mount(told)
    yield


if __name__ == "__main__":
    raise SystemExit(run("echo", ServiceSettings, build))
