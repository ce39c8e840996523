"""The vendor's own descriptions of the API, as a judge of answers; what the wire does otherwise is listed here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator

ROOT = Path(__file__).parents[4]
FOLDER = Path(os.environ.get("MILLRACE_SPECS") or ROOT.parent / "shared" / "specs") / "zoho-books"


@dataclass(frozen=True)
class Deviation:
    """Where the wire differs from the description, and which section of the vendor sheet says so."""

    template: str  # a pattern over "METHOD /template"
    path: str  # a pattern over the dotted path inside the answer
    validator: str
    section: str
    why: str

    def covers(self, template: str, path: str, validator: str) -> bool:
        fits = re.fullmatch(self.template, template) and re.fullmatch(self.path, path)
        return bool(fits) and self.validator == validator


ANY = r".*"
DEVIATIONS = (
    Deviation(ANY, r"page_context", "type", "4", "an object on the wire, an array in some descriptions"),
    Deviation(ANY, r"(.*\.)?(outstanding|unused)_\w+_amount(_bcy)?", "type", "6", "amounts have decimals: 120.5"),
    Deviation(ANY, r"(.*\.)?(total|balance|shipping_charge)", "type", "7", "numbers on the wire: total 119.0"),
    Deviation(ANY, r"(.*\.)?(tax_amount|bcy_amount|amount_bcy|amount_fcy|tax_percentage)", "type", "7", "numbers, too"),
    Deviation(ANY, r"(.*\.)?(credit_limit|tax_percentage)", "type", "4", "an empty string when there is none"),
    Deviation(ANY, r"(.*\.)?discount", "type", "4", 'a number or a text such as "10%"'),
    Deviation(ANY, r"creditnote\.line_items\.quantity", "type", "4", "quantities have decimals, as on invoices"),
    Deviation(ANY, r"creditnotes", "type", "1", "a list is a list; the description shows its row"),
    Deviation(r"\w+ /settings/taxes(/.*)?", r"tax", "type", "1", "one resource is an object, as everywhere else"),
    Deviation(r"\w+ /settings/currencies/.*", r"exchange_rate", "type", "1", "the rate's own object"),
)
# Creates answer 201, says the sheet (1), where these descriptions say 200; and an upsert may create (5).
ALSO_201 = frozenset({"PUT /contacts", "PUT /invoices", "PUT /items", "PUT /customerpayments", "PUT /creditnotes"})
# Contact persons are described in two files, in one of them without a body.
FIRST = ("contact-persons.yml",)


@dataclass
class Checker:
    """Validates answers, and remembers what it has seen."""

    files: dict[str, dict[str, Any]]
    seen: set[str] = field(default_factory=set)

    @classmethod
    def read(cls) -> Checker:
        names = sorted(FOLDER.glob("*.yml"), key=lambda path: (path.name not in FIRST, path.name))
        return cls({path.name: yaml.safe_load(path.read_text()) for path in names})

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
        """Template, operation and file of a concrete path; None when it is not described."""
        fits = []
        for name, document in self.files.items():
            if name == "custom-modules.yml":  # its /{module_name} fits everything
                continue
            for template, operations in document["paths"].items():
                pattern = re.sub(r"\{[^}]+\}|\(\\d\+\)", "[^/]+", template)
                if method.lower() in operations and re.fullmatch(pattern, path):
                    fits.append((template.count("{"), template, operations[method.lower()], document))
        if not fits:
            return None
        _, template, operation, document = min(fits, key=lambda fit: fit[0])
        return template, operation, document

    def faults(self, method: str, path: str, status: int, body: object) -> Iterator[str]:
        found = self.operation(method, path)
        if found is None:
            return
        template, operation, document = found
        name = f"{method} {template}"
        self.seen.add(name)
        described = operation["responses"].get(str(status))
        if described is None and status == 201 and name in ALSO_201:
            described = operation["responses"]["200"]
        if described is None:
            yield f"{name} does not answer {status}"
            return
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return
        validator = OAS30Validator({**schema, "components": document.get("components", {})})
        for error in validator.iter_errors(body):
            where = ".".join(str(part) for part in error.absolute_path if not isinstance(part, int))
            if not any(known.covers(name, where, str(error.validator)) for known in DEVIATIONS):
                yield f"{name} {status} at {where or '(top)'}: {error.message[:200]}"
