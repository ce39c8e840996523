"""The core knows leases, revisions, intents and links, and nothing of any vendor or of what only one of them has.

The accident: a writing library that knew addresses, tags and consent had to be taken apart before a second kind of target could be
written.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import ROOT

CORE = (
    "libs/writing", "libs/common/src/common/bus", "libs/common/src/common/state", "libs/common/src/common/http",
    "libs/common/src/common/pairs", "libs/common/src/common/contracts/syncs.py", "libs/vendors/src/vendors/choices.py",
    "services/mapper/src/mapper/wish.py", "services/mapper/src/mapper/mapping/engine.py",
    "services/mapper/src/mapper/mapping/definitions.py",
)  # fmt: skip
FOREIGN = {"mailchimp", "email", "mail", "consent", "tag", "tags", "audience", "audiences", "zoho"}
# A documented example names what it likes: in backquotes, inside a comment or a docstring.
EXAMPLE = re.compile(r"`[^`]*`")


def words(line: str) -> set[str]:
    """The words that a line is made of, those inside names too: `gone_tag` is two, `stage` and `outage` are one each."""
    plain = EXAMPLE.sub("", line).replace("e-mail", "email").replace("E-mail", "email")
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)}


def core() -> Iterator[tuple[Path, int, str]]:
    # Migrations are history: they say what was carried over from which form.
    for folder in CORE:
        whole = ROOT / folder
        for path in [whole] if whole.is_file() else sorted(whole.rglob("*")):
            if path.suffix in (".py", ".toml") and path.is_file():
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                    yield path, number, line


class TestTheCore:
    def test_knows_no_vendor_and_nothing_that_only_one_has(self) -> None:
        found = [
            f"{path.relative_to(ROOT)}:{number} {line.strip()}"
            for path, number, line in core()
            if words(line) & FOREIGN
        ]
        assert found == []

    def test_is_looked_through(self) -> None:
        assert len({path for path, _, _ in core()}) > 60

    @pytest.mark.parametrize(
        "line", ["gone_tag = 1", "class EmailKey:", "# An audience.", "MAILCHIMP", '"email"', "no e-mail", "zoho_books"]
    )
    def test_rule_finds_what_it_forbids(self, line: str) -> None:
        assert words(line) & FOREIGN

    @pytest.mark.parametrize(
        "line",
        [
            "stage",
            "outage.is_on()",
            "advantage",
            "STAGE",
            "# As in `zoho`.",
        ],
    )
    def test_rule_leaves_other_words_alone(self, line: str) -> None:
        assert not words(line) & FOREIGN
