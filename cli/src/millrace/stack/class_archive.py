"""Kafka's classes, read and checked once and then shared: it halves the work of each later start.

The archive of a Java's own classes comes with it, or is made here; the archive of Kafka's classes is built on it and is
written by Java itself at a clean stop. Both lie in the user's cache: another Java, or other jars, get archives of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from millrace.errors import CommandError
from millrace.stack.home import Home
from millrace.stack.java import Java
from millrace.stack.parts import Command, run_tool

DUMP_SECONDS = 60
KEPT = 8
QUIET = ["-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]


@dataclass(frozen=True)
class ClassArchive:
    """The two archives of one Java and one list of jars."""

    home: Home
    java: Java
    cache: Path
    classpath: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def _key(self) -> str:
        """Java refuses an archive of another build of itself, silently: so it is in the name."""
        runtime = self.java.home / "lib" / "modules"
        built = runtime.stat().st_mtime_ns if runtime.exists() else 0
        return hashlib.sha256(f"{runtime}:{built}:{self.classpath}".encode()).hexdigest()[:16]

    @property
    def _java_classes(self) -> Path | None:
        """The archive to build on; None where Java finds its own."""
        return None if self.java.shares_classes() else self.cache / f"java-{self._key}.jsa"

    @property
    def _kafka_classes(self) -> Path:
        return self.cache / f"kafka-{self._key}.jsa"

    @property
    def _fresh(self) -> Path:
        return self.home.run / "kafka.jsa"

    async def prepare(self, log: Path) -> None:
        """Make what Java would have brought along; without it, it is slower and nothing else."""
        wanted = self._java_classes
        if wanted is None or wanted.exists():
            return
        fresh = self.home.run / "java.jsa"
        dump: list[str | Path] = [self.java.path, "-Xshare:dump", "-XX:+UseSerialGC", f"-XX:SharedArchiveFile={fresh}"]
        with contextlib.suppress(CommandError, TimeoutError):
            await run_tool(Command(dump, self.environment), log, DUMP_SECONDS, self.home)
            self._take_over(fresh, wanted)

    def options(self) -> list[str]:
        base = self._java_classes
        if base is not None and not base.exists():
            return []
        below = [] if base is None else [str(base)]
        if self._kafka_classes.exists():
            self._kafka_classes.touch()
            return [f"-XX:SharedArchiveFile={':'.join([*below, str(self._kafka_classes)])}", *QUIET]
        return [*(f"-XX:SharedArchiveFile={path}" for path in below), f"-XX:ArchiveClassesAtExit={self._fresh}"]

    def adopt(self) -> None:
        """Share the archive that a clean stop may have written, and forget those long unused."""
        if self._fresh.exists():
            self._take_over(self._fresh, self._kafka_classes)
        newest_first = sorted(self.cache.glob("*.jsa"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in newest_first[KEPT:]:
            old.unlink(missing_ok=True)

    def _take_over(self, fresh: Path, wanted: Path) -> None:
        # The cache may lie on another disk: copy beside the final place, then one step.
        staged = wanted.with_name(f".{wanted.name}.{uuid.uuid4().hex}")
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            shutil.move(fresh, staged)
            staged.chmod(0o644)
            staged.replace(wanted)
        except OSError:
            # A cache that cannot be written to costs time, not correctness.
            fresh.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                staged.unlink(missing_ok=True)
