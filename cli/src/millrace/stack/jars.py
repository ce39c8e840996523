"""The broker's jars: a pinned list, fetched once per user, never used without its SHA-256."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode

LIST = Path(__file__).with_name("kafka-jars.txt")
THREADS = 8

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Jar:
    """One line of the list: coordinates and hash."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


@dataclass(frozen=True)
class JarStore:
    """The user's cache of verified jars, filled from a Maven repository where something is missing."""

    folder: Path
    repository: str | None = None
    jars: tuple[Jar, ...] = ()

    @classmethod
    def at(cls, cache: Path, repository: str | None = None) -> JarStore:
        return cls(cache / "jars", repository, read_list(LIST))

    @property
    def kafka_version(self) -> str:
        return next(jar.version for jar in self.jars if jar.artifact == "kafka-server")

    def classpath(self) -> str:
        return ":".join(str(self.folder / jar.file_name) for jar in self.jars)

    def missing(self) -> list[Jar]:
        """Jars that are not in the cache as the list wants them, byte for byte."""
        with ThreadPoolExecutor(THREADS) as pool:
            good = pool.map(lambda jar: sha256_of(self.folder / jar.file_name) == jar.sha256, self.jars)
            return [jar for jar, is_good in zip(self.jars, good, strict=True) if not is_good]

    def fetch(self, progress: Progress) -> None:
        """Make every jar of the list present; one that cannot be had, or is not what the list says, stops us."""
        wanted = self.missing()
        if not wanted:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with _staging(self.folder) as staging, ThreadPoolExecutor(THREADS) as pool:
            for done, work in enumerate(as_completed([pool.submit(self._fetch_one, j, staging) for j in wanted]), 1):
                try:
                    work.result()
                except CommandError:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
                progress(done, len(wanted))

    def _fetch_one(self, jar: Jar, staging: Path) -> None:
        fetched = self._download(jar, staging)
        found = sha256_of(fetched)
        if found != jar.sha256:
            raise CommandError(
                f"{jar} is not the file that kafka-jars.txt names: its SHA-256 is {found}, not {jar.sha256}.",
                "Nothing of it was kept. Check the repository that served it (MILLRACE_JAR_REPOSITORY).",
            )
        # The staging folder lies in the cache folder, so this is one step: another start sees all of it or nothing.
        fetched.replace(self.folder / jar.file_name)

    def _download(self, jar: Jar, staging: Path) -> Path:
        from jgo.maven import MavenContext, PythonResolver  # slow to import, and not needed once the cache is full

        remote = {"repository": self.repository.rstrip("/")} if self.repository else None
        context = MavenContext(resolver=PythonResolver(), repo_cache=staging, remote_repos=remote, timeout=30)
        try:
            resolved = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except (OSError, RuntimeError, ValueError) as refused:
            raise CommandError(
                f"Cannot fetch {jar}, and it is not in the cache {self.folder}.",
                "Check the network (and proxy), or name a repository that can be reached with MILLRACE_JAR_REPOSITORY. "
                f"The reason given: {_first_line(refused)}",
                ExitCode.UNREACHABLE,
            ) from refused
        return Path(resolved)


def read_list(path: Path) -> tuple[Jar, ...]:
    jars = []
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            coordinates, _, digest = line.partition("sha256:")
            group, artifact, version = coordinates.strip().split(":")
            jars.append(Jar(group, artifact, version, digest.strip()))
    return tuple(jars)


def sha256_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    staging = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
