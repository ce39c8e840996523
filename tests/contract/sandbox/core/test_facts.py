"""Each simulator's README lists the sheet's facts: every row names a module that exists, or says why it is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sandbox

ROOT = Path(sandbox.__file__).parent
FOLDERS = sorted(path.parent for path in ROOT.glob("*/__init__.py"))
LEFT_OUT = re.compile(r"left out\W+\s*(?P<why>.{12,})", re.IGNORECASE)
MODULE = re.compile(r"`([\w/]+\.(?:py|html))")


def rows_of(folder: Path) -> list[list[str]]:
    """The cells of every table row of the README that has three columns, without the heads."""
    lines = (folder / "README.md").read_text().splitlines()
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")]
    return [row for row in cells if len(row) == 3 and not set("".join(row)) <= set("-: ") and row[0].lower() != "sheet"]


def module_exists(folder: Path, name: str) -> bool:
    return (folder / name).exists() or (ROOT / name).exists() or any(folder.glob(f"*/{name}"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
class TestFactsTable:
    def test_is_there_and_long_enough_to_be_meant(self, folder: Path) -> None:
        assert len(rows_of(folder)) >= 20

    def test_every_fact_has_a_home_or_a_reason(self, folder: Path) -> None:
        homeless = [
            row
            for row in rows_of(folder)
            if not LEFT_OUT.search(row[2])
            and not (MODULE.search(row[2]) and all(module_exists(folder, name) for name in MODULE.findall(row[2])))
        ]
        assert homeless == []

    def test_every_row_names_its_section_and_its_fact(self, folder: Path) -> None:
        assert [row for row in rows_of(folder) if not re.search(r"\d", row[0]) or len(row[1]) < 8] == []
