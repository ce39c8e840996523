"""Builds the project's environment on first use, then hands over to it. Only the standard library is at hand here.

`.venv` in the checkout is filled from the lock files, hashes checked; our own packages are found by their source
folders, so nothing is built. A stamp with the hash of the lock files says that all of it is there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import keeping_bytecode
from millrace.terminal import is_live, note, show_error

CHECKOUT = Path(__file__).resolve().parents[3]
RUN_LOCKS = ("requirements.lock", "requirements-local.lock")
DEV_LOCKS = ("requirements-dev.lock",)
SOURCES = ("libs/*/src", "services/*/src", "cli/src", "sandbox/src")
PATH_FILE = "millrace-sources.pth"
VENV_REMEDY = "On Debian or Ubuntu: `apt install python3-venv`; elsewhere install a Python that has venv and pip."


class Environment:
    """The virtual environment of a checkout."""

    def __init__(self, checkout: Path = CHECKOUT) -> None:
        self._checkout = checkout
        self.folder = checkout / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def is_complete(self, *, dev: bool) -> bool:
        return self.python.exists() and self._stamp(dev) == self._wanted(dev) and self._path_file_is_current()

    def build(self, *, dev: bool) -> None:
        """Make what is missing; two builders at once wait for each other."""
        began = time.monotonic()
        locks = [*RUN_LOCKS, *(DEV_LOCKS if dev else ())]
        missing = [lock for lock in locks if not (self._checkout / lock).exists()]
        if missing:
            raise CommandError(f"The checkout is incomplete: {', '.join(missing)} is missing.")
        with self._lock():
            if self.is_complete(dev=dev):
                return
            if not self._works():
                self._create()
            if self._stamp(dev) != self._wanted(dev):
                self._install(locks)
                self._write_stamps(dev)
                note(f"The environment is ready after {time.monotonic() - began:.0f} s.")
            self._write_path_file()

    def become(self, words: Sequence[str]) -> NoReturn:
        """Go on as this environment's Python, which keeps its bytecode here: to compile everything at each start is two thirds of it."""
        sys.stdout.flush()
        os.execve(self.python, [str(self.python), *words], keeping_bytecode(self.folder / "bytecode"))  # noqa: S606

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            self.folder.mkdir(exist_ok=True)
            file = (self.folder / ".lock").open("w")
        except OSError as refused:
            raise CommandError(
                f"Cannot make {self.folder}: {refused.strerror}.", "Make the checkout writable for you, or copy it."
            ) from refused
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                note("Another command builds the environment; waiting for it.")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _works(self) -> bool:
        """Whether what is there can run pip; after an upgrade of the system's Python it may not."""
        if not self.python.exists():
            return False
        code = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
        return subprocess.run([self.python, "-c", code], capture_output=True, check=False).returncode == 0

    def _create(self) -> None:
        note(f"Making the environment in {self.folder} (once).")
        for path in self.folder.iterdir():
            if path.name != ".lock":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        made = subprocess.run([sys.executable, "-m", "venv", self.folder], capture_output=True, text=True, check=False)
        if made.returncode != 0 or not self._works():
            raise CommandError(f"This Python ({sys.executable}) cannot make an environment with pip.", VENV_REMEDY)

    def _install(self, locks: Sequence[str]) -> None:
        files = [self._checkout / lock for lock in locks]
        total = sum(_pins(file) for file in files)
        # The lock files are complete, so nothing is to be resolved; bytecode is made of what is really imported.
        words = ["install", "--require-hashes", "--no-deps", "--no-compile", "--no-input", "--progress-bar=off"]
        words += ["--disable-pip-version-check", *(word for file in files for word in ("-r", str(file)))]
        pip = subprocess.Popen(
            [self.python, "-m", "pip", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            lines = list(_told(pip, total))
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
        if pip.wait() != 0:
            raise _install_failed(lines)

    def _stamp_file(self, dev: bool) -> Path:
        return self.folder / (".stamp-dev" if dev else ".stamp-run")

    def _stamp(self, dev: bool) -> str:
        try:
            return self._stamp_file(dev).read_text()
        except OSError:
            return ""

    def _wanted(self, dev: bool) -> str:
        digest = hashlib.sha256()
        for lock in (*RUN_LOCKS, *(DEV_LOCKS if dev else ())):
            path = self._checkout / lock
            digest.update(path.read_bytes() if path.exists() else b"")
        return digest.hexdigest()

    def _write_stamps(self, dev: bool) -> None:
        for kind in (False, True) if dev else (False,):
            self._stamp_file(kind).write_text(self._wanted(kind))

    def _sources(self) -> str:
        found = sorted(path for pattern in SOURCES for path in self._checkout.glob(pattern))
        return "".join(f"{path}\n" for path in found)

    def _path_file(self) -> Path | None:
        return next((folder / PATH_FILE for folder in self.folder.glob("lib/python3*/site-packages")), None)

    def _path_file_is_current(self) -> bool:
        file = self._path_file()
        return file is not None and file.exists() and file.read_text() == self._sources()

    def _write_path_file(self) -> None:
        file = self._path_file()
        assert file is not None
        file.write_text(self._sources())


def main(arguments: Sequence[str]) -> int:
    """Run the command in the project's environment; `python …` runs the environment's Python, with the test tools."""
    environment = Environment()
    try:
        if list(arguments[:1]) == ["clean"] and not environment.is_complete(dev=False):
            return _clean(arguments[1:])
        dev = list(arguments[:1]) == ["python"]
        if not environment.is_complete(dev=dev):
            environment.build(dev=dev)
    except CommandError as error:
        show_error(error)
        return int(error.code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    return environment.become(list(arguments[1:]) if dev else ["-m", "millrace", *arguments])


def _clean(arguments: Sequence[str]) -> int:
    """Cleaning must not build first what it then removes."""
    from millrace.settings import StackSettings
    from millrace.stack.lifecycle import clean

    clean(StackSettings.from_environment(), print, everything="--all" in arguments)
    return int(ExitCode.DONE)


def _pins(lock: Path) -> int:
    return sum(1 for line in lock.read_text().splitlines() if re.match(r"[a-z0-9].*==", line, re.IGNORECASE))


def _told(pip: subprocess.Popen[str], total: int) -> Iterator[str]:
    """pip's lines, and to people how far it is."""
    assert pip.stdout is not None
    collected = 0
    live = is_live()
    for line in pip.stdout:
        yield line.rstrip()
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            collected += 1
            if live:
                print(f"\rPython packages: {collected} of about {total} fetched ", end="", file=sys.stderr, flush=True)
            elif collected % 25 == 0:
                note(f"Python packages: {collected} of about {total} fetched")
        elif line.startswith("Installing collected packages"):
            note(f"{chr(13) if live else ''}Python packages: fetched, being installed        ")


def _install_failed(lines: Sequence[str]) -> CommandError:
    errors = [line for line in lines if line.startswith("ERROR:")] or list(lines[-3:])
    text = " ".join(lines)
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in text:
        remedy = (
            "What the package index serves is not what the lock file names: check the index. Nothing was installed."
        )
        return CommandError("A Python package has a wrong hash.", remedy)
    if "No space left on device" in text:
        return CommandError("The disk is full: the Python packages need about 1 GB.", "Make room and try again.")
    reason = (errors or ["pip said nothing"])[0].removeprefix("ERROR: ")
    return CommandError(
        f"The Python packages cannot be installed: {reason}",
        "Check the network and pip's configuration (`pip config list`), then run the command again.",
        ExitCode.UNREACHABLE,
    )
