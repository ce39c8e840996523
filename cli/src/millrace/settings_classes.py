"""Finds every settings class of the checkout, so that the reference pages and `config check` forget none."""

from __future__ import annotations

import importlib
from pathlib import Path

from common.settings import ServiceSettings, Settings

CHECKOUT = Path(__file__).resolve().parents[3]


def settings_classes(checkout: Path = CHECKOUT) -> dict[str, type[Settings]]:
    """The settings classes by who reads them; without a service's own, what all services share."""
    found: dict[str, type[Settings]] = {}
    for path in sorted(
        [*checkout.glob("services/*/src/*/**/settings.py"), *checkout.glob("libs/*/src/*/**/settings.py")]
    ):
        source = next(parent for parent in path.parents if parent.name == "src")
        module = importlib.import_module(".".join(path.relative_to(source).with_suffix("").parts))
        for value in vars(module).values():
            if _declared_in(value, module.__name__):
                found[_reader(path, source, value)] = value
    services = any(issubclass(cls, ServiceSettings) for cls in found.values())
    return found if services else {"every service": ServiceSettings} | found


def _declared_in(value: object, module: str) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, Settings)
        and module != Settings.__module__
        and value.__module__ == module
    )


def _reader(path: Path, source: Path, cls: type[Settings]) -> str:
    """A service by its folder's name; a part of a library by its own."""
    service = source.parent
    return service.name if service.parent.name == "services" else f"{path.parent.name} ({cls.__name__})"
