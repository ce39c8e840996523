"""How long our functions and modules are: the numbers by which a stranger finds the way, held for the whole tree."""

import ast
from statistics import median

from tests.house.sources import Source, sources

# The accident: each module grew by two good lines a day, and nobody could say on which day it became unreadable.
FUNCTION, LONGEST_FUNCTION, MODULE = 6, 50, 100
KINDS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lengths(source: Source) -> dict[str, int]:
    """The lines of every function, from its `def` to its end; methods and inner ones count for themselves."""
    return {
        f"{source.name}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for node in source.nodes(*KINDS)
    }


class TestFunctions:
    def test_none_is_over_fifty_lines(self) -> None:
        found = {
            name: lines for source in sources() for name, lines in lengths(source).items() if lines > LONGEST_FUNCTION
        }
        assert found == {}

    def test_half_of_them_have_six_lines_at_most(self) -> None:
        assert median(lines for source in sources() for lines in lengths(source).values()) <= FUNCTION


class TestModules:
    def test_half_of_them_are_under_a_hundred_lines(self) -> None:
        # That none is over 300 is in test_modules.py.
        written = [len(source.text.splitlines()) for source in sources() if source.text.strip()]
        assert median(written) < MODULE
