"""What an operator can switch: the edition, its numbers, and behaviours of which the vendor's truth is not known."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from sandbox.zoho_crm.editions import EDITIONS, credits_of

CHOICES = {
    "edition": tuple(EDITIONS),
    "absent_module": ("INVALID_MODULE", "NO_PERMISSION", "NOT_SUPPORTED"),
    "dead_token": ("INVALID_TOKEN", "AUTHENTICATION_FAILURE"),
    "gone_record": ("empty", "refused"),
}
FORMS = ("trim", "lower_email", "bare_phone", "title_names")
FLAGS = ("if_unmodified_since", "quiet_trigger", "id_wins_upsert", "without_channels")
COUNTS = ("users", "search_lag_s", "bulk_seconds", "bulk_rows", "external_fields", "sub_concurrency")
OWN = ("credits", "concurrency", "custom_fields", "coql_rows")  # None: what the edition says


@dataclass(frozen=True, slots=True)
class Switches:
    """Numbers and behaviours in force for one account."""

    edition: str = "enterprise"
    users: int = 5
    credits: int | None = None
    concurrency: int | None = None
    sub_concurrency: int = 10
    custom_fields: int | None = None
    external_fields: int = 10
    coql_rows: int | None = None
    search_lag_s: int = 0
    bulk_seconds: int = 2
    bulk_rows: int = 200_000
    if_unmodified_since: bool = True
    quiet_trigger: bool = False
    id_wins_upsert: bool = True
    without_channels: bool = False
    absent_module: str = "INVALID_MODULE"
    dead_token: str = "INVALID_TOKEN"  # noqa: S105 - an error's name
    gone_record: str = "empty"
    callback_retries_s: tuple[float, ...] = ()
    changed_forms: tuple[str, ...] = ()

    @property
    def credits_a_day(self) -> int:
        return credits_of(self.edition, self.users) if self.credits is None else self.credits

    @property
    def calls_at_once(self) -> int:
        return EDITIONS[self.edition].at_once if self.concurrency is None else self.concurrency

    @property
    def fields_allowed(self) -> int:
        return EDITIONS[self.edition].custom_fields if self.custom_fields is None else self.custom_fields

    @property
    def rows_of_a_query(self) -> int:
        return 2_000 if self.coql_rows is None else self.coql_rows

    def document(self) -> dict[str, object]:
        found: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        return found | {
            "credits": self.credits_a_day, "concurrency": self.calls_at_once, "custom_fields": self.fields_allowed,
            "coql_rows": self.rows_of_a_query,
        }  # fmt: skip

    def changed(self, wanted: dict[str, object]) -> Switches:
        """These switches with the wanted ones set; raises ValueError for a name or value that does not exist."""
        return replace(self, **{name: _value(name, value) for name, value in wanted.items()})  # type: ignore[arg-type]


def _value(name: str, value: object) -> object:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if value in CHOICES.get(name, ()):
        return value
    if (name in FLAGS and isinstance(value, bool)) or (name in COUNTS + OWN and is_count):
        return value
    if name in OWN and value is None:
        return None
    if name == "callback_retries_s" and isinstance(value, list) and all(map(_is_wait, value)):
        return tuple(float(wait) for wait in value)
    if name == "changed_forms" and isinstance(value, list) and set(value) <= set(FORMS):
        return tuple(value)
    raise ValueError(f"zoho-crm has no setting {name} = {value!r}")


def _is_wait(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 86_400
