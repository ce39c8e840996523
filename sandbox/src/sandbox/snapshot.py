"""The sandbox's memory across restarts: one file, replaced whole, taken between two requests.

A forked child writes it from its copy of the memory, so that the process itself never pauses for it; after `kill -9`
the sandbox wakes up as it was at the last snapshot, which is consistent because requests are atomic steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import pickle  # the file is our own, in a folder only the user can write
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sandbox.calls import CallLog
from sandbox.clock import replaced_whole
from sandbox.compact import CompactPickler
from sandbox.core import Core
from sandbox.late import LateCommits
from sandbox.registry import Vendors

FORMAT = 1
SPARING = 9  # pauses this many times as long as the last snapshot took


class Snapshot:
    """Writes and reads the state of the whole sandbox."""

    def __init__(self, core: Core, vendors: Vendors, log: CallLog, late: LateCommits, home: Path) -> None:
        self._core, self._vendors, self._log, self._late = core, vendors, log, late
        self._file = home / "sandbox" / "snapshot"
        self._changed = False
        self._attempts = 0

    def changed(self) -> None:
        """Something is worth writing."""
        self._changed = True

    async def run(self, every_s: float) -> None:
        """Write a changed state every few seconds, until cancelled; a large one so rarely that it costs little."""
        pause = every_s
        while True:
            await asyncio.sleep(pause)
            if self._stale():
                started = time.monotonic()
                await self.write_aside()
                pause = max(every_s, SPARING * (time.monotonic() - started))

    async def write_aside(self) -> None:
        """Write from a forked child while this process goes on; without fork, here and now."""
        if not hasattr(os, "fork"):
            self.write()
            return
        self._written()
        child = self._fork()
        try:
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
        except asyncio.CancelledError:
            self._changed = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)  # or it would replace what is written after it
            raise
        if status:
            self._changed = True  # tried again at the next turn; the child has said why
            sys.stderr.write(f"the snapshot {self._file} could not be written\n")

    def _fork(self) -> int:
        parent = os.getpid()
        child = os.fork()
        if child:
            return child
        # A connection the parent closes or resets must not stay open because its copy lives on here.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        failed = 1
        try:
            os.nice(15)  # the calls come first
            self.write(parent)
            failed = 0
        finally:
            if failed:
                traceback.print_exc()
            os._exit(failed)  # nothing of the parent's may run in the child, least of all its server

    def write(self, parent: int | None = None) -> None:
        """Write the state as it is at this moment; on behalf of a parent only while that lives."""
        state = {
            "format": FORMAT,
            "log": self._log.dump(),
            "late": self._late.dump(),
            "deliveries": self._core.deliveries.dump(),
            "zoho": self._core.zoho.dump(),
            "vendors": {simulator.vendor: simulator.dump() for simulator in self._vendors.all},
        }
        replaced_whole(self._file, lambda file: self._dump(state, file, parent))
        self._written()

    def _dump(self, state: object, file: BinaryIO, parent: int | None) -> None:
        with collected_later():
            CompactPickler(file).dump(state)
        if parent is not None and os.getppid() != parent:
            raise InterruptedError("the sandbox is gone; its successor's snapshot must not be replaced")

    def _written(self) -> None:
        self._changed = False
        self._attempts = self._core.deliveries.attempts

    def write_if_changed(self) -> None:
        """Write what the last snapshot does not have."""
        if self._stale():
            self.write()

    def _stale(self) -> bool:
        return self._changed or self._core.deliveries.attempts != self._attempts

    def read(self) -> bool:
        """Take back the last snapshot, if there is one of this format."""
        for partial in self._file.parent.glob(f".{self._file.name}.*"):
            partial.unlink()  # of a sandbox that was killed while it wrote
        if not self._file.exists():
            return False
        with collected_later(), self._file.open("rb") as file:
            state = pickle.load(file)  # noqa: S301 - see the import
            if state["format"] != FORMAT:
                sys.stderr.write(f"the snapshot {self._file} is of another version and is not read\n")
                return False
            self._take(state)
        return True

    def _take(self, state: dict[str, object]) -> None:
        self._log.load(state["log"])
        self._late.load(state["late"])
        self._core.deliveries.load(state["deliveries"])
        self._core.zoho.load(state["zoho"])
        vendors = state["vendors"]
        assert isinstance(vendors, dict)
        for simulator in self._vendors.all:
            if simulator.vendor in vendors:
                simulator.load(vendors[simulator.vendor])


@contextlib.contextmanager
def collected_later() -> Iterator[None]:
    """Make many objects without the collector walking them, and put them out of its sight afterwards."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
