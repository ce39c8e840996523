"""A value that must never be seen: it prints as stars everywhere and is read only by asking for it by name."""

from __future__ import annotations

import hmac
from typing import NoReturn, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

HIDDEN = "***"


class Secret:
    """A string whose `repr`, `str`, format, copy and JSON form never show it; `reveal()` is the only way in."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; call it where it is used and keep no copy."""
        return self._value

    def masked(self) -> str:
        """What may be shown of it."""
        return HIDDEN if self._value else ""

    def __str__(self) -> str:
        return self.masked()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked()!r})"

    def __format__(self, spec: str) -> str:
        return format(self.masked(), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: it would leave the process in the clear")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._accept,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.masked()),
        )

    @classmethod
    def _accept(cls, value: object) -> Self:
        if isinstance(value, Secret):
            return value if isinstance(value, cls) else cls(value.reveal())
        if isinstance(value, str):
            return cls(value)
        raise ValueError("a secret is a text")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "password", "writeOnly": True}


class SecretUrl(Secret):
    """An address that may carry a password: everything but the password and the query may be shown."""

    __slots__ = ()

    def masked(self) -> str:
        try:
            parts = urlsplit(self._value)
        except ValueError:
            return HIDDEN
        if not parts.scheme or not parts.netloc:
            return HIDDEN if self._value else ""
        user, at, host = parts.netloc.rpartition("@")
        shown_user = user.partition(":")[0] + f":{HIDDEN}" if ":" in user else user
        return urlunsplit((parts.scheme, shown_user + at + host, parts.path, HIDDEN if parts.query else "", ""))
