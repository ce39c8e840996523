"""Each simulator's README lists the sheet's facts: every row names a module that exists, or says why it is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox

ROOT = Path(sandbox.__file__).parent
FOLDERS = sorted(path.parent for path in ROOT.glob("*/__init__.py"))
LEFT_OUT = re.compile(r"left out\W+\s*(?P<why>.{12,})", re.IGNORECASE)
MODULE = re.compile(r"`([\w/]+\.(?:py|html))`")
FIRST_COLUMN = ("sheet", "section")


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def facts_of(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Section, fact, third column's name and its cell, of every row of the tables of facts."""
    head: list[str] = []
    for line in (folder / "README.md").read_text().splitlines():
        cells = cells_of(line) if line.startswith("|") else []
        if not cells:
            head = []
        elif not head:
            head = [cell.lower() for cell in cells]
        elif head[0] in FIRST_COLUMN and not set("".join(cells)) <= set("-: "):
            yield cells[0], cells[1], head[2], cells[2]


def module_exists(folder: Path, name: str) -> bool:
    return (folder / name).exists() or (ROOT / name).exists() or any(folder.glob(f"*/{name}"))


def has_home_or_reason(folder: Path, column: str, cell: str) -> bool:
    if column == "why":
        return len(cell) >= 12
    named = MODULE.findall(cell)
    return bool(LEFT_OUT.search(cell)) or (bool(named) and all(module_exists(folder, name) for name in named))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
class TestFactsTable:
    def test_is_there_and_long_enough_to_be_meant(self, folder: Path) -> None:
        assert len(list(facts_of(folder))) >= 20

    def test_every_fact_has_a_home_or_a_reason(self, folder: Path) -> None:
        homeless = [row for row in facts_of(folder) if not has_home_or_reason(folder, row[2], row[3])]
        assert homeless == []

    def test_every_row_names_its_section_and_its_fact(self, folder: Path) -> None:
        nameless = [row for row in facts_of(folder) if not re.search(r"\d", row[0]) or not row[1]]
        assert nameless == []
