"""Whoever follows an answer from its call to the last table goes through at most four rooms, one after the other."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from tests.house.sources import Source, sources

# The accident: `Results.store` led through nine files, to and fro, and nobody could say any more what a crash in it left behind.
FOLDER = "libs/writing/src/writing/"
MOST = 4
# What rows, keys and calls are: values with their own conversions, where nothing is decided and nothing is stored.
WORDS = {"items", "intent", "calls", "claimed", "codes"}


@dataclass
class Class:
    """Its methods, and of which classes its attributes are."""

    methods: dict[str, ast.AST] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Module:
    """Its functions and classes, and what its names mean: `module` or `module.name`."""

    name: str
    functions: dict[str, ast.AST] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def rooms() -> Mapping[str, Module]:
    return {s.path.stem: read(s) for s in sources() if s.name.startswith(FOLDER)}


def read(source: Source) -> Module:
    module = Module(source.path.stem)
    for node in source.nodes(ast.ImportFrom):
        for name in node.names:
            if node.module == "writing":
                module.names[name.asname or name.name] = name.name
            elif (node.module or "").startswith("writing."):
                module.names[name.asname or name.name] = f"{node.module.removeprefix('writing.')}.{name.name}"
    for node in source.tree.body:
        if isinstance(node, FUNCTION):
            module.functions[node.name] = node
            module.names[node.name] = f"{module.name}.{node.name}"
        elif isinstance(node, ast.ClassDef):
            module.classes[node.name] = read_class(node)
            module.names[node.name] = f"{module.name}.{node.name}"
    return module


def read_class(node: ast.ClassDef) -> Class:
    found = Class()
    for part in node.body:
        if isinstance(part, FUNCTION):
            found.methods[part.name] = part
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            found.attributes[part.target.id] = ast.unparse(part.annotation)
    if isinstance(made := found.methods.get("__init__"), FUNCTION):
        given = {one.arg: ast.unparse(one.annotation) for one in arguments(made) if one.annotation}
        for part in ast.walk(made):
            if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Attribute):
                found.attributes[part.targets[0].attr] = given.get(ast.unparse(part.value), "")
    return found


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


@dataclass(frozen=True)
class Step:
    """One function on the way: `results`, `Results`, `store`; the class is empty for a plain one."""

    module: str
    owner: str
    name: str

    @property
    def node(self) -> ast.AST | None:
        module = rooms()[self.module]
        found = module.classes[self.owner].methods if self.owner in module.classes else module.functions
        return found.get(self.name)


def called_by(step: Step) -> Iterator[Step]:
    """Every function of the writing library that this one calls by a name that can be read off."""
    module, node = rooms()[step.module], step.node
    if not isinstance(node, FUNCTION):
        return
    kinds = {one.arg: ast.unparse(one.annotation) for one in arguments(node) if one.annotation} | {"self": step.owner}
    for part in ast.walk(node):
        if isinstance(part, ast.Assign) and isinstance(part.value, ast.Call) and isinstance(part.targets[0], ast.Name):
            kinds[part.targets[0].id] = ast.unparse(part.value.func)
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            yield from resolved(part.func, module, kinds)


def resolved(function: ast.expr, module: Module, kinds: Mapping[str, str]) -> Iterator[Step]:
    if isinstance(function, ast.Name) and "." in (meaning := module.names.get(function.id, "")):
        where, _, name = meaning.partition(".")
        yield Step(where, name, "__init__") if name in rooms()[where].classes else Step(where, "", name)
    elif isinstance(function, ast.Attribute):
        if isinstance(function.value, ast.Name) and module.names.get(function.value.id, ".") in rooms():
            yield Step(module.names[function.value.id], "", function.attr)
        elif kind := kind_of(function.value, module, kinds):
            yield Step(*kind, function.attr)


def kind_of(value: ast.expr, module: Module, kinds: Mapping[str, str]) -> tuple[str, str] | None:
    """The module and class that a value is of."""
    if isinstance(value, ast.Name):
        return class_named(kinds.get(value.id, ""), module)
    if isinstance(value, ast.Attribute) and (owner := kind_of(value.value, module, kinds)):
        home = rooms()[owner[0]]
        return class_named(home.classes[owner[1]].attributes.get(value.attr, ""), home)
    return None


def class_named(name: str, module: Module) -> tuple[str, str] | None:
    where, _, what = module.names.get(name, "").partition(".")
    return (where, what) if what and what in rooms()[where].classes else None


def ways(step: Step, gone: tuple[Step, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every way from a function to its end, as the rooms it leads through; to go on in the same room is no step."""
    path = (*gone, step)
    onwards = {one for one in called_by(step) if one not in path and one.node is not None and one.module not in WORDS}
    if not onwards:
        yield through(path)
    for one in onwards:
        yield from ways(one, path)


def through(path: tuple[Step, ...]) -> tuple[str, ...]:
    names = [step.module for step in path]
    return tuple(name for at, name in enumerate(names) if at == 0 or names[at - 1] != name)


class TestRooms:
    def test_the_way_of_an_answer_leads_through_four_at_most(self) -> None:
        long = {way for way in ways(Step("results", "Results", "store")) if len(way) > MOST}
        assert sorted(long) == []

    def test_no_way_leads_back(self) -> None:
        back = {way for way in ways(Step("results", "Results", "store")) if len(set(way)) < len(way)}
        assert sorted(back) == []

    def test_the_walk_finds_the_way(self) -> None:
        found = {name for way in ways(Step("results", "Results", "store")) for name in way}
        assert found >= {"results", "judging", "result_transaction", "consequences", "links", "intents", "work_items"}

    def test_what_is_no_room_stores_nothing(self) -> None:
        for name in WORDS:
            text = next(s.text for s in sources() if s.name == f"{FOLDER}{name}.py")
            assert "tx.execute" not in text, name
