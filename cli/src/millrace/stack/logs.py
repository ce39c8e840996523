"""The log of each process: written by the process itself, kept small by the supervisor, read by people."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROTATE_BYTES = 10 * 1024 * 1024
KEPT = 3


def rotate(log: Path, limit: int = ROTATE_BYTES) -> bool:
    """Copy a big log aside and empty it.

    The process keeps its descriptor, opened to append: it survives the death of the supervisor, and after the file
    was emptied it goes on at the start. A pipe through the supervisor would tie the two lives together.
    """
    try:
        if log.stat().st_size <= limit:
            return False
    except FileNotFoundError:
        return False
    for number in range(KEPT - 1, 0, -1):
        older = _numbered(log, number)
        if older.exists():
            older.replace(_numbered(log, number + 1))
    shutil.copyfile(log, _numbered(log, 1))
    os.truncate(log, 0)
    return True


def last_lines(log: Path, count: int, limit: int = 65536) -> list[str]:
    """The end of a log, without reading all of it."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
