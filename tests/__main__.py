"""`python -m tests`: every test, first those that bear company side by side, then those that measure, alone.

`make test` runs it; further arguments go to pytest. Browser tests are `make test-browser`, the long stories `make test-long`. The simulator's
own suite runs when the simulator, its suite or the libraries have changed since it last passed on this machine, and always with ALL=1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests import order, reds, simulator

ROOT = Path(__file__).parents[1]
NOTHING_MATCHED = 5
# The same stories with other dice, for longer, and at the size of the promise.
LONG_PATHS = (
    "tests/contract/deployment/test_taking_a_vendor_out.py",
    "tests/chaos/storm",
    "tests/chaos/ledger",
    "tests/chaos/books",
    "tests/chaos/sides",
    "tests/integration/books/test_repeats.py",
    "tests/integration/quickbooks/test_typed_notes.py",
    "tests/e2e/test_faults.py::TestFaults",
    "tests/e2e/test_rolling_restart.py",
    "tests/e2e/test_many_changes.py",
    "tests/e2e/test_whole_accounts.py::TestAFirstRun",
    "tests/integration/books/test_to_the_cent.py",
    "tests/e2e/test_many_orders.py::TestOrdersToldManyTimes",
    "tests/e2e/test_killed_load.py",
    "tests/e2e/test_books_crm_small.py",
    "tests/e2e/test_books_crm.py::TestPace",
    "tests/contract/vendors/zoho_crm/test_channel.py::TestCallback",
    "tests/integration/console/test_scale.py",
    "tests/integration/http/test_shop_points.py",
    "tests/integration/token_broker/test_refresh.py",
    "tests/chaos/token_broker/test_killed_shop.py",
    "tests/chaos/token_broker/test_killed_company.py",
    "tests/integration/ingest/test_company_poll.py::TestReads",
    "tests/e2e/test_company.py",
)
LONG = {
    "TAKEN_OUT": "all",
    "STORM_SEEDS": "2,3,4,5",
    "FAULT_RUNS": "calm,ghosts,errors,storm,late,hooks,all",
    "ROLLING_SECONDS": "300",
    "MANY_CHANGES": "2000",
    "ACCOUNT_CUSTOMERS": "5000",
    "KILLED_ACCOUNT_CUSTOMERS": "5000",
    "LEDGER_PARENTS": "1000",
    "BOOKS_ORDERS": "200",
    "NOTED_CUSTOMERS": "200",
    "NOTED_EVENTS": "2000",
    "CRM_PACE": "30",
    "CRM_EDITS": "10000",
    "CRM_LONE_EDITS": "1000",
    "CRM_GHOSTS": "200",
    "CRM_CALLBACKS": "10000",
    "MATCHED": "500",
    "CENT_ORDERS": "1000",
    "SHOP_REFRESH_LINES": "locked,reread,intended,answered,stored,released",
    "COMPANY_DAYS": "40",
    "COMPANY_REQUESTS": "84",
    "COMPANY_CUSTOMERS": "5000",
    "COMPANY_BURST": "1000",
    "SHOP_SECONDS": "150",
    "BOOKS_REPEATS": "500",
    "MANY_ORDERS": "150",
    "SCALE_RECORDS": "1000000",
    "SCALE_JOURNAL": "10000000",
    "HOUR_REQUESTS_A_MINUTE": "156",
}


def main(arguments: Sequence[str]) -> int:
    """Runs both phases; the exit code is the first that is not success. A choice that one of them lacks is none of its business."""
    if arguments[:1] == ["long"]:
        return _pytest("long stories", ["-s", *LONG_PATHS, *arguments[1:]], LONG)
    if arguments[:1] == ["browser"]:
        return _pytest("in a browser", ["-m", "browser", *order.in_a_browser(ROOT), *arguments[1:]])
    untouched = [] if arguments or "ALL" in os.environ else simulator.untouched()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as place:
        reports = [Path(place) / "side.xml", Path(place) / "alone.xml"]
        both = [f"--junitxml={report}" for report in reports]
        side = _pytest(
            "side by side", ["-m", "not browser and not alone", *order.workers(cores), *untouched, both[0], *arguments]
        )
        chosen = _chosen(arguments, untouched)
        alone = _pytest("alone", ["-m", "alone and not browser", *chosen, both[1], *arguments])
        for line in reds.told(reports):
            print(line, flush=True)
    failed = [code for code in (side, alone) if code not in (0, NOTHING_MATCHED)]
    if not failed and not arguments:
        simulator.passed()
    return failed[0] if failed else min(side, alone)


def _chosen(arguments: Sequence[str], untouched: Sequence[str]) -> Sequence[str]:
    """Where what runs alone is, unless the arguments themselves name places."""
    if any((ROOT / one.partition("::")[0]).exists() for one in arguments):
        return untouched
    return [file for file in order.alone(ROOT) if not (untouched and file.startswith(simulator.SUITE))]


def _pytest(name: str, options: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    began = time.monotonic()
    print(f"== tests {name}", flush=True)
    environment = {**(environment or {}), **os.environ}
    code = subprocess.run([sys.executable, "-m", "pytest", *options], env=environment, check=False).returncode
    print(f"== tests {name}: {time.monotonic() - began:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
