"""Each rule has a line that keeps it, and a test that turns red when that line is taken away.

The sources are copied once; each line is taken out of the copy in its turn and its test run there, on the servers of this session.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.rules.table import NOT_YET, TABLE, Kept
from tests.support.local_stack import LocalStack

ROOT = Path(__file__).parents[3]
COPIED = ("libs", "services", "cli", "sandbox", "tests", "pyproject.toml")
WITHIN_S = 120.0


class Copy:
    """The sources in another place, and pytest on them."""

    def __init__(self, root: Path, stack: LocalStack) -> None:
        self.root, self._stack = root, stack
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.egg-info"))
            else:
                shutil.copy(source, root / name)

    def run(self, tests: Sequence[str], module: str) -> tuple[int, str]:
        """The exit code and what was said."""
        sources = [self.root, *sorted(self.root.glob("*/src")), *sorted(self.root.glob("*/*/src"))]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, sources)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MILLRACE_TEST_STACK": str(self._stack.home),
            "RULES_MODULE": module,
        }
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.chaos.rules.reporter", "-p", "no:cacheprovider", *tests],
            cwd=self.root, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_template: str) -> Copy:
    return Copy(tmp_path_factory.mktemp("rules"), stack)


@pytest.mark.timeout(180)
class TestRules:
    def test_are_all_in_the_table(self) -> None:
        assert {kept.rule for kept in TABLE} | NOT_YET == {f"R{number}" for number in (*range(1, 17), *range(23, 27))}

    @pytest.mark.parametrize("kept", TABLE, ids=lambda kept: f"{kept.rule}-{kept.module}")
    def test_are_named_where_they_are_kept(self, kept: Kept) -> None:
        text = (ROOT / (kept.named_in or kept.file)).read_text()
        assert re.search(rf"\b{kept.rule}\b", text), f"{kept.named_in or kept.file} does not name {kept.rule}"
        many = (ROOT / kept.file).read_text().count(kept.line)
        assert many == 1, (
            f"{kept.rule}: {kept.line!r} stands {many} times in {kept.file}; tests/chaos/rules/table.py names the new line"
        )

    def test_hold_as_long_as_their_lines_stand(self, copy: Copy) -> None:
        code, said = copy.run(sorted({kept.test for kept in TABLE}), TABLE[0].module)
        assert code == 0, said[-3000:]
        assert f"RULES_SOURCE={copy.root}" in said, said[-300:]

    @pytest.mark.parametrize("kept", TABLE, ids=lambda kept: f"{kept.rule}-{kept.module}")
    def test_turn_a_test_red_when_their_line_is_taken_away(self, copy: Copy, kept: Kept) -> None:
        file = copy.root / kept.file
        whole = file.read_text()
        file.write_text(whole.replace(kept.line, kept.without))
        try:
            code, said = copy.run([kept.test], kept.module)
        finally:
            file.write_text(whole)
        assert f"RULES_SOURCE={file}" in said, f"the test did not run on the changed sources: {said[-500:]}"
        red = code == 1 and re.search(r"\d failed", said) and not re.search(r"\d error", said)
        assert red, f"without its line {kept.rule} still holds: {said[-1500:]}"
        assert re.search(r"^E +(assert|AssertionError|Failed: DID NOT RAISE)", said, re.MULTILINE), (
            f"red for another reason: {said[-1500:]}"
        )
