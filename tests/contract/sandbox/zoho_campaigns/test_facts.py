"""The tables of the README: every row leads to modules and to a test that exist, every section of the sheet is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import sandbox.zoho_campaigns
from sandbox.zoho_campaigns.switches import CHOICES, Switches

FOLDER = Path(sandbox.zoho_campaigns.__file__).parent
HERE = Path(__file__).parent
SECTIONS = {"1", "2", "3", "4", "5", "6", "7"}


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    part = re.split(rf"^## {heading}.*$", (FOLDER / "README.md").read_text(), flags=re.MULTILINE)[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def proofs_in(file: str) -> set[str]:
    """The classes of a file that have a test."""
    classes = [node for node in ast.parse((HERE / file).read_text()).body if isinstance(node, ast.ClassDef)]
    return {one.name for one in classes if any(getattr(part, "name", "").startswith("test_") for part in one.body)}


class TestFacts:
    def test_lead_to_modules_and_a_test(self) -> None:
        known: dict[str, set[str]] = {}
        for _, fact, where, proof in table("Facts"):
            assert named(where), fact
            assert all((FOLDER / module).exists() for module in named(where)), fact
            file, _, subject = named(proof)[0].partition("::")
            assert subject in known.setdefault(file, proofs_in(file)), fact

    def test_cover_every_section(self) -> None:
        assert {row[0] for row in table("Facts")} == SECTIONS

    def test_choices_lead_to_modules_and_what_is_left_out_has_a_reason(self) -> None:
        assert all((FOLDER / module).exists() for row in table("Choices") for module in named(row[2]))
        assert all(row[0] in SECTIONS and len(row[2]) > 20 for row in table("Left out"))

    def test_every_switch_is_told_with_what_it_may_be(self) -> None:
        rows = {named(row[0])[0]: row for row in table("Switches")}
        assert list(rows) == [name for name in Switches.__dataclass_fields__ if name in rows]
        assert set(rows) == set(Switches.__dataclass_fields__)
        for name, row in rows.items():
            first = getattr(Switches(), name)
            assert row[1].strip("`") == str(first).lower(), name
            assert set(map(str, CHOICES.get(name, ()))) <= {str(first), *named(row[2])}, name

    def test_every_action_is_told(self) -> None:
        told = {name for row in table("People") for name in named(row[0])}
        found = re.search(r"self\._acts: .*?\n        }", (FOLDER / "people.py").read_text(), re.DOTALL)
        assert found is not None
        assert told == set(re.findall(r"\"(\w+)\": self", found[0]))
