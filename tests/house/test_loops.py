"""Loops that wait for a database have one frame (`common/loops.py`): its pauses, its jitter, its log lines and its health."""

import ast

import pytest

from tests.house.sources import nodes, product

# The accident: nine loops with nine frames of their own; one did not wait, one waited for ever without a word, none had jitter.
JUDGES = {"is_away", "trouble_of", "DATABASE_ERRORS"}
MAY_LOOP = {
    "libs/common/src/common/loops.py": "the frame itself",
    "libs/writing/src/writing/results.py": "stores what a vendor answered, until its lease ends and no longer",
    "services/token-broker/src/token_broker/refresh/refresher.py": "a rotated token reaches the disk: tried for a minute, then raised",
}


def framed(tree: ast.Module) -> list[int]:
    """The lines of handlers within a `while` that judge a database's trouble."""
    return sorted(
        {
            handler.lineno
            for loop in nodes(tree, ast.While)
            for handler in ast.walk(loop)
            if isinstance(handler, ast.ExceptHandler) and names(handler) & JUDGES
        }
    )


def names(node: ast.AST) -> set[str]:
    return {ast.unparse(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)}


class TestLoops:
    def test_nobody_writes_the_frame_again(self) -> None:
        found = {s.name: framed(s.tree) for s in product()}
        assert {name: lines for name, lines in found.items() if lines and name not in MAY_LOOP} == {}

    def test_no_excuse_is_left_over(self) -> None:
        used = {s.name for s in product() if framed(s.tree)}
        assert set(MAY_LOOP) <= used

    @pytest.mark.parametrize(
        ("code", "found"),
        [
            (
                "while True:\n    try:\n        x()\n    except Exception as e:\n        if not is_away(e):\n            raise",
                True,
            ),
            ("while True:\n    try:\n        x()\n    except DATABASE_ERRORS as e:\n        judge(e)", True),
            ("while True:\n    x()\ntry:\n    y()\nexcept OSError as e:\n    trouble_of(e)", False),
            ("while True:\n    try:\n        x()\n    except KafkaError:\n        wait()", False),
        ],
    )
    def test_the_rule_finds_what_it_forbids(self, code: str, found: bool) -> None:
        assert bool(framed(ast.parse(code))) is found
