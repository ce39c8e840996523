"""Our modules import each other one way: whoever reads one can stop at what it imports."""

import ast
from collections.abc import Iterator, Mapping

from tests.house.sources import Source, nodes, sources

Graph = Mapping[str, set[str]]


def module_of(source: Source) -> str:
    parts = source.path.relative_to(source.member / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, ours: set[str]) -> Iterator[str]:
    """Our modules that a module imports, wherever in it: also for types alone, also late in a function."""
    for node in nodes(tree, ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in ours)
        elif node.module:
            named = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in ours else node.module for name in named if {name, node.module} & ours)


def graph() -> Graph:
    modules = {module_of(source): source for source in sources()}
    ours = set(modules)
    return {name: set(imported(source.tree, ours)) - {name} for name, source in modules.items()}


def circles(found: Graph) -> list[set[str]]:
    """Groups of modules that reach each other."""
    reached = {name: reachable(found, name) for name in found}
    groups = {frozenset(other for other in reached[name] if name in reached[other]) for name in found}
    return [set(group) for group in groups if group]


def reachable(found: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(found[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += found[name]
    return seen


class TestCircles:
    # The accident: two modules that can only be read, tested and moved together, and an import at the foot of a file to make it work.
    def test_there_is_none(self) -> None:
        assert circles(graph()) == []

    def test_the_rule_sees_the_whole_tree(self) -> None:
        found = graph()
        assert {name.partition(".")[0] for name in found} >= {"common", "vendors", "writing", "token_broker", "sandbox"}
        assert "common.api.refusal" in found["common.api.problems"]

    def test_the_rule_finds_what_it_forbids(self) -> None:
        ours = {"a", "b", "b.c", "d"}
        late = ast.parse("def f():\n    from b import c")
        typed = ast.parse("if TYPE_CHECKING:\n    from a import A\nimport d, os")
        found = {"a": set(imported(late, ours)), "b": set[str](), "b.c": set(imported(typed, ours)), "d": set[str]()}
        assert found["a"] == {"b.c"} and found["b.c"] == {"a", "d"}
        assert circles(found) == [{"a", "b.c"}]
