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
from urllib.parse import unquote

from jsonschema import Draft4Validator, FormatChecker

ROOT = Path(__file__).parents[4]
FOLDER = Path(os.environ.get("MILLRACE_SPECS") or ROOT.parent / "shared" / "specs")
SPECS = FOLDER / "mailchimp" / "marketing-3.0.55.openapi.json.gz"


@dataclass(frozen=True)
class Deviation:
    """Where the wire differs from the description, and which section of the vendor sheet says so."""

    path: str  # a pattern over the dotted path inside the answer
    validator: str
    message: str  # how the judge's complaint begins
    section: str
    why: str

    def covers(self, path: str, validator: str, message: str) -> bool:
        same = self.validator == validator and message.startswith(self.message)
        return same and re.fullmatch(self.path, path) is not None


TIMES = r"(.*\.)?(timestamp_\w+|campaign_last_sent|last_\w+_date|completed_at)"
DEVIATIONS = (
    Deviation(r"(.*\.)?status", "enum", "'archived' is", "3", "no enumeration of members lists it, and it is returned"),
    Deviation(TIMES, "format", "'' is", "3.1", "a time that never was is empty"),
    Deviation(r"", "required", "'type' is", "2", "member errors may lack type"),
)


@dataclass
class Checker:
    """Validates answers, and remembers what it has seen and what it found."""

    document: dict[str, Any]
    seen: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    formats: FormatChecker = field(default_factory=FormatChecker)
    judges: dict[tuple[str, str, int], Draft4Validator | None] = field(default_factory=dict)

    def judge(self, method: str, url: str, status: int, body: bytes) -> None:
        """Take one answer into account; only those of the API are described."""
        _, api, path = url.partition("?")[0].partition("/3.0")
        if not api:
            return
        document = json.loads(body) if body else None
        self.found += self.faults(method, unquote(path) or "/", status, document)

    @classmethod
    def read(cls) -> Checker:
        return cls(json.loads(gzip.decompress(SPECS.read_bytes())))

    def _judge(self, method: str, template: str, status: int) -> Draft4Validator | None:
        key = (method, template, status)
        if key not in self.judges:
            schema = self.schema(method, template, status)
            self.judges[key] = Draft4Validator(schema, format_checker=self.formats) if schema else None
        return self.judges[key]

    def template(self, method: str, path: str) -> str | None:
        """The description's template of a concrete path, None when there is none."""
        fits = [
            template
            for template, operations in self.document["paths"].items()
            if method.lower() in operations and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
        ]
        return min(fits, key=lambda template: template.count("{")) if fits else None

    def schema(self, method: str, template: str, status: int) -> dict[str, Any] | None:
        responses = self.document["paths"][template][method.lower()]["responses"]
        content = responses.get(str(status), responses["default"] if status >= 400 else None)
        assert content is not None, f"{method} {template} does not answer {status}"
        known = content.get("content")
        return known["application/json"]["schema"] if known else None

    def faults(self, method: str, path: str, status: int, body: object) -> Iterator[str]:
        template = self.template(method, path)
        if template is None:
            if status not in (401, 404, 405, 414, 422, 429):
                yield f"{method} {path} is not in the description and answers {status}"
            return
        self.seen.add(f"{method} {template} {status}")
        judge = self._judge(method, template, status)
        if judge is None:
            if body is not None:
                yield f"{method} {template} {status}: a body where none is described"
            return
        for error in judge.iter_errors(body):
            where = ".".join(map(str, error.absolute_path))
            if not any(known.covers(where, str(error.validator), error.message) for known in DEVIATIONS):
                yield f"{method} {template} {status} at {where or '(top)'}: {error.message[:200]}"
