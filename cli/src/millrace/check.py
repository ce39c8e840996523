"""`python -m millrace.check`: what a change must pass before its tests: ruff, its format, mypy strict, imports.

`make check` runs it. Each step is shown with its time; all run even if one fails, and the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from millrace import import_contracts
from millrace.settings_classes import CHECKOUT


@dataclass(frozen=True)
class CheckStep:
    """One tool and how it is started; its output is shown only when it finds something."""

    name: str
    command: Callable[[Path], list[str]]


def steps() -> list[CheckStep]:
    """The tools of `make check`, the quick ones first."""
    return [
        CheckStep("ruff", lambda _: _module("ruff", "check", ".")),
        CheckStep("format", lambda _: _module("ruff", "format", "--check", ".")),
        CheckStep("reference pages", lambda _: _module("millrace.reference", "--check")),
        CheckStep("imports", _lint_imports),
        CheckStep("mypy", lambda _: _module("mypy", *_packages())),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the steps; 0 if none found anything."""
    parser = argparse.ArgumentParser(prog="python -m millrace.check", description=__doc__)
    parser.add_argument("only", nargs="*", help="the steps to run; all when none is named", metavar="STEP")
    wanted = parser.parse_args(arguments).only
    known = {step.name: step for step in steps()}
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"there is no step {unknown[0]!r}; the steps are {', '.join(map(repr, known))}")
    with tempfile.TemporaryDirectory() as scratch:
        found = [name for name in wanted or known if not _passes(known[name], Path(scratch))]
    sys.stderr.write(f"found something: {', '.join(found)}\n" if found else "all clean\n")
    return 1 if found else 0


def _passes(step: CheckStep, scratch: Path) -> bool:
    began = time.monotonic()
    done = subprocess.run(step.command(scratch), cwd=CHECKOUT, capture_output=True, text=True, check=False)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    sys.stderr.write(f"{step.name:<16} {verdict:<7} {time.monotonic() - began:5.1f} s\n")
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    return done.returncode == 0


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _lint_imports(scratch: Path) -> list[str]:
    config = import_contracts.write(CHECKOUT, scratch / "importlinter.ini")
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return [sys.executable, "-c", program, "--config", str(config), "--no-cache"]


def _packages() -> Iterator[str]:
    for package in import_contracts.existing(CHECKOUT):
        yield from ("-p", package)


if __name__ == "__main__":
    raise SystemExit(main())
