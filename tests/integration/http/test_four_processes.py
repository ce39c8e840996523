"""Four processes on one Zoho Books organisation, with every fault at once: not one 429, and what is ours is used.

Everything is scaled alike: a window of 10 s for the vendor's minute, latencies of 2 to 250 ms for 10 ms to 3 s, and no more calls than a
busy machine makes by the way, so that it is our own pace that is measured. `bench/quota` runs the same with the real hundred a minute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.database import Database
from tests.support.valkey_server import ValkeyServer

ROOT = Path(__file__).parents[3]
LIMITS = {"count": 300, "window_s": 10.0, "at_once": 60}
OURS = 270
TOTAL = 1200
AWAY_S = 1.0
TOO_LONG_S = 90.0


class Vendor:
    def __init__(self, total: int = TOTAL, **more: object) -> None:
        wanted = {**LIMITS, "latency_s": [0.002, 0.25], "total": total, **more}
        self.process = started("tests.support.metered_vendor", wanted)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def report(self) -> dict[str, Any]:
        told: dict[str, Any] = httpx.get(f"{self.url}/report", timeout=30).json()
        return told

    def wait_for(self, calls: int) -> float:
        deadline = time.monotonic() + TOO_LONG_S
        while time.monotonic() < deadline:
            if len(self.report()["answered"]) >= calls:
                return time.monotonic()
            time.sleep(0.05)
        raise AssertionError(f"{calls} calls were not answered in time: {len(self.report()['answered'])}")


def started(module: str, given: dict[str, object]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, json.dumps(given)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=dict(os.environ),
    )


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    yield made
    made.process.kill()
    made.process.wait(5)


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path).start()
    yield server
    server.kill()


@pytest.mark.slow
class TestFourProcesses:
    def test_use_what_is_ours_and_never_more(
        self, vendor: Vendor, own_valkey: ValkeyServer, database: Database, record_property: Any
    ) -> None:
        given = {"vendor": vendor.url, "redis": own_valkey.url, "database": database.url("service"), "callers": 20}
        given |= {"limits": {**LIMITS, "longest_s": 3.0}}
        workers = [started("tests.support.budget_worker", given) for _ in range(4)]
        try:
            vendor.wait_for(300)
            workers[0].kill()  # with calls in flight
            vendor.wait_for(600)
            own_valkey.kill()
            lost_at = time.monotonic()
            time.sleep(AWAY_S)
            own_valkey.start()  # with nothing in it
            vendor.wait_for(TOTAL)
            told = [json.loads(worker.communicate(timeout=20)[0].splitlines()[-1]) for worker in workers[1:]]
        finally:
            for worker in workers:
                worker.kill()
                worker.wait(5)

        report = vendor.report()
        took_s = sum(one["mean_call_s"] for one in told) / len(told)
        share = used_share(report["answered"][:TOTAL], lost_at, took_s)
        record_property("share_of_ours", round(share, 4))
        print(f"share of ours used {share:.3f}, most at once {report['peak']}, workers {told}")

        assert report["refused"] == []
        assert share >= 0.96
        assert not any("Deadlock" in code for one in told for code in one["calls"])
        assert report["peak"] <= LIMITS["at_once"]


@pytest.fixture
def shared_vendor(windows: str) -> Iterator[Vendor]:
    """Somebody else's application uses all of the reserve but for a call or two."""
    made = Vendor(3 * OURS + 20, windows=windows, others_every_s=LIMITS["window_s"] / 28)
    yield made
    made.process.kill()
    made.process.wait(5)


@pytest.mark.slow
@pytest.mark.parametrize("windows", ["rolling", "fixed"])
class TestBesideAnotherApplication:
    """Two processes; the other one counts against the same limits, and is never in our way, nor are we in its."""

    def test_use_what_is_ours_and_leave_the_reserve(
        self, windows: str, shared_vendor: Vendor, own_valkey: ValkeyServer, database: Database, record_property: Any
    ) -> None:
        given = {
            "vendor": shared_vendor.url,
            "redis": own_valkey.url,
            "database": database.url("service"),
            "callers": 20,
        }
        given |= {"limits": {**LIMITS, "longest_s": 3.0, "fixed": windows == "fixed"}}
        workers = [started("tests.support.budget_worker", given) for _ in range(2)]
        try:
            shared_vendor.wait_for(3 * OURS + 20)
            told = [json.loads(worker.communicate(timeout=20)[0].splitlines()[-1]) for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
                worker.wait(5)

        report = shared_vendor.report()
        answered = report["answered"]
        took_s = sum(one["mean_call_s"] for one in told) / len(told)
        share = in_whole_windows(report["windows"]) if windows == "fixed" else in_three_windows(answered, took_s)
        record_property("share_of_ours", round(share, 4))
        print(f"share of ours used {share:.3f}, {report['others']} calls of the other's, workers {told}")

        assert report["refused"] == []
        assert share >= 0.95
        assert report["others"] >= 0.9 * 28 * (answered[-1] - answered[0]) / LIMITS["window_s"]


def in_whole_windows(windows: list[int]) -> float:
    """How much of ours went into the windows of which we have seen begin and end."""
    whole = Counter(windows[: 3 * OURS])
    seen = [whole[one] for one in range(windows[0] + 1, windows[3 * OURS - 1])]
    return sum(seen) / (OURS * len(seen))


def in_three_windows(answered: list[float], took_s: float) -> float:
    """How much of ours was used in so many windows from the first answer on; a place is in use while its call takes and a window after."""
    ends = answered[0] + 3 * (LIMITS["window_s"] + took_s)
    return bisect_left(answered, ends) / (3 * OURS)


def used_share(answered: list[float], lost_at: float, took_s: float) -> float:
    """How much of their time our places were in use, without the outage and the one window that counts as full after it.

    A place is in use for as long as its call takes and a window after that: a machine that makes calls slow takes nothing of ours.
    """
    open_again = reopened(answered, lost_at)
    assert open_again - lost_at < AWAY_S + LIMITS["window_s"] + 4.0
    inside = [at for at in answered if lost_at <= at < open_again]
    spent = (answered[-1] - answered[0]) - (open_again - lost_at)
    return (len(answered) - len(inside)) * (LIMITS["window_s"] + took_s) / (OURS * spent)


def reopened(answered: list[float], lost_at: float) -> float:
    """The first of many calls within a second, after the loss: meanwhile they come one after the other, then none does, but perhaps a late one."""
    later = [at for at in answered if at > lost_at + AWAY_S]
    return next(first for first, last in zip(later, later[OURS // 6 :], strict=False) if last - first < 1.0)
