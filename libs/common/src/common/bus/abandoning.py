"""Ends what a consumer's client still does when it could not leave its group in time.

Its own stop gives up half-way: the task that looks for the coordinator would go on for as long as no broker answers, and the one that
renews the list of brokers for ever. The client offers no other way in, so this is the one module that takes its parts by name.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError

CLOSE_S = 1.0


async def abandon(client: Any) -> None:
    """No task of it goes on, and its connections are closed."""
    tasks = [task for task in _at_work(client._coordinator) if task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.wait({asyncio.ensure_future(_closed(client)), *tasks}, timeout=CLOSE_S)


def _at_work(coordinator: Any) -> list[asyncio.Task[None] | None]:
    if coordinator is None:
        return []
    return [coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task]


async def _closed(client: Any) -> None:
    with suppress(KafkaError, OSError):
        if client._fetcher is not None:
            await client._fetcher.close()
        await client._client.close()
