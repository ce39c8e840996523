"""The tasks of a worker that are under way, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

import structlog

from common.state.trouble import DatabaseTrouble, trouble_of

# Less than a service has for its drain; a call that takes longer is settled by a look, like one whose process died.
DRAIN_S = 18.0

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class UnderWay:
    """Each has a name; some there may be one of at a time."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Another one."""
        self._tasks.add(asyncio.create_task(work, name=name))

    def has(self, name: str) -> bool:
        """Whether one of this name has not ended yet, or nobody has looked how."""
        return any(task.get_name() == name for task in self._tasks)

    async def drain(self) -> None:
        """What is under way is brought to its end, as far as there is time."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            self._tasks -= late
        self.look_at_ended()

    def look_at_ended(self) -> None:
        """An error of one connection's work is that connection's; only a schema that is not ours ends the service."""
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            error = task.exception()
            if error is None:
                continue
            match trouble_of(error):
                case DatabaseTrouble.AWAY:
                    # It costs leases and no more.
                    _log.warning("writer.work_interrupted", task=task.get_name(), error=type(error).__name__)
                case DatabaseTrouble.UNFIT:
                    raise error
                case _:
                    _log.error("writer.work_broken", task=task.get_name(), exc_info=error)


async def either(one: asyncio.Event, other: asyncio.Event, *, within: float | None = None) -> None:
    """Until one of the two, or until the time is over."""
    waiting = {asyncio.create_task(one.wait()), asyncio.create_task(other.wait())}
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def all_of(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Everything is brought to its end before an error of one is raised: nothing goes on behind the back of its lease."""
    ended = await asyncio.gather(*works, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]
