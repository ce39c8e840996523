"""What the product reads, calls and names anywhere: the index that rules about declarations ask."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from tests.house.sources import Source, nodes, product
from tests.house.test_circles import module_of

WORD = re.compile(r"\w+")


@dataclass
class Uses:
    """Names by how they are used, with docstrings left out: prose names everything."""

    attributes: set[str] = field(default_factory=set)
    """Read from an object, or matched by a class pattern."""
    variables: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    """Texts that are exactly a name: `getattr`, a column of a row, a metric."""


@cache
def uses() -> Uses:
    """One pass over every module of the product."""
    found = Uses()
    for source in product():
        prose = docstrings(source.tree)
        for node in source.nodes(ast.Attribute, ast.Name, ast.Constant, ast.MatchClass):
            match node:
                case ast.Attribute(attr=name, ctx=ast.Load()):
                    found.attributes.add(name)
                case ast.Name(id=name, ctx=ast.Load()):
                    found.variables.add(name)
                case ast.Constant(value=str() as text) if id(node) not in prose and WORD.fullmatch(text):
                    found.texts.add(text)
                case ast.MatchClass(kwd_attrs=names):
                    found.attributes.update(names)
    return found


def docstrings(tree: ast.Module) -> set[int]:
    """The ids of the texts that stand alone as a statement."""
    return {id(node.value) for node in nodes(tree, ast.Expr) if isinstance(node.value, ast.Constant)}


def is_read(name: str) -> bool:
    """Whether anybody reads an attribute of this name, or names it in a text."""
    return name in uses().attributes or name in uses().texts


def is_used(name: str) -> bool:
    """The same for what may be a variable as well: a function, a class, a constant."""
    return is_read(name) or name in uses().variables


@cache
def module_uses() -> frozenset[tuple[str, str]]:
    """What is used of which module: taken from it by name, asked of it by its own name or another, or named in itself. A method or a text
    that only happens to be called alike is no use of it."""
    ours = {module_of(source) for source in product()}
    return frozenset(use for source in product() for use in _uses_of(source, ours))


def _uses_of(source: Source, ours: set[str]) -> Iterator[tuple[str, str]]:
    called: dict[str, str] = {}
    for node in source.nodes(ast.ImportFrom):
        for one in node.names:
            whole = f"{node.module}.{one.name}"
            if whole in ours:
                called[one.asname or one.name] = whole
            else:
                yield str(node.module), one.name
    for node in source.nodes(ast.Attribute, ast.Name):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in called:
                yield called[name], attribute
            case ast.Name(id=name, ctx=ast.Load()):
                yield module_of(source), name


@cache
def classes() -> tuple[tuple[Source, ast.ClassDef], ...]:
    """Every class of the product."""
    return tuple((source, node) for source in product() for node in source.nodes(ast.ClassDef))


@cache
def functions() -> tuple[tuple[Source, ast.FunctionDef | ast.AsyncFunctionDef], ...]:
    """Every function and method of the product."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return tuple((source, node) for source in product() for node in source.nodes(*kinds))


def bases(node: ast.ClassDef) -> set[str]:
    """The last words of a class's bases: `BaseModel`, `StrEnum`."""
    plain = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    return {ast.unparse(base).rpartition(".")[2] for base in plain}


def decorators(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [ast.unparse(one) for one in node.decorator_list]


def fields(node: ast.ClassDef) -> list[str]:
    """The annotated names in a class's body, but for class variables."""
    return [
        one.target.id
        for one in node.body
        if isinstance(one, ast.AnnAssign)
        and isinstance(one.target, ast.Name)
        and "ClassVar" not in ast.unparse(one.annotation)
    ]


def members(node: ast.ClassDef) -> list[str]:
    """The members of an enumeration."""
    targets = (one.targets[0] for one in node.body if isinstance(one, ast.Assign))
    return [target.id for target in targets if isinstance(target, ast.Name) and not target.id.startswith("_")]


def constants(source: Source) -> Iterator[str]:
    """The names that a module gives to values and classes."""
    for node in source.tree.body:
        match node:
            case ast.Assign(targets=targets):
                yield from (one.id for one in targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.ClassDef(name=name):
                yield name
