"""What can be wrong with a mapping, or with one record under it: always the row, the field, the value's shape, the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.codes import Code, register

register(
    Code("MAPPING_PATH_UNKNOWN", "A mapping row reads a field that the source does not have.",
         "Choose a field of the source's catalogue, or put `custom.` before a custom field's name.", "owner", False),
    Code("MAPPING_TARGET_UNKNOWN", "A mapping row writes a field that the target does not have.",
         "Choose a field of the target's catalogue, or set `new_field` on the row.", "owner", False),
    Code("MAPPING_EXPRESSION_INVALID", "A mapping expression cannot be read or is too large.",
         "Correct the JMESPath expression; plain names with dots need no quoting.", "owner", False),
    Code("MAPPING_EXPRESSION_EXPENSIVE", "A mapping expression took more steps than one record may.",
         "Make the expression simpler: it visits too many parts of the record.", "owner", False),
    Code("MAPPING_TRANSFORM_UNKNOWN", "A mapping row names a transform that does not exist.",
         "Use one of the transforms that the message lists.", "owner", False),
    Code("MAPPING_TRANSFORM_ARGUMENTS", "A transform was given arguments that it does not take.",
         "Compare the row's arguments with the transform's list in the documentation.", "owner", False),
    Code("MAPPING_TYPE_MISMATCH", "A value does not fit the type of the target's field.",
         "Add a transform that makes the value fit, or map another field.", "owner", False),
    Code("MAPPING_VALUE_TOO_LONG", "A value is longer than the target's field takes.",
         "Add the transform `shorten`, or map a longer field.", "owner", False),
    Code("MAPPING_CHOICE_UNKNOWN", "A value is not one of the choices of the target's field.",
         "Add the transform `lookup` that turns source values into the target's choices.", "owner", False),
    Code("MAPPING_REQUIRED_MISSING", "A required field has no value, or no row maps it.",
         "Fill the field at the source, add a `default`, or map the required field.", "owner", True),
    Code("MAPPING_RECORD_TOO_LARGE", "A record is larger than the mapping engine takes.",
         "Look at the record's fields at the source: one of them is extraordinarily large.", "owner", False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `row` counts from 1 as people see it, 0 means the mapping as a whole."""

    code: str
    row: int
    field: str
    words: str
    remedy: str

    def __str__(self) -> str:
        where = f"row {self.row} ({self.field})" if self.row else self.field or "mapping"
        return f"{where}: {self.words} {self.remedy}"


class MappingInvalid(Exception):
    """A definition that cannot become a mapping; holds every problem at once, so that a person corrects them in one go."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def shape(value: object) -> str:
    """What a value looks like without telling it: enough to find the fault, too little to be personal data."""
    match value:
        case None:
            return "no value"
        case str():
            kind = "digits" if value.isdigit() else "letters" if value.isalpha() else "text"
            return f"{kind} of {len(value)} characters" if value else "an empty text"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case Mapping():
            return f"an object with {len(value)} fields"
        case Sequence():
            return f"a list of {len(value)}"
        case _:
            return f"a {type(value).__name__}"
