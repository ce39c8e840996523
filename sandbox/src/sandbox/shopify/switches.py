"""What an operator can switch: numbers, the plan, and behaviours of which the vendor's truth is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

# restored points a second, and how many the bucket holds
PLANS = {"standard": (100, 2_000), "advanced": (200, 4_000), "plus": (1_000, 20_000), "enterprise": (2_000, 40_000)}
CHOICES: dict[str, tuple[str, ...]] = {
    "plan": tuple(PLANS),
    "non_expiring_tokens": ("refused", "accepted"),
    "former_refresh": ("grace", "dead"),
    "hook_addresses": ("any", "public"),
    "hook_version": ("url", "app"),
}
FLAGS = frozenset({"protected_data"})
LEAST: dict[str, float] = {
    "search_lag_s": 0,
    "secret_lag_s": 0,
    "bulk_seconds": 0,
    "most_points": 1,
    "token_lives_s": 1,
}


@dataclass(slots=True)
class Switches:
    """The numbers and the open questions in force."""

    plan: str = "standard"
    most_points: int = 1_000
    search_lag_s: float = 0.0
    secret_lag_s: float = 3_600.0
    bulk_seconds: float = 2.0
    token_lives_s: int = 3_600
    non_expiring_tokens: str = "refused"
    former_refresh: str = "grace"
    hook_addresses: str = "any"
    hook_version: str = "url"
    protected_data: bool = True

    @property
    def bucket(self) -> tuple[int, int]:
        return PLANS[self.plan]

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
    elif name in FLAGS:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is true or false")
    elif isinstance(value, bool) or not isinstance(value, int | float) or value < LEAST[name]:
        raise ValueError(f"{name} is a number of at least {LEAST[name]:g}")
    elif name in ("most_points", "token_lives_s") and value != int(value):
        raise ValueError(f"{name} is a whole number")
