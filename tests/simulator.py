"""Whether the simulator's own suite has passed on this machine for the simulator as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from millrace.settings import StackSettings

ROOT = Path(__file__).parents[1]
SUITE = "tests/contract/sandbox"
# What the suite says depends on; the vendors' descriptions are a folder of their own, named by MILLRACE_SPECS.
CONCERNED = (
    "sandbox",
    SUITE,
    "tests/contract/conftest.py",
    "tests/conftest.py",
    "tests/support",
    "pyproject.toml",
    "requirements*.lock",
)


def untouched() -> list[str]:
    """What leaves the suite out, if nothing of it has changed since it passed; said aloud."""
    mark = _mark()
    if not mark.exists():
        return []
    print(f"== the simulator is as it was when {SUITE} passed: left out; ALL=1 runs it", flush=True)
    return [f"--ignore={SUITE}"]


def passed() -> None:
    """It has, as it is."""
    mark = _mark()
    mark.parent.mkdir(parents=True, exist_ok=True)
    for old in mark.parent.iterdir():
        old.unlink()
    mark.touch()


def _mark() -> Path:
    return StackSettings.from_environment().cache / "simulator-passed" / content(ROOT)


def content(root: Path) -> str:
    """A word for all of it, which is another when a byte is."""
    found = hashlib.sha256()
    for file in _files(root):
        found.update(str(file.relative_to(root)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:24]


def _files(root: Path) -> Iterator[Path]:
    for pattern in CONCERNED:
        for place in sorted(root.glob(pattern)):
            listed = sorted(place.rglob("*")) if place.is_dir() else [place]
            yield from (one for one in listed if one.is_file() and "__pycache__" not in one.parts)
