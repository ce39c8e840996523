"""What the house rules look at: the source files of the checkout, as text and as syntax trees."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One module of the product or the sandbox."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def member(self) -> Path:
        return next(parent.parent for parent in self.path.parents if parent.name == "src")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.name)

    def nodes(self, *kinds: type[Any]) -> Iterator[Any]:
        return nodes(self.tree, *kinds)

    def __repr__(self) -> str:
        return self.name


def nodes(tree: ast.AST, *kinds: type[Any]) -> Iterator[Any]:
    """Every node of these kinds, wherever in the tree."""
    return (node for kind, found in _by_kind(tree).items() if issubclass(kind, kinds) for node in found)


@cache
def _by_kind(tree: ast.AST) -> Mapping[type[ast.AST], Sequence[ast.AST]]:
    """A million nodes are walked once for all rules, and not once for each."""
    found = defaultdict[type[ast.AST], list[ast.AST]](list)
    for node in ast.walk(tree):
        found[type(node)].append(node)
    return found


@cache
def sources() -> tuple[Source, ...]:
    """Every module under the members' `src` folders."""
    patterns = ("libs/*/src/**/*.py", "services/*/src/**/*.py", "cli/src/**/*.py", "sandbox/src/**/*.py")
    return tuple(Source(path) for pattern in patterns for path in sorted(ROOT.glob(pattern)))


def product() -> tuple[Source, ...]:
    """The modules that run in production: without the sandbox."""
    return tuple(source for source in sources() if not source.name.startswith("sandbox/"))


@cache
def members() -> dict[str, dict[str, Any]]:
    """The workspace members' declarations by folder."""
    patterns = ("libs/*/pyproject.toml", "services/*/pyproject.toml", "cli/pyproject.toml", "sandbox/pyproject.toml")
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return {path.parent.relative_to(ROOT).as_posix(): tomllib.loads(path.read_text(encoding="utf-8")) for path in found}


def workspace() -> dict[str, Any]:
    """The root declaration."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def is_call_to(node: ast.AST, *names: str) -> bool:
    """Whether a node calls one of the dotted names, as written."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in names


def first_text(call: ast.Call) -> str | None:
    """A call's first argument, if it is a literal text."""
    if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
        return call.args[0].value
    return None
