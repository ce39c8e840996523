"""`python -m bench [bus ...]`: measures, prints one table, and exits non-zero when something is above its bound."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvloop

from bench.figures import Figure, table
from tests.support.local_stack import LocalStack, infrastructure, running

# One module a subject, each with `async def figures(stack) -> list[Figure]`.
SUBJECTS = ("bus",)


def main(words: list[str]) -> int:
    unknown = set(words) - set(SUBJECTS)
    if unknown:
        print(f"There is no bench for {', '.join(sorted(unknown))}; there is {', '.join(SUBJECTS)}.", file=sys.stderr)
        return 2
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with _servers() as stack:
        figures = [one for subject in words or SUBJECTS for one in uvloop.run(_measured(subject, stack))]
    print(table(figures))
    return 0 if all(one.within for one in figures) else 1


async def _measured(subject: str, stack: LocalStack) -> list[Figure]:
    return await importlib.import_module(f"bench.{subject}").figures(stack)  # type: ignore[no-any-return]


@contextmanager
def _servers() -> Iterator[LocalStack]:
    """Servers of their own, or those of MILLRACE_TEST_STACK=<home>."""
    reused = os.environ.get("MILLRACE_TEST_STACK")
    if reused:
        yield running(Path(reused))
        return
    print("Starting Kafka, PostgreSQL and Valkey for the measurement ...", file=sys.stderr)
    with (
        tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder,
        infrastructure(Path(folder) / "home") as stack,
    ):
        yield stack


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
