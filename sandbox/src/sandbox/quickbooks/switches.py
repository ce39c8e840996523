"""What an operator can switch: numbers, and behaviours of which the vendor's truth is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

CHOICES: dict[str, tuple[object, ...]] = {
    "window": ("rolling", "fixed"),
    "merged_in_cdc": ("deleted", "inactive"),
    "empty_meter": ("throttled", "forbidden"),
    "customer_notes": ("accepted", "refused"),
    "inactive_writes": ("refused", "accepted"),
    "inactive_event": ("updated", "deleted"),
    "request_id_reuse": ("original", "refused"),
    "gateway_faults": ("lower", "capital"),
    "lapsed_status": (400, 200),
    "throttle_status": (429, 400, 403, 503),
    "cdc_too_old": ("cut", "refused"),
    "hook_format": ("cloudevents", "legacy"),
    "hook_order": ("kept", "reversed"),
    "hook_content_type": ("application/json", "application/cloudevents-batch+json"),
}
FLAGS = frozenset({"hold_back", "hook_variations"})
ZERO_AT_LEAST = frozenset({"list_lag_s", "portal_lag_s", "hook_gather_s", "request_id_lives_s", "reads_a_month"})


@dataclass(slots=True)
class Switches:
    """The numbers and the open questions in force."""

    realm_minute: int = 500
    app_second: int = 10
    at_once: int = 10
    batch_app_minute: int = 40
    batch_realm_minute: int = 120
    everything_minute: int = 800
    reads_a_month: int = 500_000
    window: str = "rolling"
    access_lives_s: int = 3_600
    refresh_rotates_s: int = 86_400
    refresh_idles_s: int = 8_726_400
    refresh_lives_s: int = 5 * 365 * 86_400
    notes_longest: int = 2_000
    list_lag_s: int = 0
    portal_lag_s: int = 0
    hook_gather_s: int = 0
    request_id_lives_s: int = 86_400
    merged_in_cdc: str = "deleted"
    empty_meter: str = "throttled"
    customer_notes: str = "accepted"
    inactive_writes: str = "refused"
    inactive_event: str = "updated"
    request_id_reuse: str = "original"
    gateway_faults: str = "lower"
    lapsed_status: int = 400
    throttle_status: int = 429
    cdc_too_old: str = "cut"
    hook_format: str = "cloudevents"
    hook_order: str = "kept"
    hook_content_type: str = "application/json"
    hook_variations: bool = True
    hold_back: bool = True

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
        if isinstance(value, bool) or value not in CHOICES[name]:
            raise ValueError(f"{name} is one of {', '.join(map(str, CHOICES[name]))}")
    elif name in FLAGS:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is true or false")
    elif isinstance(value, bool) or not isinstance(value, int) or value < (0 if name in ZERO_AT_LEAST else 1):
        raise ValueError(f"{name} is a whole number of at least {0 if name in ZERO_AT_LEAST else 1}")
