"""What the sheet leaves open, as switches: each behaviour has a default and can be turned by `POST /_sandbox/limits`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

CHOICES: dict[str, tuple[str, ...]] = {
    "batch_row_without_status": ("overwrite", "keep"),
    "batch_compliance": ("error", "skip"),
    "archive_event": ("delete", "unsub", "none"),
    "addresses": ("any", "obvious", "real"),
    "plan": ("standard", "premium"),
}
LEAST: dict[str, float] = {"connections": 1, "empty_after_refusals": 1, "batch_seconds": 0, "pending_batches": 1}


@dataclass(slots=True)
class Switches:
    """The numbers and the open questions in force."""

    connections: int = 10
    empty_after_refusals: int = 50
    pending_batches: int = 500
    batch_seconds: float = 2.0
    batch_row_without_status: str = "overwrite"
    batch_compliance: str = "error"
    archive_event: str = "delete"
    addresses: str = "any"
    plan: str = "standard"
    webhook_signing: bool = True

    def set(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """Turn the named switches, all or none; returns those in force, raises ValueError."""
        known = {field.name for field in fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"unknown switch {name!r}; known: {', '.join(sorted(known))}")
            check(name, value)
        for name, value in wanted.items():
            setattr(self, name, value)
        return asdict(self)


def check(name: str, value: object) -> None:
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError(f"{name} is one of {', '.join(CHOICES[name])}")
    elif name == "webhook_signing":
        if not isinstance(value, bool):
            raise ValueError("webhook_signing is true or false")
    elif isinstance(value, bool) or not isinstance(value, int | float) or value < LEAST[name]:
        raise ValueError(f"{name} is a number of at least {LEAST[name]:g}")
    elif name != "batch_seconds" and value != int(value):
        raise ValueError(f"{name} is a whole number")
