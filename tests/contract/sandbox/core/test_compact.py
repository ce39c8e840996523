"""Small records come back equal from a compact snapshot, odd ones too."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import pytest

from sandbox.compact import CompactPickler


class Spot(NamedTuple):
    x: int
    y: str = "y"


@dataclass(slots=True)
class Row:
    id: str
    amount: Decimal
    spot: Spot
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: int


@dataclass(slots=True)
class Alone:
    only: tuple[int, ...]


@dataclass
class Plain:
    a: int
    extra: int = 0


@dataclass(slots=True)
class Hidden:
    a: int
    b: int
    c: int = field(init=False, default=7)


def there_and_back(record: object) -> object:
    file = io.BytesIO()
    CompactPickler(file).dump(record)
    return pickle.loads(file.getvalue())


@pytest.mark.parametrize(
    "record",
    [
        Row("1", Decimal("10.50"), Spot(1), ["a"]),
        Frozen(1, 2),
        Alone((1, 2)),
        Plain(1, 2),
        Spot(3, "z"),
        Decimal("-0.00"),
        Decimal("1E+400"),
        {"a": {1, 2}, "b": (None, True, 2**70, b"\x00", "\ud800")},
    ],
)
def test_comes_back_equal(record: object) -> None:
    again = there_and_back(record)
    assert again == record
    assert type(again) is type(record)
    assert str(again) == str(record)


def test_a_field_outside_the_constructor_is_kept() -> None:
    hidden = Hidden(1, 2)
    hidden.c = 99
    assert there_and_back(hidden) == hidden


def test_what_was_one_record_stays_one_record() -> None:
    row = Row("1", Decimal(1), Spot(1))
    first, second = there_and_back([row, row])  # type: ignore[misc]
    assert first is second
