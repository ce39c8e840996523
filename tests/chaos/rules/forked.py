"""Runs tests in children of one process that has loaded the libraries and nothing of ours: each child reads our sources from their files.

    {"tests": [...], "environment": {"RULES_MODULE": "writing.results"}}  ->  {"code": 1, "said": "..."}

A line in, a line out; a child begins with everything that no change of ours can touch, which is most of a run's time.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

LIBRARIES = (
    "aiokafka.admin", "asyncpg", "cryptography.fernet", "fastapi", "faststream.kafka", "httpx", "hypothesis", "jmespath", "jsonpatch",
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
    for line in sys.stdin:
        asked = json.loads(line)
        code, said = in_a_child(asked["tests"], asked["environment"])
        print(json.dumps({"code": code, "said": said}), flush=True)


def in_a_child(tests: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit code of pytest and what it said."""
    with tempfile.NamedTemporaryFile() as said:
        child = os.fork()
        if not child:
            _run(tests, environment, said.fileno())
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), Path(said.name).read_text(errors="replace")


def _run(tests: Sequence[str], environment: Mapping[str, str], output: int) -> None:
    """In the child, which does not come back."""
    for fd in (1, 2):
        os.dup2(output, fd)
    os.environ.update(environment)
    import pytest

    try:
        code = int(pytest.main([*OPTIONS, *tests]))
        sys.stdout.flush()
    finally:
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
