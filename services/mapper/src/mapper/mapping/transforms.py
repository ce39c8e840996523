"""The closed list of transforms: each a pure function of one value, its arguments and, for two of them, the record."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

import phonenumbers
import pycountry

from common.contracts.money import decimal_of, minor_digits
from common.contracts.syncs import Transform
from mapper.mapping.expressions import Expression, Record

Step = Callable[[Any, Record], Any]


class TransformUnknown(Exception):
    """No transform has that name."""


class TransformArguments(Exception):
    """The transform does not take these arguments."""


def trim(value: Any) -> Any:
    """Without white space at both ends; nothing left means no value."""
    return value.strip() or None if isinstance(value, str) else value


def lower(value: Any) -> Any:
    """In lower case."""
    return value.lower() if isinstance(value, str) else value


def upper(value: Any) -> Any:
    """In upper case."""
    return value.upper() if isinstance(value, str) else value


def title(value: Any) -> Any:
    """First letters in upper case, only for texts that are all of one case: `McDonald` stays as people write it."""
    return value.title() if isinstance(value, str) and (value.isupper() or value.islower()) else value


def shorten(value: Any, *, to: int) -> Any:
    """At most so many characters."""
    return value[:to] if isinstance(value, str) else value


def text(value: Any) -> Any:
    """As text."""
    return value if value is None or isinstance(value, str) else str(value)


def number(value: Any) -> Any:
    """A plain decimal number, or no value where there is none in it."""
    try:
        return None if value is None else format(decimal_of(value), "f")
    except ValueError:
        return None


def money(value: Any, *, digits: int | None = None, currency: str | None = None) -> Any:
    """Rounded half to even, to `digits` or to the smallest unit of `currency`; two digits when neither is said."""
    wanted = digits if digits is not None else minor_digits(currency) if currency else 2
    try:
        amount = None if value is None else decimal_of(value)
        return None if amount is None else format(amount.quantize(Decimal(1).scaleb(-wanted), ROUND_HALF_EVEN), "f")
    except (ValueError, InvalidOperation):
        return None


def day(value: Any, *, pattern: str = "%Y-%m-%d") -> Any:
    """A date, from a date or a time in ISO 8601; the day is the one in the time's own zone."""
    try:
        moment = (
            datetime.fromisoformat(value) if isinstance(value, str) and len(value) > 10 else date.fromisoformat(value)
        )
    except (TypeError, ValueError):
        return None
    return moment.strftime(pattern)


def phone(value: Any, *, region: str | None = None) -> Any:
    """In international form where it is a possible number; otherwise as it was, because a wrong guess loses a customer."""
    if not isinstance(value, str):
        return value
    try:
        parsed = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return value
    return (
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.is_possible_number(parsed)
        else value
    )


def country(value: Any, *, form: str = "alpha_2") -> Any:
    """The ISO 3166 code of a country's name or code; a name nobody knows stays as it was."""
    return _country(value.strip(), form) if isinstance(value, str) and value.strip() else None


@functools.lru_cache(maxsize=1024)
def _country(name: str, form: str) -> str:
    try:
        return str(getattr(pycountry.countries.lookup(name), form))
    except LookupError:
        return name


def url(value: Any) -> Any:
    """An address of the web with its scheme, which people leave out."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value.strip() if "://" in value else f"https://{value.strip()}"


def address(value: Any, *, parts: list[str]) -> Any:
    """Those parts of an address that the target has; where it has one line for the street, the second goes behind the first."""
    if not isinstance(value, Mapping):
        return value
    lines = [value.get("street"), *([] if "street2" in parts else [value.get("street2")])]
    kept = {part: value[part] for part in parts if value.get(part)}
    street = ", ".join(line for line in lines if line)
    return kept | ({"street": street} if street and "street" in parts else {}) or None


def lookup(value: Any, *, table: Mapping[str, Any], otherwise: Any = None) -> Any:
    """The table's entry for the value."""
    return table.get(value, otherwise) if isinstance(value, str) else otherwise


def default(value: Any, *, value_if_empty: Any) -> Any:
    """Another value where there is none."""
    return value_if_empty if value in (None, "", [], {}) else value


def first(value: Any) -> Any:
    """The first of a list."""
    return next((item for item in value if item is not None), None) if isinstance(value, list | tuple) else value


def tag(value: Any, *, prefix: str = "") -> Any:
    """The value as a tag behind a prefix, or each of a list; no value is no tag."""
    if isinstance(value, list | tuple):
        return [one for item in value if (one := tag(item, prefix=prefix)) is not None] or None
    return f"{prefix}{value}" if isinstance(value, str) and value.strip() else None


def tag_if(
    value: Any, *, tag: str, equals: Any = None, above: str | None = None, one_of: list[Any] | None = None
) -> Any:
    """The tag when the value equals, is above, or is one of; without a condition, when there is a value."""
    if one_of is not None:
        return tag if value in one_of else None
    if above is not None:
        amount = number(value)
        return tag if amount is not None and Decimal(amount) > decimal_of(above) else None
    return tag if (value == equals if equals is not None else value not in (None, "", False)) else None


def concat(value: Any, record: Record, *, parts: list[str], separator: str = " ") -> Any:
    """The value and further fields of the record, joined; missing ones leave no gap."""
    found = [value, *(Expression(part).read(record) for part in parts)]
    return separator.join(str(item) for item in found if item not in (None, "")) or None


def fallback(value: Any, record: Record, *, parts: list[str]) -> Any:
    """The first of the value and further fields that is not empty."""
    found = [value, *(Expression(part).read(record) for part in parts)]
    return next((item for item in found if item not in (None, "")), None)


_OF_VALUE = (
    trim,
    lower,
    upper,
    title,
    shorten,
    text,
    number,
    money,
    phone,
    country,
    url,
    address,
    lookup,
    default,
    first,
    tag,
    tag_if,
)
_OF_RECORD = (concat, fallback)
TRANSFORMS: dict[str, Callable[..., Any]] = {f.__name__: f for f in (*_OF_VALUE, *_OF_RECORD)} | {"date": day}


def compiled(transform: Transform) -> Step:
    """The transform with its arguments bound, or an exception that says what is wrong with them."""
    function = TRANSFORMS.get(transform.name)
    if function is None:
        raise TransformUnknown(
            f"No transform is called {transform.name!r}. There are: {', '.join(sorted(TRANSFORMS))}."
        )
    of_record = function in _OF_RECORD
    try:
        inspect.signature(function).bind(*((None, {}) if of_record else (None,)), **transform.arguments)
    except TypeError as error:
        raise TransformArguments(f"The transform {transform.name!r} says: {error}.") from error
    arguments = dict(transform.arguments)
    if of_record:
        for part in arguments["parts"]:
            Expression(part)
        return lambda value, record: function(value, record, **arguments)
    return lambda value, record: function(value, **arguments)
