"""Each rule has a line that keeps it, and a test that turns red when that line is taken away.

Each line is taken away in a process of its own, which then runs its test on the servers of this session; some of them run at once.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.rules.table import TABLE, Kept
from tests.support.local_stack import LocalStack
from tests.support.programs import SHARED, our_server

ROOT = Path(__file__).parents[3]
# What is late by so much does not come: the same tests pass in time.
PATIENCE_S = "5"
# A run waits about as long as it computes.
AT_ONCE = 2


@dataclass(frozen=True)
class Ran:
    """The exit code of an inner run, and what it said."""

    code: int
    said: str

    def counted(self, what: str) -> int:
        """As pytest's last line says it; what is logged before it may use the same words."""
        last = re.findall(r"^(?:\d+ \w+, )*\d+ \w+ in [\d.]+s", self.said, re.MULTILINE)
        found = re.search(rf"(\d+) {what}", last[-1]) if last else None
        return int(found[1]) if found else 0


class Runner:
    """Pytest in a process that forks for each run (forked.py); the programs that they start are forked from this process's, as the sources are."""

    def __init__(self, stack: LocalStack) -> None:
        programs = our_server().shared
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "MILLRACE_TEST_STACK": str(stack.home),
            SHARED: str(programs),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.rules.forked"], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True, pass_fds=[programs],
        )  # fmt: skip
        self._numbers = itertools.count()
        self._running: dict[int, Future[Ran]] = {}
        self._one_at_a_time = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def run(self, tests: Sequence[str], without: Kept | None = None, **environment: str) -> Ran:
        change = {"module": without.module, "line": without.line, "without": without.without} if without else None
        number, ran = next(self._numbers), Future[Ran]()
        self._running[number] = ran
        asked = {"number": number, "tests": list(tests), "environment": environment, "change": change}
        with self._one_at_a_time:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        return ran.result()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            said = Path(told["said"])
            self._running.pop(told["number"]).set_result(Ran(told["code"], said.read_text(errors="replace")))
            said.unlink()

    def close(self) -> None:
        """Whoever still runs was given up."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        for ran in self._running.values():
            ran.cancel()


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, stack: LocalStack, database_template: str) -> Iterator[dict[str, Future[Ran]]]:
    """What becomes of the tests with every line in its place, and without each of those that are asked about."""
    runner = Runner(stack)
    names = [(getattr(one, "originalname", ""), one) for one in request.session.items]
    asked = [one.callspec.params["kept"] for name, one in names if name == RED]
    whole = any(name == WHOLE for name, _ in names)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = {WHOLE: pool.submit(runner.run, sorted({kept.test for kept in TABLE}))} if whole else {}
        found |= {one.line: pool.submit(runner.run, [one.test], one, TEST_PATIENCE_S=PATIENCE_S) for one in asked}
        yield found
        for one in found.values():
            one.cancel()
        runner.close()


WHOLE, RED = "test_hold_as_long_as_their_lines_stand", "test_turn_a_test_red_when_their_line_is_taken_away"


class TestRules:
    def test_are_all_in_the_table(self) -> None:
        assert {kept.rule for kept in TABLE} == {f"R{number}" for number in range(1, 27)}

    @pytest.mark.parametrize("kept", TABLE, ids=lambda kept: f"{kept.rule}-{kept.module}")
    def test_are_named_where_they_are_kept(self, kept: Kept) -> None:
        text = (ROOT / (kept.named_in or kept.file)).read_text()
        assert re.search(rf"\b{kept.rule}\b", text), f"{kept.named_in or kept.file} does not name {kept.rule}"
        many = (ROOT / kept.file).read_text().count(kept.line)
        assert many == 1, (
            f"{kept.rule}: {kept.line!r} stands {many} times in {kept.file}; tests/chaos/rules/table.py names the new line"
        )

    # All of them in one run: on a busy machine it takes minutes.
    @pytest.mark.timeout(600)
    def test_hold_as_long_as_their_lines_stand(self, runs: dict[str, Future[Ran]]) -> None:
        ran = runs[WHOLE].result()
        assert ran.code == 0, ran.said[-3000:]
        assert "WITHOUT_A_LINE=;" in ran.said, ran.said[-300:]

    @pytest.mark.parametrize("kept", TABLE, ids=lambda kept: f"{kept.rule}-{kept.module}")
    def test_turn_a_test_red_when_their_line_is_taken_away(self, runs: dict[str, Future[Ran]], kept: Kept) -> None:
        ran = runs[kept.line].result()
        assert f"WITHOUT_A_LINE={kept.module};" in ran.said, f"the test did not run without the line: {ran.said[-500:]}"
        assert ran.code == 1 and ran.counted("failed"), f"without its line {kept.rule} still holds: {ran.said[-1500:]}"
        assert not ran.counted("error"), f"red for another reason: {ran.said[-1500:]}"
        assert re.search(r"^E +(assert|AssertionError|Failed: DID NOT RAISE)", ran.said, re.MULTILINE), (
            f"red for another reason: {ran.said[-1500:]}"
        )
