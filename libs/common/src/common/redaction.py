"""Takes secrets and personal data out of what is logged: by field name, and by shape inside free text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from common.secret import HIDDEN, Secret

# A field whose name contains one of these words is a secret, whatever it holds.
SECRET_WORDS = (
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "api_key",
    "apikey",
    "credential",
    "cookie",
    "private_key",
    "master_key",
    "signature",
)
# Fields of the neutral records that identify a person; ids are not among them, people are found by them.
PERSONAL_FIELDS = frozenset(
    {
        "email",
        "email_address",
        "phone",
        "mobile",
        "first_name",
        "last_name",
        "full_name",
        "display_name",
        "contact_name",
        "company_name",
        "address",
        "street",
        "billing",
        "shipping",
        "billing_address",
        "shipping_address",
        "birthday",
        "merge_fields",
    }
)
# Field names whose verdict is kept: names come from code, but a mapping that is logged may bring its own.
_REMEMBERED = 2000
# Counters and lengths of secrets are no secrets; without this `tokens_left` would vanish from the log.
_HARMLESS = (int, float, bool, type(None))

_TEXT_RULES = (
    (re.compile(r"(?i)\b(bearer|basic|zoho-oauthtoken)\s+[a-z0-9._~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"(?i)\b((?:[a-z]+[_-])*(?:password|passwd|secret|token|api[_-]?key|authorization|code_verifier))"
            r"(\"?'?\s*[=:]\s*\"?'?)[^\s\"'&,;}]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), HIDDEN),
    (re.compile(r"\b1000\.[0-9a-f]{32}\.[0-9a-f]{32}\b"), HIDDEN),
    (re.compile(r"\b(?:shpat|shpss|shpca)_[0-9a-fA-F]{16,}\b"), HIDDEN),
    (re.compile(r"\b[0-9a-f]{32}-us\d{1,2}\b"), HIDDEN),
)
# Every rule needs one of these; sought in lower case, because ignoring case makes the search five times slower.
_WORTH_A_LOOK = re.compile(r"@|://|1000\.|shp|-us\d|bearer|basic|zoho-oa|passw|secret|token|api|authoriz|verifier")


def redact_text(text: str) -> str:
    """The text without tokens, passwords, keys and e-mail addresses."""
    # Ids and words have none of the signs that every rule needs; most of what is logged is one.
    if text.isalnum() or not _WORTH_A_LOOK.search(text.lower()):
        return text
    for pattern, shown in _TEXT_RULES:
        text = pattern.sub(shown, text)
    return text


class Redactor:
    """Hides what must not be logged; a setting adds field names."""

    def __init__(self, more_fields: Iterable[str] = ()) -> None:
        self._personal = PERSONAL_FIELDS | {name.lower() for name in more_fields}
        self._verdicts: dict[str, bool] = {}

    def redact(self, event: Mapping[str, object]) -> dict[str, object]:
        """The event with secret and personal fields hidden, at any depth."""
        return {name: self._value(name, value) for name, value in event.items()}

    def _value(self, name: str, value: object) -> object:
        if isinstance(value, _HARMLESS):
            return value
        if self._verdicts[name] if name in self._verdicts else self._hidden(name):
            return HIDDEN if value else value
        return redact_text(value) if type(value) is str else self._inside(name, value)

    def _inside(self, name: str, value: object) -> object:
        match value:
            case Secret():
                return value.masked()
            case str():
                return redact_text(value)
            case bytes():
                return f"<{len(value)} bytes>"
            case Mapping():
                return self.redact({str(key): part for key, part in value.items()})
            case list() | tuple() | set() | frozenset():
                return [self._value(name, part) for part in value]
            case _:
                return redact_text(str(value))

    def _hidden(self, name: str) -> bool:
        plain = name.lower().replace("-", "_")
        hidden = plain.rsplit(".", 1)[-1] in self._personal or any(word in plain for word in SECRET_WORDS)
        if len(self._verdicts) < _REMEMBERED:
            self._verdicts[name] = hidden
        return hidden
