"""The facts table of the README: every row leads to a module and to a test that exists, every section is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sandbox.mailchimp
from sandbox.mailchimp.people import People
from sandbox.mailchimp.switches import Switches

FOLDER = Path(sandbox.mailchimp.__file__).parent
HERE = Path(__file__).parent
SECTIONS = {"0", "1", "2", "3", "3.1", "3.2", "3.3", "3.4", "3.5", "4", "5", "6", "7", "7.1", "8", "9", "10"}


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    text = (FOLDER / "README.md").read_text()
    part = re.split(rf"^## {heading}.*$", text, flags=re.MULTILINE)[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named(cell: str) -> str:
    found = re.fullmatch(r"`([^`]+)`", cell)
    assert found is not None, cell
    return found[1]


FACTS = table("Facts")


class TestFacts:
    @pytest.mark.parametrize("row", FACTS, ids=[row[1][:60] for row in FACTS])
    def test_lead_to_a_module_and_a_test(self, row: list[str]) -> None:
        _, fact, where, proof = row
        assert fact
        assert (FOLDER / named(where)).exists()
        file, _, subject = named(proof).partition("::")
        classes = [node for node in ast.parse((HERE / file).read_text()).body if isinstance(node, ast.ClassDef)]
        [found] = [node for node in classes if node.name == subject]
        assert any(getattr(part, "name", "").startswith("test_") for part in found.body)

    def test_cover_every_section_of_the_sheet(self) -> None:
        assert {row[0] for row in FACTS} == SECTIONS

    def test_choices_lead_to_a_module(self) -> None:
        for section, choice, where in table("Choices"):
            assert section in SECTIONS
            assert choice
            assert (FOLDER / named(where)).exists()

    def test_what_is_left_out_has_a_reason(self) -> None:
        for section, fact, why in table("Left out"):
            assert section in SECTIONS
            assert fact
            assert len(why) > 20

    def test_every_switch_and_action_is_told(self) -> None:
        assert {named(row[0]) for row in table("Switches")} == set(Switches.__dataclass_fields__)
        actions = {named(row[0]) for row in table("People")}
        source = ast.parse((FOLDER / "people.py").read_text())
        keys = {
            node.value for node in ast.walk(source) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert actions <= keys
        assert len(actions) == sum(1 for name in vars(People) if f"self.{name}," in (FOLDER / "people.py").read_text())
