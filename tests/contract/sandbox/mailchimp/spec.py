"""The vendor's own description of the API, as a judge of answers."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, FormatChecker

ROOT = Path(__file__).parents[4]
FOLDER = Path(os.environ.get("MILLRACE_SPECS") or ROOT.parent / "shared" / "specs")
SPECS = FOLDER / "mailchimp" / "marketing-3.0.55.openapi.json.gz"


@dataclass(frozen=True)
class Deviation:
    """Where the wire differs from the description, and which section of the vendor sheet says so."""

    path: str  # a pattern over the dotted path inside the answer
    validator: str
    section: str
    why: str

    def covers(self, path: str, validator: str) -> bool:
        return self.validator == validator and re.fullmatch(self.path, path) is not None


DEVIATIONS = (
    Deviation(r"(.*\.)?status", "enum", "3", "archived is returned although no enumeration of members lists it"),
    Deviation(
        r"(.*\.)?(timestamp_\w+|campaign_last_sent|last_\w+_date|completed_at)",
        "format",
        "3",
        "a time that never was is empty",
    ),
    Deviation(r"", "required", "2", "member errors may lack type"),
    Deviation(r"merge_fields\.\d+\.options\.default_country", "type", "4", "a country may be missing"),
)


@dataclass
class Checker:
    """Validates answers, and remembers what it has seen."""

    document: dict[str, Any]
    seen: set[str] = field(default_factory=set)
    formats: FormatChecker = field(default_factory=FormatChecker)

    @classmethod
    def read(cls) -> Checker:
        return cls(json.loads(gzip.decompress(SPECS.read_bytes())))

    def template(self, method: str, path: str) -> str:
        """The description's template of a concrete path."""
        fits = [
            template
            for template, operations in self.document["paths"].items()
            if method.lower() in operations and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
        ]
        assert fits, f"{method} {path} is not in the description"
        return min(fits, key=lambda template: template.count("{"))

    def schema(self, method: str, template: str, status: int) -> dict[str, Any] | None:
        responses = self.document["paths"][template][method.lower()]["responses"]
        content = responses.get(str(status), responses["default"] if status >= 400 else None)
        assert content is not None, f"{method} {template} does not answer {status}"
        known = content.get("content")
        return known["application/json"]["schema"] if known else None

    def faults(self, method: str, path: str, status: int, body: object) -> Iterator[str]:
        template = self.template(method, path)
        self.seen.add(f"{method} {template}")
        schema = self.schema(method, template, status)
        if schema is None:
            if body is not None:
                yield "a body where none is described"
            return
        for error in Draft4Validator(schema, format_checker=self.formats).iter_errors(body):
            where = ".".join(map(str, error.absolute_path))
            if not any(known.covers(where, str(error.validator)) for known in DEVIATIONS):
                yield f"{method} {template} {status} at {where or '(top)'}: {error.message[:200]}"
