"""Four processes on one organisation of the sandbox, with the real hundred calls a minute: `python -m bench quota --calls 3000`.

It takes as long as the vendor's limit says: 3 000 calls are 34 minutes. Every call goes through the real door, its budget, a Valkey
and a PostgreSQL; latencies are 10 ms to 3 s. Unless `--calm` is given, one process is killed with calls in flight and Valkey is killed
and emptied once. Exits non-zero after a single 429, or when less than 95 % of what is ours was used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from bench.servers import servers
from tests.contract.sandbox.zoho_accounts.flow import Browser
from tests.support.database import Server
from tests.support.sandbox import SandboxProcess
from tests.support.valkey_server import ValkeyServer

OURS_PER_S = 90 / 60
LATENCIES = ((0.5, 0.01), (0.25, 0.3), (0.15, 1.0), (0.1, 3.0))
ROOT = Path(__file__).parents[1]


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    with servers() as stack, tempfile.TemporaryDirectory(prefix="millrace-quota-") as folder:
        server = Server.of(stack)
        template = asyncio.run(server.template())
        asyncio.run(server.set_passwords(template))
        name = f"quota_{int(time.time())}"
        database = asyncio.run(server.create(name, template=template))
        try:
            return _measure(asked, Path(folder), database.url("service"))
        finally:
            asyncio.run(server.drop(name))


def _measure(asked: argparse.Namespace, folder: Path, database: str) -> int:
    sandbox, valkey = SandboxProcess(folder / "sandbox").start(), ValkeyServer(folder / "valkey").start()
    workers: list[subprocess.Popen[str]] = []
    try:
        given = _prepared(sandbox, asked.shape) | {"redis": valkey.url, "database": database, "callers": 6}
        workers = [_worker(given) for _ in range(4)]
        lost_at = None if asked.calm else _trouble(sandbox, valkey, workers[0], asked.calls)
        _wait(sandbox, asked.calls)
        told = [_ended(worker) for worker in workers[0 if asked.calm else 1 :]]
        return _judge(sandbox, asked.calls, lost_at, told)
    finally:
        for worker in workers:
            worker.kill()
        sandbox.stop()
        valkey.kill()


def _prepared(sandbox: SandboxProcess, shape: str) -> dict[str, object]:
    account = next(row for row in sandbox.get("accounts")["accounts"] if row["name"] == "demo")  # type: ignore[attr-defined]
    sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "window": shape, "plan": "premium"})
    for seed, (share, seconds) in enumerate(LATENCIES):
        fault = {"vendor": "zoho-books", "kind": "latency", "share": share, "seconds": seconds, "seed": seed}
        sandbox.post("faults", fault)
    token = Browser(sandbox.base_url).connected("eu")["access_token"]
    return {"vendor": sandbox.base_url, "token": token, "organization": account["organization_id"]}


def _worker(given: dict[str, object]) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.support.budget_worker", json.dumps(given)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _ended(worker: subprocess.Popen[str]) -> dict[str, object]:
    worker.send_signal(signal.SIGTERM)
    told: dict[str, object] = json.loads(worker.communicate(timeout=120)[0].splitlines()[-1])
    return told


def _trouble(sandbox: SandboxProcess, valkey: ValkeyServer, victim: subprocess.Popen[str], calls: int) -> float:
    """The moment in which the memory was lost, by the sandbox's monotonic clock."""
    _wait(sandbox, calls // 4)
    victim.kill()
    _wait(sandbox, calls // 2)
    valkey.kill()
    lost_at = time.monotonic()
    time.sleep(2)
    valkey.start()
    return lost_at


def _wait(sandbox: SandboxProcess, calls: int) -> None:
    shown = 0.0
    while (seen := len(_moments(sandbox))) < calls:
        if time.monotonic() - shown > 30:
            shown = time.monotonic()
            print(f"{seen} of {calls} calls", file=sys.stderr, flush=True)
        time.sleep(0.5)


def _moments(sandbox: SandboxProcess) -> list[float]:
    log = sandbox.get("log", since=0)["calls"]
    rows = [row for row in log if row["route"] == "GET /contacts" and not row["operator"]]  # type: ignore[attr-defined]
    return [row["mono_ns"] / 1e9 for row in rows]


def _judge(sandbox: SandboxProcess, calls: int, lost_at: float | None, told: list[dict[str, object]]) -> int:
    at = _moments(sandbox)[:calls]
    refused = sum(row["429s"] for row in sandbox.get("counts")["counts"])  # type: ignore[attr-defined]
    raw = len(at) / (OURS_PER_S * (at[-1] - at[0]))
    away = 0.0 if lost_at is None else _reopened(at, lost_at) - lost_at
    inside = [one for one in at if lost_at is not None and lost_at <= one < lost_at + away]
    share = (len(at) - len(inside)) / (OURS_PER_S * (at[-1] - at[0] - away))
    print(f"calls {len(at)} in {at[-1] - at[0]:.1f} s, 429s {refused}")
    print(f"share of what is ours: {share:.3f} (with the window that counts as full after the loss: {raw:.3f})")
    print(f"the loss of Valkey's memory held calls for {away:.1f} s")
    print(f"processes: {told}")
    return 0 if refused == 0 and share >= 0.95 else 1


def _reopened(at: list[float], lost_at: float) -> float:
    return max(pairwise([one for one in at if one > lost_at]), key=lambda pair: pair[1] - pair[0])[1]


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench quota", description=__doc__)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--shape", choices=("fixed", "rolling"), default="fixed")
    parser.add_argument("--calm", action="store_true", help="without killing anything")
    return parser.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
