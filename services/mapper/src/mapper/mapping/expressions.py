"""Reading a value out of a record: plain names by a fast path, everything else by JMESPath with a bound on its work.

A plain name (`billing.city`) is most of what people map; going through the interpreter costs four times as much. A property test
holds that both ways give the same value for every name and record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jmespath
import jmespath.exceptions
from jmespath.visitor import Options, TreeInterpreter

Record = Mapping[str, Any]
Read = Callable[[Record], Any]

MAX_EXPRESSION = 1_000
MAX_DEPTH = 50
MAX_STEPS = 10_000

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z")


class ExpressionInvalid(Exception):
    """The expression is no JMESPath, or larger than we take."""


class ExpressionExpensive(Exception):
    """The expression visits more of the record than one record is worth."""


class Expression:
    """One compiled expression: how to read it, which top-level fields it reads, and which of the fields that stand for themselves
    inside one of these."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_EXPRESSION:
            raise ExpressionInvalid(f"The expression has {len(text)} characters; {MAX_EXPRESSION} are the most.")
        self.text = text
        if is_plain(text):
            path = tuple(text.split("."))
            self.roots = frozenset(path[:1])
            self._read: Read = lambda record: _walk(record, path)
        else:
            tree = _parsed(text)
            self.roots = frozenset(_roots(tree))
            self._read = lambda record: _Bounded().visit(tree, record)
        self.names = frozenset(name for root in self.roots for name in _names(root, text))

    def read(self, record: Record) -> Any:
        """The value, or None where there is none."""
        return self._read(record)

    def mentions(self, record: Record) -> bool:
        """Whether the record says anything about what the expression reads: absent is not the same as empty."""
        return not self.roots or any(root in record for root in self.roots)


# Each of their fields is told by itself.
_APART = frozenset({"custom", "facts"})


def _names(root: str, text: str) -> set[str]:
    """The root alone where the text does not name, at each place, what it wants of it."""
    if root not in _APART:
        return {root}
    inside = re.findall(rf"\b{root}\b(?:\.(\w+))?", text)
    return {f"{root}.{name}" for name in inside} if all(inside) else {root}


def is_plain(text: str) -> bool:
    """Whether the text is names with dots between them, and nothing else."""
    return _PLAIN.match(text) is not None


def interpreted(text: str, record: Record) -> Any:
    """The value by the interpreter alone: what the fast path is held against."""
    return _Bounded().visit(_parsed(text), record)


def _walk(record: Record, path: tuple[str, ...]) -> Any:
    value: Any = record
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _parsed(text: str) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = jmespath.compile(text).parsed
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        raise ExpressionInvalid(f"The expression is not JMESPath: {str(error).splitlines()[0][:200]}.") from error
    if _depth(tree) > MAX_DEPTH:
        raise ExpressionInvalid(f"The expression is nested deeper than {MAX_DEPTH}.")
    return tree


def _depth(tree: Mapping[str, Any]) -> int:
    deepest, todo = 0, [(tree, 1)]
    while todo:
        node, depth = todo.pop()
        deepest = max(deepest, depth)
        todo += [(child, depth + 1) for child in node.get("children", ()) if isinstance(child, dict)]
    return deepest


def _roots(tree: Mapping[str, Any]) -> Iterator[str]:
    """Names that are looked up in the record itself; names behind a dot or inside a projection are not."""
    kind, children = tree["type"], [c for c in tree.get("children", ()) if isinstance(c, dict)]
    if kind == "field":
        yield str(tree["value"])
    elif kind in (
        "subexpression",
        "index_expression",
        "pipe",
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
    ):
        yield from _roots(children[0])
    else:
        for child in children:
            yield from _roots(child)


class _Bounded(TreeInterpreter):  # type: ignore[misc]
    """The interpreter, counting its steps: an expression may be small and its work not."""

    def __init__(self) -> None:
        super().__init__(Options())
        self._steps = 0

    def visit(self, node: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ExpressionExpensive(f"The expression took more than {MAX_STEPS} steps on one record.")
        try:
            return super().visit(node, *args, **kwargs)
        except jmespath.exceptions.JMESPathError:
            # A function met a value of the wrong type: for one record that is "no value", not a broken mapping.
            return None
