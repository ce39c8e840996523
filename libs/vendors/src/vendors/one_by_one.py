"""Reads by id at vendors that show one record a call: a few at once, and one failure keeps no other record from being read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from common.failures import Failure
from vendors.vendor import State, Subject


async def one_by_one(
    subjects: Sequence[Subject], read: Callable[[Subject], Awaitable[State]], *, at_once: int
) -> list[State | Failure]:
    """One answer a subject, in their order."""
    places = asyncio.Semaphore(at_once)

    async def one(subject: Subject) -> State | Failure:
        async with places:
            try:
                return await read(subject)
            except Failure as failure:
                return failure

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(subject)) for subject in subjects]
    return [task.result() for task in tasks]
