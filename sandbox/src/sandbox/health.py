"""What the supervisor of the local stack asks every service."""

from __future__ import annotations

import os
import resource
from importlib import metadata

from sandbox.settings import stack_id
from sandbox.simulator import Answer


def version() -> str:
    try:
        return metadata.version("millrace-sandbox")
    except metadata.PackageNotFoundError:
        return "0.1.0"


def health(path: str) -> Answer | None:
    """The answer to one of the four probes, None for every other path."""
    if path in ("/livez", "/readyz"):
        return Answer.json(200, {"status": "ok"})
    if path == "/version":
        return Answer.json(
            200, {"service": "sandbox", "version": version(), "pid": os.getpid(), "stack_id": stack_id()}
        )
    if path == "/metrics":
        return Answer(200, metrics().encode(), {"content-type": "text/plain; version=0.0.4"})
    return None


def metrics() -> str:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (
        "# HELP process_cpu_seconds_total User and system CPU time spent.\n"
        "# TYPE process_cpu_seconds_total counter\n"
        f"process_cpu_seconds_total {usage.ru_utime + usage.ru_stime:.3f}\n"
        "# HELP sandbox_peak_memory_bytes Largest resident size so far.\n"
        "# TYPE sandbox_peak_memory_bytes gauge\n"
        f"sandbox_peak_memory_bytes {usage.ru_maxrss * 1024}\n"
    )
