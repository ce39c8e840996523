"""The tables of the README: every row leads to a module and to a test that exists, every section is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sandbox.shopify
from sandbox.shopify.switches import Switches

FOLDER = Path(sandbox.shopify.__file__).parent
HERE = Path(__file__).parent
SECTIONS = {"0", "1.1", "1.2", "2", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3", "3.4", "4", "5"}


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    part = re.split(rf"^## {heading}.*$", (FOLDER / "README.md").read_text(), flags=re.MULTILINE)[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


class TestFacts:
    @pytest.mark.parametrize("row", table("Facts"), ids=lambda row: row[1][:60])
    def test_lead_to_a_module_and_a_test(self, row: list[str]) -> None:
        _, _, where, proof = (cell.strip("`") for cell in row)
        assert (FOLDER / where).exists()
        file, _, subject = proof.partition("::")
        assert subject in {
            node.name for node in ast.parse((HERE / file).read_text()).body if isinstance(node, ast.ClassDef)
        }

    def test_cover_every_section(self) -> None:
        assert {row[0] for row in table("Facts") + table("Left out")} == SECTIONS

    def test_choices_lead_to_a_module(self) -> None:
        assert all((FOLDER / row[2].strip("`")).exists() for row in table("Choices"))

    def test_every_switch_and_action_is_told(self) -> None:
        assert {row[0].strip("`") for row in table("Switches")} == set(Switches.__dataclass_fields__)
        told = {name for row in table("People") for name in re.findall(r"`(\w+)`", row[0])}
        found = re.search(r"actions: .*?\n        }", (FOLDER / "people.py").read_text(), re.DOTALL)
        assert found is not None
        assert told == set(re.findall(r"\"(\w+)\": self", found[0]))
