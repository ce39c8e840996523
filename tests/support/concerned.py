"""Which tests a change can concern: those that import something of what was changed, or look at files or start processes themselves.

What a test imports is followed through our sources; a test whose imports are all as they were says what it said before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

# Of tests and what supports them; which module of the product reads a file that changed is for the caller to say.
LOOKS_AROUND = re.compile(r"glob\(|iterdir\(|subprocess|CHECKOUT|__file__")


class Sources:
    """Our modules in one place, and who imports whom."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._roots = [*sorted(root.glob("*/src")), *sorted(root.glob("*/*/src")), root]
        self._imports = cache(self._imported)
        self._files = cache(self._files_of)

    def concerned(self, tests: Iterable[Path], changed: Collection[Path]) -> list[Path]:
        return [test for test in tests if self._is_concerned(test, changed)]

    def _is_concerned(self, test: Path, changed: Collection[Path]) -> bool:
        needed = self._needed(test)
        return any(one in changed or self._looks_around(one) for one in needed)

    def _looks_around(self, module: Path) -> bool:
        return (self._root / "tests") in module.parents and bool(LOOKS_AROUND.search(module.read_text()))

    def _needed(self, module: Path) -> set[Path]:
        found, open_ = {module}, [module]
        while open_:
            more = self._imports(open_.pop()) - found
            found |= more
            open_ += more
        return found

    def _imported(self, module: Path) -> frozenset[Path]:
        names = {name for node in _statements(ast.parse(module.read_text())) for name in _names(node)}
        return frozenset(file for name in names for file in self._files(name))

    def _files_of(self, name: str) -> frozenset[Path]:
        """A module's file and those of the packages it lies in."""
        package, _, _ = name.rpartition(".")
        bases = [root.joinpath(*name.split(".")) for root in self._roots]
        own = {one for base in bases for one in (base.with_suffix(".py"), base / "__init__.py") if one.is_file()}
        return frozenset(own | self._files(package)) if package else frozenset(own)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement inside: an import is never a part of an expression."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for one in getattr(node, part, ()):
            yield one
            yield from _statements(one)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []
