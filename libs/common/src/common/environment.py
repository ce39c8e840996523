"""How a settings class meets the environment: its variables, `*_FILE` secrets, nesting, and every refusal in words.

The environment itself is passed in by `common.settings`: nothing here reads it.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from common.secret import Secret

PREFIX = "MILLRACE_"
NESTED = "__"
SCHEMA_FILE = Path(__file__).with_name("settings_schema.json")


class ConfigurationError(Exception):
    """The settings cannot be used; each problem names the variable, what is wrong and what to do."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that a settings class understands."""

    name: str
    path: tuple[str, ...]
    field: FieldInfo

    @property
    def meaning(self) -> str:
        return self.field.description or ""

    @property
    def example(self) -> str | None:
        examples = self.field.examples
        return str(examples[0]) if examples else None

    @property
    def required(self) -> bool:
        return self.field.is_required()

    @property
    def secret(self) -> bool:
        return any(isinstance(kind, type) and issubclass(kind, Secret) for kind in _kinds(self.field.annotation))


def variables(cls: type[BaseModel], prefix: str = PREFIX, path: tuple[str, ...] = ()) -> Iterator[Variable]:
    """Every variable of a settings class, nested models flattened with a double underscore."""
    for field_name, field in cls.model_fields.items():
        alias = field.validation_alias
        name = alias if isinstance(alias, str) else prefix + field_name.upper()
        here = (*path, field_name)
        nested = [kind for kind in _kinds(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if nested:
            yield from variables(nested[0], name + NESTED, here)
        else:
            yield Variable(name, here, field)


def read(cls: type[BaseModel], env: Mapping[str, str]) -> dict[str, object]:
    """The values the environment gives to a settings class, ready to be validated; refuses what it does not know."""
    known = list(variables(cls))
    own = {variable.name for variable in known} | {f"{variable.name}_FILE" for variable in known if variable.secret}
    problems = list(unknown_names(env, own))
    values: dict[str, object] = {}
    for variable in known:
        try:
            text = _text(variable, env)
        except ConfigurationError as error:
            problems += error.problems
            continue
        if text is not None:
            _put(values, variable.path, _parsed(variable, text))
    if problems:
        raise ConfigurationError(problems)
    return values


def explain(cls: type[BaseModel], error: ValidationError) -> ConfigurationError:
    """Pydantic's findings in the words of the environment; a secret's value is never repeated."""
    by_path: dict[tuple[str, ...], Variable] = {}
    for variable in variables(cls):
        by_path |= {variable.path: variable, (variable.name,): variable}
    return ConfigurationError(_sentence(by_path, finding) for finding in error.errors(include_url=False))


def unknown_names(env: Mapping[str, str], own: Collection[str] = ()) -> Iterator[str]:
    """A sentence for each MILLRACE_ name that nothing reads: most are typing errors, silently without effect."""
    known = names_elsewhere().union(own)
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.7)
            remedy = (
                f"did you mean {close[0]}?" if close else "remove it, or see `millrace config schema` for the names."
            )
            yield f"{name} is not a setting of Millrace: {remedy}"


@cache
def names_elsewhere() -> frozenset[str]:
    """The names that any part of Millrace reads: one environment is often shared by all services."""
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    names = set(schema["properties"])
    return frozenset(names | {f"{name}_FILE" for name in names if schema["properties"][name].get("writeOnly")})


def _text(variable: Variable, env: Mapping[str, str]) -> str | None:
    # An empty value counts as unset: compose files and shells make empty variables out of missing ones.
    given = env.get(variable.name) or None
    file_name = f"{variable.name}_FILE"
    path = env.get(file_name) if variable.secret else None
    if not path:
        return given
    if given:
        raise ConfigurationError([f"{variable.name} and {file_name} are both set: keep one of them."])
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError([f"{file_name} names {path}, which cannot be read ({reason}): check it."]) from error


def _parsed(variable: Variable, text: str) -> object:
    """Lists are written with commas, mappings as JSON; everything else is left to the field's own type."""
    origins = {get_origin(kind) or kind for kind in _kinds(variable.field.annotation)}
    if origins & {list, tuple, set, frozenset}:
        return [part.strip() for part in text.split(",") if part.strip()]
    if dict in origins:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _put(values: dict[str, object], path: tuple[str, ...], value: object) -> None:
    for step in path[:-1]:
        values = typing.cast("dict[str, object]", values.setdefault(step, {}))
    values[path[-1]] = value


def _sentence(by_path: Mapping[tuple[str, ...], Variable], finding: ErrorDetails) -> str:
    where = tuple(str(step) for step in finding["loc"])
    variable = next((by_path[where[:n]] for n in range(len(where), 0, -1) if where[:n] in by_path), None)
    if variable is None:
        return f"{'.'.join(where) or 'The settings'}: {finding['msg']}."
    example = f" Example: {variable.name}={variable.example}" if variable.example else ""
    if finding["type"] == "missing":
        return f"{variable.name} is missing: {variable.meaning}{example}"
    got = "its value" if variable.secret else repr(finding["input"])
    reason = str(finding["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    verb = "should be" if str(finding["msg"]).startswith("Input should be ") else "is refused:"
    return f"{variable.name}: {got} {verb} {reason}. {variable.meaning}{example}"


def _kinds(annotation: object) -> list[object]:
    """The types an annotation allows, without None, Annotated and unions."""
    if get_origin(annotation) is typing.Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return [kind for part in get_args(annotation) for kind in _kinds(part) if part is not type(None)]
    return [annotation]


def value_schema(variable: Variable) -> dict[str, object]:
    """The JSON Schema of one variable, with its meaning and example."""
    field = copy(variable.field)
    field.validation_alias = field.alias = None
    model = create_model("Value", value=(field.annotation or str, field))
    schema = dict(model.model_json_schema(mode="serialization")["properties"]["value"])
    schema.pop("title", None)
    return schema
