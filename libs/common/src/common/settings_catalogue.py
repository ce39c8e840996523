"""All settings of all services together: as JSON Schema, as `.env.example` and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from common.environment import PREFIX, Variable, value_schema
from common.settings import TOOL_VARIABLES, ServiceSettings, Settings

EVERY = "every service"


@dataclass(frozen=True, slots=True)
class SettingEntry:
    """One variable and who reads it."""

    variable: Variable
    readers: tuple[str, ...]


def catalogue(classes: Mapping[str, type[Settings]]) -> tuple[SettingEntry, ...]:
    """One entry per variable, the shared ones first; `classes` by who reads them."""
    found = {variable.name: SettingEntry(variable, (EVERY,)) for variable in ServiceSettings.variables()}
    for reader, cls in classes.items():
        for variable in cls.variables():
            before = found.get(variable.name, SettingEntry(variable, ()))
            if before.readers != (EVERY,):
                found[variable.name] = SettingEntry(before.variable, (*before.readers, reader))
    return tuple(found.values())


def json_schema(classes: Mapping[str, type[Settings]]) -> dict[str, object]:
    """The settings of all services as one JSON Schema, keyed by environment variable."""
    entries = catalogue(classes)
    properties: dict[str, object] = {entry.variable.name: _property(entry) for entry in entries}
    properties |= {name: {"type": "string", "description": meaning} for name, meaning in TOOL_VARIABLES.items()}
    ours = sorted(name for name in properties if name.startswith(PREFIX))
    files = [f"{entry.variable.name}_FILE" for entry in entries if entry.variable.secret]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Millrace settings",
        "description": "Every environment variable that Millrace reads. Secrets are also read from <NAME>_FILE.",
        "type": "object",
        "properties": dict(sorted(properties.items())),
        "propertyNames": {"anyOf": [{"not": {"pattern": f"^{PREFIX}"}}, {"enum": sorted({*ours, *files})}]},
    }


def env_example(classes: Mapping[str, type[Settings]]) -> str:
    """The text of `.env.example`: required settings filled in, the others shown with their default or an example."""
    lines = [
        "# Every setting of Millrace. Required ones are filled in; the others show their default or an example.",
        "",
    ]
    for title, entries in _groups(catalogue(classes)):
        lines += [f"# --- {title} ---", ""]
        for entry in entries:
            lines += [f"# {entry.variable.meaning}{_or_file(entry.variable)}", _example_line(entry.variable), ""]
    return "\n".join(lines)


def markdown(classes: Mapping[str, type[Settings]]) -> str:
    """The documentation's page of settings."""
    lines = [
        "# Settings",
        "",
        "Made by `python -m millrace.reference` from the settings classes; do not edit.",
        "Third-party names are kept as they are, ours start with `MILLRACE_`. Every secret is also read from `<NAME>_FILE`.",
        "An unknown `MILLRACE_*` name stops the start. `millrace config check` tries the settings without starting anything.",
    ]
    for title, entries in _groups(catalogue(classes)):
        lines += [
            "",
            f"## {title[0].upper()}{title[1:]}",
            "",
            "| Name | Meaning | Default | Example |",
            "|---|---|---|---|",
        ]
        lines += [_row(entry.variable) for entry in entries]
    lines += ["", "## The command line, tests and tools", "", "| Name | Meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in TOOL_VARIABLES.items()]
    return "\n".join(lines) + "\n"


def _groups(entries: Iterable[SettingEntry]) -> Iterator[tuple[str, list[SettingEntry]]]:
    groups: dict[str, list[SettingEntry]] = {}
    for entry in entries:
        groups.setdefault(", ".join(entry.readers), []).append(entry)
    return iter(groups.items())


def _property(entry: SettingEntry) -> dict[str, object]:
    required = {"x-required": True} if entry.variable.required else {}
    return value_schema(entry.variable) | required | {"x-read-by": list(entry.readers)}


def _or_file(variable: Variable) -> str:
    return f" Secret: also read from the file that {variable.name}_FILE names." if variable.secret else ""


def _default(variable: Variable) -> str:
    value = variable.field.get_default(call_default_factory=False)
    if variable.required or variable.secret or value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(int(value)) if isinstance(value, bool) else str(value)


def _example_line(variable: Variable) -> str:
    if variable.required:
        return f"{variable.name}={variable.example or ''}"
    return f"#{variable.name}={_default(variable) or variable.example or ''}"


def _row(variable: Variable) -> str:
    default = "required" if variable.required else f"`{_default(variable)}`" if _default(variable) else ""
    example = f"`{variable.example}`" if variable.example else ""
    return f"| `{variable.name}` | {variable.meaning}{_or_file(variable)} | {default} | {example} |"
