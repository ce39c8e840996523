"""Prints logs, and follows them as they grow and rotate."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from millrace.stack.logs import last_lines

POLL_SECONDS = 0.3


def show(logs: Mapping[str, Path], lines: int) -> None:
    for name, log in logs.items():
        for line in last_lines(log, lines, max(65536, lines * 400)) if lines else ():
            _print(name, line, alone=len(logs) == 1)


def follow(logs: Mapping[str, Path]) -> None:
    """Until interrupted; a file that became shorter was rotated, and is read from its start."""
    positions = {name: _size(log) for name, log in logs.items()}
    while True:
        for name, log in logs.items():
            positions[name] = _print_new(name, log, positions[name], alone=len(logs) == 1)
        time.sleep(POLL_SECONDS)


def _print_new(name: str, log: Path, position: int, *, alone: bool) -> int:
    size = _size(log)
    if size < position:
        position = 0
    if size == position:
        return position
    with log.open("rb") as file:
        file.seek(position)
        fresh = file.read(size - position)
    whole, newline, _rest = fresh.rpartition(b"\n")
    for line in whole.decode(errors="replace").splitlines():
        _print(name, line, alone=alone)
    return position + len(whole) + len(newline)


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _print(name: str, line: str, *, alone: bool) -> None:
    print(line if alone else f"{name}: {line}", file=sys.stdout, flush=True)
