"""What an error of the database means is judged in one place (`common/state/trouble.py`), and everybody who catches one asks there."""

import ast

import pytest

from tests.house.sources import nodes, product

# The accident: eight tuples of "the database is away", each of them with a missing table in it, which was waited for for ever.
WIDE = {
    "asyncpg.PostgresError", "asyncpg.InterfaceError", "asyncpg.InternalClientError", "asyncpg.exceptions.PostgresError",
    "PostgresError", "InterfaceError", "InternalClientError", "DATABASE_ERRORS",
}  # fmt: skip
JUDGES = {"is_away", "trouble_of"}
# Told to a person at a terminal, who decides: with the words of the error, and an end to the waiting.
MAY_NAME = {
    "libs/common/src/common/state/trouble.py": "the judgement itself",
    "libs/common/src/common/state/migration.py": "a migration that fails is a refusal with the server's words, whatever it is",
    "libs/common/src/common/state/migrate.py": "each failure has a sentence and an exit code of its own",
    "cli/src/millrace/stack/given.py": "`millrace up` says what the server said",
    "cli/src/millrace/stack/postgres.py": "waits for a server of its own to start, until a deadline",
}


def names(node: ast.AST) -> set[str]:
    return {ast.unparse(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)}


def judges(handler: ast.ExceptHandler) -> bool:
    """Whether a handler asks what the error means; a helper of the same module may ask for it."""
    return bool(names(handler) & JUDGES)


def unjudged(tree: ast.Module) -> list[int]:
    """The lines on which a database's error is caught without asking what it means."""
    handlers = [node for node in nodes(tree, ast.ExceptHandler) if node.type is not None]
    return [node.lineno for node in handlers if node.type and names(node.type) & WIDE and not judges(node)]


def collected(tree: ast.Module) -> list[int]:
    """The lines with a private collection of the database's errors."""
    return [
        node.lineno for node in nodes(tree, ast.Tuple, ast.List, ast.Set) if names(node) & (WIDE - {"DATABASE_ERRORS"})
    ]


class TestDatabaseTrouble:
    def test_whoever_catches_it_asks_what_it_means(self) -> None:
        found = {s.name: unjudged(s.tree) for s in product()}
        assert {name: lines for name, lines in found.items() if lines and name not in MAY_NAME} == {}

    def test_nobody_keeps_a_list_of_his_own(self) -> None:
        found = {s.name: collected(s.tree) for s in product()}
        assert {name: lines for name, lines in found.items() if lines and name not in MAY_NAME} == {}

    def test_no_excuse_is_left_over(self) -> None:
        used = {s.name for s in product() if unjudged(s.tree) or collected(s.tree)}
        assert set(MAY_NAME) <= used

    @pytest.mark.parametrize(
        ("code", "found"),
        [
            ("try:\n    x()\nexcept (asyncpg.PostgresError, OSError):\n    wait()", True),
            ("try:\n    x()\nexcept asyncpg.InterfaceError as e:\n    return None", True),
            ("try:\n    x()\nexcept DATABASE_ERRORS as e:\n    wait()", True),
            ("try:\n    x()\nexcept DATABASE_ERRORS as e:\n    if not is_away(e):\n        raise", False),
            ("try:\n    x()\nexcept asyncpg.UniqueViolationError:\n    taken()", False),
        ],
    )
    def test_the_rule_finds_what_it_forbids(self, code: str, found: bool) -> None:
        assert bool(unjudged(ast.parse(code))) is found
        assert collected(ast.parse("_AWAY = (asyncpg.PostgresError, OSError)")) == [1]
