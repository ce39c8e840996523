"""What the gate leaves out and what it does first is decided by names, which must be those of something; what was red is its last word."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import order, reds, simulator
from tests.house.sources import ROOT
from tests.support.concerned import Sources


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A product of two modules, one of which needs the other, and four tests."""
    files = {
        "libs/a/src/a/__init__.py": "", "libs/a/src/a/deep.py": "VALUE = 1", "libs/a/src/a/high.py": "from a import deep",
        "tests/test_high.py": "def test():\n    import a.high", "tests/test_support.py": "from tests.helper import help",
        "tests/helper.py": "from a.deep import VALUE", "tests/test_alone.py": "import json",
        "tests/test_files.py": "from pathlib import Path\nHERE = Path(__file__)",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


class TestOrder:
    @pytest.mark.parametrize("place", [*order.ALONE, *order.LONGEST_FIRST, *order.APART])
    def test_names_what_is_there(self, place: str) -> None:
        assert list(ROOT.glob(place.rstrip("/")))

    def test_finds_the_files_of_what_runs_alone_and_in_a_browser(self, tree: Path) -> None:
        (tree / "tests/test_page.py").write_text("import pytest\n\npytestmark = pytest.mark.browser\n")
        alone = tree / order.ALONE[0]
        alone.parent.mkdir(parents=True)
        alone.write_text("def test():\n    pass\n")
        assert order.alone(tree) == [order.ALONE[0]]
        assert order.in_a_browser(tree) == ["tests/test_page.py"]

    @pytest.mark.parametrize("place", simulator.CONCERNED)
    def test_so_does_what_concerns_the_simulator(self, place: str) -> None:
        assert list(ROOT.glob(place))


class TestSimulator:
    def test_is_another_when_a_byte_of_it_or_of_its_suite_is(self, tmp_path: Path) -> None:
        seen = {simulator.content(tmp_path)}
        for name in ("sandbox/src/sandbox/core.py", "tests/contract/sandbox/test_it.py", "requirements.lock"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            for text in ("1", "2"):
                (tmp_path / name).write_text(text)
                seen.add(simulator.content(tmp_path))
        assert len(seen) == 7

    def test_is_the_same_whatever_else_changes(self, tmp_path: Path) -> None:
        before = simulator.content(tmp_path)
        (tmp_path / "README.md").write_text("1")
        assert simulator.content(tmp_path) == before


class TestReds:
    def test_are_told_with_their_reason_and_place(self, tmp_path: Path) -> None:
        red = "def test_green():\n    pass\n\n\ndef test_red():\n    assert 1 == 2, 'the ledger is short'\n"
        [name, why] = reds.told([_report_of(tmp_path, red), tmp_path / "of a run cut off.xml"])
        assert re.fullmatch(r"== red: test_some::test_red after \d+ s", name)
        assert "the ledger is short" in why and why.endswith("(test_some.py:6: AssertionError)")

    def test_that_cannot_be_collected_is_one(self, tmp_path: Path) -> None:
        [name, _] = reds.told([_report_of(tmp_path, "import nothing_of_this_name")])
        assert name.startswith("== red: ") and "test_some" in name

    def test_are_told_as_far_as_somebody_reads(self, tmp_path: Path) -> None:
        many = "import pytest\n\n@pytest.mark.parametrize('one', range(11))\ndef test(one):\n    assert not 1\n"
        lines = reds.told([_report_of(tmp_path, many)])
        assert len(lines) == 2 * reds.AT_MOST + 1 and lines[-1] == "== and 3 more"

    def test_are_nothing_when_all_is_green(self, tmp_path: Path) -> None:
        assert reds.told([_report_of(tmp_path, "def test():\n    pass\n")]) == []


def _report_of(place: Path, source: str) -> Path:
    """What pytest reports of a file with this text."""
    (place / "test_some.py").write_text(source)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir=.",
        "-c",
        "/dev/null",
        "--junitxml=report.xml",
        "test_some.py",
    ]
    subprocess.run(command, cwd=place, capture_output=True, check=False)
    return place / "report.xml"


class TestConcerned:
    def test_by_a_change_are_tests_that_need_it_by_whatever_way_and_those_that_look_around(self, tree: Path) -> None:
        tests = sorted((tree / "tests").glob("test_*.py"))
        found = Sources(tree).concerned(tests, {tree / "libs/a/src/a/deep.py"})
        assert [one.stem for one in found] == ["test_files", "test_high", "test_support"]

    def test_by_none_are_only_those_that_look_around(self, tree: Path) -> None:
        found = Sources(tree).concerned(sorted((tree / "tests").glob("test_*.py")), set())
        assert [one.stem for one in found] == ["test_files"]
