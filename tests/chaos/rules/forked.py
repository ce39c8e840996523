"""Runs tests in children of one process that has loaded the libraries and nothing of ours: each child imports our sources anew.

    {"number": 7, "tests": [...], "environment": {}, "change": {"module": "writing.results", "line": "...", "without": "..."}}
    {"number": 7, "code": 1, "said": "/tmp/..."}

A line in, a line out when the run has ended, as many at once as are asked for; what a run said is in a file, which the asker takes away. A child
begins with everything that no change of ours can touch, which is most of a run's time.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import tempfile
from typing import Any

from tests.chaos.rules.changed import Change

LIBRARIES = (
    "aiokafka.admin", "asyncpg", "cryptography.fernet", "fastapi", "faststream.kafka", "httpx", "hypothesis", "jmespath",
    "jsonschema", "opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk.trace", "orjson", "phonenumbers", "prometheus_client",
    "pycountry", "pydantic", "pydantic_settings", "pytest_asyncio.plugin", "pytest_timeout", "redis.asyncio", "schemathesis",
    "structlog", "typer", "uvicorn", "xdist.plugin", "yaml",
)  # fmt: skip
OURS = (
    "common",
    "vendors",
    "writing",
    "ingest",
    "mapper",
    "writer_mailchimp",
    "token_broker",
    "console",
    "millrace",
    "sandbox",
    "tests.support",
)
OPTIONS = ("-q", "-p", "tests.chaos.rules.reporter", "-p", "no:cacheprovider")


def main() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    loaded = [name for name in sys.modules if name.startswith(OURS)]
    assert not loaded, f"ours is loaded before anything is changed: {loaded}"
    # Nobody here waits for those who wait for a run.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if not os.fork():
            _wait_for(json.loads(line))


def _wait_for(asked: dict[str, Any]) -> None:
    """In a child, which does not come back: it has one of its own for the run, and tells what became of it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output, said = tempfile.mkstemp()
    child = os.fork()
    if not child:
        _run(asked, output)
    _, status = os.waitpid(child, 0)
    # A line this short is written at once, whoever else writes.
    told = {"number": asked["number"], "code": os.waitstatus_to_exitcode(status), "said": said}
    os.write(1, json.dumps(told).encode() + b"\n")
    os._exit(0)


def _run(asked: dict[str, Any], output: int) -> None:
    """In the child, which does not come back."""
    for fd in (1, 2):
        os.dup2(output, fd)
    os.environ.update(asked["environment"])
    if asked["change"]:
        sys.meta_path.insert(0, Change(**asked["change"]))
    import pytest

    try:
        code = int(pytest.main([*OPTIONS, *asked["tests"]]))
        sys.stdout.flush()
    finally:
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
