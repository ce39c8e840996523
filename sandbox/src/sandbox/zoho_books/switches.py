"""What an operator can switch: limits, plan, window, and behaviours of which the vendor's truth is not known."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from sandbox.limits import Mode, window_mode

PER_DAY = {"free": 1000, "standard": 2000, "professional": 5000, "premium": 10000, "elite": 10000, "ultimate": 10000}
AT_ONCE = {"free": 5}
PAID_AT_ONCE = 10
# Workflow rules exist in these plans only (sheet, section 7).
WITH_WORKFLOWS = frozenset({"professional", "elite", "ultimate"})


@dataclass(frozen=True, slots=True)
class Switches:
    """Numbers and behaviours in force for one organisation; None: what the plan says."""

    plan: str = "elite"
    window: Mode = "fixed"
    per_minute: int = 100
    per_day: int | None = None
    concurrency: int | None = None
    list_lag_s: int = 0
    hooks_per_day: int = 1000
    hook_retries_s: tuple[float, ...] = ()  # without a retry policy no retry is promised
    upsert_stores_key: bool = False
    receivables_touch_contact: bool = False
    payments_open_drafts: bool = False
    hooks_name_organization: bool = False
    edits_want_reason: bool = False
    locked_until: str = ""
    customer_currency_only: bool = False
    tax_mandatory: bool = False
    taxes_by_line: bool = False
    unique_values_race: bool = False

    @property
    def calls_per_day(self) -> int:
        return PER_DAY[self.plan] if self.per_day is None else self.per_day

    @property
    def calls_at_once(self) -> int:
        return AT_ONCE.get(self.plan, PAID_AT_ONCE) if self.concurrency is None else self.concurrency

    def document(self) -> dict[str, object]:
        found: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        return found | {"per_day": self.calls_per_day, "concurrency": self.calls_at_once}

    def changed(self, wanted: dict[str, object]) -> Switches:
        """These switches with the wanted ones set; raises ValueError for a name or value that does not exist."""
        return replace(self, **{name: _value(name, value) for name, value in wanted.items()})  # type: ignore[arg-type]


DAY = re.compile(r"\d{4}-\d\d-\d\d")
COUNTS = frozenset({"per_minute", "per_day", "concurrency", "list_lag_s", "hooks_per_day"})
FLAGS = frozenset(
    {
        "upsert_stores_key", "receivables_touch_contact", "payments_open_drafts", "hooks_name_organization", "edits_want_reason",
        "customer_currency_only", "tax_mandatory", "taxes_by_line", "unique_values_race",
    }
)  # fmt: skip


def _value(name: str, value: object) -> object:
    if name == "plan" and value in PER_DAY:
        return value
    if name == "window":
        return window_mode(value)
    if name in COUNTS and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if name in ("per_day", "concurrency") and value is None:
        return None
    if name in FLAGS and isinstance(value, bool):
        return value
    if name == "locked_until" and isinstance(value, str) and (not value or DAY.fullmatch(value)):
        return value
    if name == "hook_retries_s" and isinstance(value, list) and all(map(_is_wait, value)):
        return tuple(float(wait) for wait in value)
    raise ValueError(f"zoho-books has no setting {name} = {value!r}")


def _is_wait(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 86_400
