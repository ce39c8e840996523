"""Each rule has a line that keeps it, and a test that turns red when that line is taken away.

The sources are copied once; each line is taken out of the copy in its turn and its test run there, on the servers of this session.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.chaos.rules.table import TABLE, Kept
from tests.support.local_stack import LocalStack

ROOT = Path(__file__).parents[3]
# What is late by so much does not come: the same tests have just passed.
PATIENCE_S = "5"
COPIED = ("libs", "services", "cli", "sandbox", "tests", "pyproject.toml")
# Whoever compiles a module at this moment writes such a file, and renames it: it is listed, and gone before it is copied.
BEING_COMPILED = "*.pyc.*"


class Copy:
    """The sources in another place, and pytest on them: a process that forks for each run (forked.py)."""

    def __init__(self, root: Path, stack: LocalStack) -> None:
        self.root = root
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                # With what is compiled of them, and the times by which that is known to be theirs.
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns(".*", "*.egg-info", BEING_COMPILED))
            else:
                shutil.copy(source, root / name)
        sources = [root, *sorted(root.glob("*/src")), *sorted(root.glob("*/*/src"))]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "PYTHONPATH": os.pathsep.join(map(str, sources)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MILLRACE_TEST_STACK": str(stack.home),
        }
        self._runner = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.rules.forked"], cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(self, tests: Sequence[str], module: str, **environment: str) -> tuple[int, str]:
        """The exit code and what was said."""
        assert self._runner.stdin is not None and self._runner.stdout is not None
        self._runner.stdin.write(
            json.dumps({"tests": list(tests), "environment": {**environment, "RULES_MODULE": module}}) + "\n"
        )
        self._runner.stdin.flush()
        told = json.loads(self._runner.stdout.readline())
        return told["code"], told["said"]

    def changed(self, kept: Kept) -> Path:
        """Its file, of which no compiled form is left."""
        file = self.root / kept.file
        for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            compiled.unlink()
        return file

    def close(self) -> None:
        assert self._runner.stdin is not None
        self._runner.stdin.close()
        try:
            self._runner.wait(10)
        except subprocess.TimeoutExpired:
            # A run that hangs was given up, and is in its way.
            os.killpg(self._runner.pid, signal.SIGKILL)
            self._runner.wait(10)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_template: str) -> Iterator[Copy]:
    made = Copy(tmp_path_factory.mktemp("rules"), stack)
    yield made
    made.close()


def counted(said: str, what: str) -> int:
    """As pytest's last line says it; what is logged before it may use the same words."""
    last = re.findall(r"^(?:\d+ \w+, )*\d+ \w+ in [\d.]+s", said, re.MULTILINE)
    found = re.search(rf"(\d+) {what}", last[-1]) if last else None
    return int(found[1]) if found else 0


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
    def test_hold_as_long_as_their_lines_stand(self, copy: Copy) -> None:
        code, said = copy.run(sorted({kept.test for kept in TABLE}), TABLE[0].module)
        assert code == 0, said[-3000:]
        assert f"RULES_SOURCE={copy.root}" in said, said[-300:]

    @pytest.mark.parametrize("kept", TABLE, ids=lambda kept: f"{kept.rule}-{kept.module}")
    def test_turn_a_test_red_when_their_line_is_taken_away(self, copy: Copy, kept: Kept) -> None:
        file = copy.changed(kept)
        whole = file.read_text()
        file.write_text(whole.replace(kept.line, kept.without))
        try:
            code, said = copy.run([kept.test], kept.module, TEST_PATIENCE_S=PATIENCE_S)
        finally:
            file.write_text(whole)
        assert f"RULES_SOURCE={file}" in said, f"the test did not run on the changed sources: {said[-500:]}"
        assert code == 1 and counted(said, "failed"), f"without its line {kept.rule} still holds: {said[-1500:]}"
        assert not counted(said, "error"), f"red for another reason: {said[-1500:]}"
        assert re.search(r"^E +(assert|AssertionError|Failed: DID NOT RAISE)", said, re.MULTILINE), (
            f"red for another reason: {said[-1500:]}"
        )
