"""What an operator can switch: numbers of the limits, and behaviours of which the vendor's truth is not known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

CHOICES: dict[str, tuple[object, ...]] = {
    "window": ("rolling", "fixed"),
    "locked_answer": ("limit", "trouble", "too_many"),
    "resubscribing": ("refused", "ignored", "silent"),
    "do_not_mail_answer": ("accepted", "refused"),
    "existing_answer": ("success", "exists"),
    "empty_value": ("clears", "ignored", "refused"),
    "long_value": ("refused", "cut"),
    "several_topics": ("refused", "first", "accepted"),
    "no_topic": ("non_marketing", "new_only", "marketing"),
    "early_type_change": ("ignored", "refused"),
    "plan_full": ("2302", "914"),
    "beyond_range": ("cut", "refused"),
    "empty_page": ("refused", "empty"),
    "row_numbers": ("strings", "numbers"),
    "contact_order": ("added", "address"),
    "scope_missing": ("unauthorised", "privilege"),
}
FLAGS = frozenset({"lock_prolongs"})


@dataclass(frozen=True, slots=True)
class Switches:
    """Numbers and behaviours in force for one account."""

    subscribe_minute: int = 500
    subscribe_hour: int = 12_500
    subscribe_day: int = 75_000
    bulk_minute: int = 2_000
    five_minutes: int = 500
    fields_five_minutes: int = 100
    lock_s: int = 1_800
    bulk_lock_s: int = 600
    window: str = "rolling"
    lock_prolongs: bool = True
    locked_answer: str = "limit"
    largest_range: int = 200
    beyond_range: str = "cut"
    empty_page: str = "refused"
    contact_order: str = "added"
    row_numbers: str = "strings"
    resubscribing: str = "refused"
    do_not_mail_answer: str = "accepted"
    existing_answer: str = "success"
    empty_value: str = "clears"
    long_value: str = "refused"
    several_topics: str = "refused"
    no_topic: str = "non_marketing"
    early_type_change: str = "ignored"
    plan_full: str = "2302"
    scope_missing: str = "unauthorised"

    def document(self) -> dict[str, object]:
        return asdict(self)

    def changed(self, wanted: dict[str, object]) -> Switches:
        """These with the wanted ones set, all or none; raises ValueError."""
        known = {one.name for one in fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"unknown switch {name!r}; known: {', '.join(sorted(known))}")
            check(name, value)
        return replace(self, **wanted)  # type: ignore[arg-type]


def check(name: str, value: object) -> None:
    if name in CHOICES:
        if isinstance(value, bool) or value not in CHOICES[name]:
            raise ValueError(f"{name} is one of {', '.join(map(str, CHOICES[name]))}")
    elif name in FLAGS:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is true or false")
    elif isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**9:
        raise ValueError(f"{name} is a whole number of at least 1")
