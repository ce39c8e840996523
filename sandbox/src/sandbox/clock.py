"""The sandbox's clock: the machine's time plus an offset that tests move.

Each move is written to `clock-offset` in the home folder (seconds, decimal text), where the product's own clock reads it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO


def replaced_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Replace a file so that a reader, or a kill at any moment, finds the old or the new content whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


class Clock:
    """Time as the simulated vendors see it."""

    def __init__(self, home: Path) -> None:
        self._file = home / "clock-offset"
        self._offset = self._stored()
        self._moved = asyncio.Event()
        self._told: list[Callable[[], None]] = []

    def _stored(self) -> float:
        try:
            return float(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return 0.0

    @property
    def offset_s(self) -> float:
        return self._offset

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._offset

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def advance(self, seconds: float) -> None:
        self._move(self._offset + seconds)

    def set(self, at: datetime) -> None:
        self._move(at.timestamp() - time.time())

    def restore(self) -> None:
        """Back to the machine's time."""
        self._move(0.0)

    def _move(self, offset: float) -> None:
        datetime.fromtimestamp(time.time() + offset, UTC)  # a year out of range fails before anything is changed
        self._offset = offset
        replaced_whole(self._file, lambda file: file.write(f"{offset:.6f}\n".encode()))
        self._moved.set()
        self._moved = asyncio.Event()
        for told in self._told:
            told()

    def on_moved(self, told: Callable[[], None]) -> None:
        """Calls it at each move, for whoever waits for more than that."""
        self._told.append(told)

    async def sleep(self, seconds: float) -> None:
        """Wait in sandbox time: moving the clock ends the wait early."""
        await self.sleep_until(self.time() + seconds)

    async def sleep_until(self, at: float) -> None:
        while (left := at - self.time()) > 0:
            await self.moved_or(left)

    async def moved_or(self, seconds: float) -> None:
        """Return when the clock is moved, at the latest after `seconds` of the machine's time."""
        try:
            await asyncio.wait_for(self._moved.wait(), seconds)
        except TimeoutError:
            return
