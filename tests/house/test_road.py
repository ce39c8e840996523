"""The road of one record in the README: complete, short, and each file on it says what a crash beside it means."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.sources import ROOT

# The accident: a road that named a file which no longer did what was said of it, and left out the one with the results.
LINK = re.compile(r"^\d+\. \[[^]]+\]\(([^)]+)\)", re.MULTILINE)
LONGEST = 200
NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
]


def section() -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return readme.partition("## Follow one record")[2].partition("\n## ")[0]


ROAD = [ROOT / path for path in LINK.findall(section())]


def said(path: Path) -> str:
    """What a file says of itself at its top."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return ast.get_docstring(ast.parse(text)) or ""
    return "\n".join(line.removeprefix("#").strip() for line in text.partition("\n\n")[0].splitlines())


class TestRoad:
    def test_says_how_long_it_is(self) -> None:
        assert f"{NUMBERS[len(ROAD)]} files" in section().lower()

    @pytest.mark.parametrize("path", ROAD, ids=lambda path: path.name)
    def test_is_short(self, path: Path) -> None:
        assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST

    @pytest.mark.parametrize("path", ROAD, ids=lambda path: path.name)
    def test_tells_what_comes_in_what_goes_out_and_what_is_durable(self, path: Path) -> None:
        paragraph = said(path).split("\n\n")[1]
        assert [word for word in ("In:", "Out:", "urable") if word not in paragraph] == []

    @pytest.mark.parametrize("path", ROAD, ids=lambda path: path.name)
    def test_tells_what_a_crash_means(self, path: Path) -> None:
        assert "crash" in said(path)
