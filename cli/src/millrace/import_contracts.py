"""The import contracts of the root `pyproject.toml`, without the packages that the checkout does not have.

import-linter stops at a module that does not exist; a service folder is created by the issue that gives it work.
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict


class _Declared(TypedDict):
    root_packages: list[str]
    include_external_packages: bool
    contracts: list[dict[str, object]]


def existing(checkout: Path) -> list[str]:
    """The packages of the workspace that have been written."""
    return [name for name in _declared(checkout)["root_packages"] if _exists(checkout, name)]


def write(checkout: Path, config: Path) -> Path:
    """Writes the contracts that can be checked today, in import-linter's own format."""
    declared = _declared(checkout)
    written = configparser.ConfigParser()
    written["importlinter"] = {
        "root_packages": "\n".join(["", *existing(checkout)]),
        "include_external_packages": str(declared["include_external_packages"]),
    }
    for number, contract in enumerate(declared["contracts"]):
        fields = _without_missing(checkout, contract)
        if fields is not None:
            written[f"importlinter:contract:{number}"] = fields
    with config.open("w", encoding="utf-8") as file:
        written.write(file)
    return config


def _without_missing(checkout: Path, contract: dict[str, object]) -> dict[str, str] | None:
    """The contract's fields as text; None if nothing is left to hold."""
    fields: dict[str, str] = {}
    for key, value in contract.items():
        if not isinstance(value, list):
            fields[key] = str(value)
            continue
        if key == "ignore_imports":
            fields[key] = "\n".join(["", *_exceptions(checkout, value)])
            continue
        kept = _layers(checkout, value, contract) if key == "layers" else _kept(checkout, value)
        if not kept or (key == "modules" and len(kept) < 2):
            return None
        fields[key] = "\n".join(["", *kept])
    return fields


def _layers(checkout: Path, layers: Iterable[str], contract: dict[str, object]) -> list[str]:
    """The layers that are there; those of a contract with containers are named inside them."""
    containers = contract.get("containers")
    inside = [f"{container}." for container in containers] if isinstance(containers, list) else [""]
    kept = (" | ".join(_there(checkout, layer.split("|"), inside)) for layer in layers)
    return [layer for layer in kept if layer]


def _there(checkout: Path, names: Iterable[str], inside: Iterable[str]) -> list[str]:
    stripped = [name.strip() for name in names]
    return [name for name in stripped if any(_kept(checkout, [f"{prefix}{name}"]) for prefix in inside)]


def _exceptions(checkout: Path, pairs: Iterable[str]) -> list[str]:
    """Exceptions whose both ends are there: `console.** -> mapper.mapping.**`."""
    return [pair for pair in pairs if all(_exists(checkout, end.strip().partition(".")[0]) for end in pair.split("->"))]


def _kept(checkout: Path, names: Iterable[str]) -> list[str]:
    roots = set(_declared(checkout)["root_packages"])
    return [name for name in names if name.partition(".")[0] not in roots or _exists(checkout, name)]


def _exists(checkout: Path, name: str) -> bool:
    path = Path(*name.split("."))
    sources = [*checkout.glob("*/src"), *checkout.glob("*/*/src")]
    return any(
        (source / path / "__init__.py").is_file() or (source / path).with_suffix(".py").is_file() for source in sources
    )


def _declared(checkout: Path) -> _Declared:
    with (checkout / "pyproject.toml").open("rb") as file:
        declared: _Declared = tomllib.load(file)["tool"]["importlinter"]
    return declared
