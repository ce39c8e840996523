"""Shows a stack that starts: what, how long, what is next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from millrace.stack.state import Phase, StackState, UnitState
from millrace.terminal import is_live, note

WORDS = {
    Phase.WAITING: "waits",
    Phase.PREPARING: "is being prepared",
    Phase.STARTING: "is starting",
    Phase.READY: "is ready",
    Phase.RESTARTING: "is being restarted",
    Phase.FAILED: "failed",
    Phase.STOPPED: "stopped",
}


class Progress(Protocol):
    """Somebody who is told each time something changes."""

    def fetched(self, done: int, total: int) -> None: ...

    def show(self, state: StackState) -> None: ...


class PlainProgress:
    """One line per change, for pipes and logs."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown: dict[str, Phase] = {}

    def fetched(self, done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            note(f"{self._clock()} Kafka's jars: {done} of {total} fetched")

    def show(self, state: StackState) -> None:
        for unit in state.units.values():
            if unit.phase not in (Phase.WAITING, self._shown.get(unit.name)):
                self._shown[unit.name] = unit.phase
                note(f"{self._clock()} {unit.name} {WORDS[unit.phase]}{_detail(unit)}")

    def _clock(self) -> str:
        return f"[{time.monotonic() - self._began:5.1f} s]"


class LiveProgress:
    """A table that is drawn over, for people at a terminal."""

    def __init__(self, live: object) -> None:
        self._live = live
        self._began = time.monotonic()

    def fetched(self, done: int, total: int) -> None:
        self._draw([f"Kafka's jars: {done} of {total} fetched"])

    def show(self, state: StackState) -> None:
        units = [unit for unit in state.units.values() if not unit.given or unit.kind != "step"]
        width = max((len(unit.name) for unit in units), default=0)
        self._draw([f"{_sign(unit)} {unit.name:<{width}}  {WORDS[unit.phase]}{_detail(unit)}" for unit in units])

    def _draw(self, lines: list[str]) -> None:
        from rich.text import Text

        head = f"Starting Millrace, {time.monotonic() - self._began:.0f} s"
        self._live.update(Text("\n".join([head, *lines])), refresh=True)  # type: ignore[attr-defined]


@contextmanager
def progress() -> Iterator[Progress]:
    if not is_live():
        yield PlainProgress()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield LiveProgress(live)


def _sign(unit: UnitState) -> str:
    return {Phase.READY: "+", Phase.FAILED: "x", Phase.WAITING: " "}.get(unit.phase, ">")


def _detail(unit: UnitState) -> str:
    if unit.phase is Phase.READY:
        address = unit.facts.get("address", "")
        took = f" after {unit.seconds} s" if unit.seconds else ""
        return f"{took}{f', {address}' if address else ''}{' (yours)' if unit.given else ''}"
    return f": {unit.trouble}" if unit.trouble else ""
