"""How the sandbox is started: the command line, with PORT and MILLRACE_HOME behind it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen and where to keep state."""

    host: str
    port: int
    home: Path
    snapshot_s: float


def read(arguments: Sequence[str] | None = None) -> Settings:
    """The settings; arguments win over the environment."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The vendors, simulated.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8099")), help="0 takes a free port")
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("MILLRACE_HOME", ".millrace")))
    parser.add_argument("--snapshot-seconds", type=float, default=5.0, help="how often a changed state is written")
    given = parser.parse_args(arguments)
    return Settings(given.host, given.port, given.home.expanduser().resolve(), given.snapshot_seconds)


def stack_id() -> str:
    """Whose process this is, as the supervisor of a local stack tells it."""
    return os.environ.get("MILLRACE_STACK_ID", "")
