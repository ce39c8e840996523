"""Which build of Millrace this process is: the same document from every service and from the command line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "millrace-common"
UNKNOWN = "unknown"
_commit = ""


@dataclass(frozen=True, slots=True)
class BuildVersion:
    """What `/version` says."""

    service: str
    commit: str = ""
    stack_id: str = ""

    def document(self) -> dict[str, object]:
        """The JSON document of `/version`."""
        return {
            "service": self.service,
            "version": version(),
            "commit": self.commit or checkout_commit(),
            "schema_version": newest_migration(),
            "pid": os.getpid(),
            "stack_id": self.stack_id,
        }


@cache
def version() -> str:
    """The version of this release."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return _declared_version()


def build() -> str:
    """The very code: between two releases, the commit tells one from another."""
    return f"{version()}+{_commit or checkout_commit()}"


def built_from(commit: str) -> None:
    """An image is told of its commit by its settings; a checkout knows it."""
    global _commit
    _commit = commit


@cache
def newest_migration() -> int:
    """The number of the newest migration this build brings; 0 when it brings none."""
    folder = Path(__file__).parent / "state" / "migrations"
    numbers = (path.name.split("_", 1)[0].split("-", 1)[0] for path in folder.glob("*.sql"))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


@cache
def checkout_commit() -> str:
    """The commit of the checkout this runs from, read without starting a program."""
    git = next((parent / ".git" for parent in Path(__file__).parents if (parent / ".git").is_dir()), None)
    if git is None:
        return UNKNOWN
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        return head[:12] if not head.startswith("ref: ") else _commit_of(git, head.removeprefix("ref: "))[:12]
    except OSError:
        return UNKNOWN


def _commit_of(git: Path, ref: str) -> str:
    loose = git / ref
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), UNKNOWN)


def _declared_version() -> str:
    # Run from a checkout, nothing is installed: the member's own declaration says it.
    declaration = Path(__file__).parents[2] / "pyproject.toml"
    lines = declaration.read_text(encoding="utf-8").splitlines() if declaration.is_file() else []
    return next((line.split('"')[1] for line in lines if line.startswith("version = ")), UNKNOWN)
