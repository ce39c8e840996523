"""The simulator beside the vendor's own descriptions: its addresses, its codes, and the shape of its answers."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

import sandbox.zoho_crm
from sandbox.zoho_crm.routes import ROUTES
from tests.contract.sandbox.zoho_crm.crm import Crm, Document
from tests.contract.sandbox.zoho_crm.specs import FOLDER

CODE = re.compile(r'"([A-Z]+(?:_[A-Z]+)+)"')
# From the vendor's page of converting leads, which is not among the descriptions.
ELSEWHERE = {"ID_ALREADY_CONVERTED"}
# Search, conversion and related lists of a module have descriptions of their own, which are not among the files.
UNDESCRIBED = {"GET /{}/search", "POST /Leads/{}/actions/convert"}


@cache
def descriptions() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "oas31").glob("*.json"))}


def bare(template: str) -> str:
    return re.sub(r"\{\w*\}", "{}", template)


def listed(found: object) -> set[str]:
    """Every word of every enumeration."""
    if isinstance(found, list):
        return {word for one in found for word in listed(one)}
    if not isinstance(found, dict):
        return set()
    own = (
        {one for one in found.get("enum", []) if isinstance(one, str)} if isinstance(found.get("enum"), list) else set()
    )
    return own | {word for one in found.values() for word in listed(one)}


def faults(schema: Document, value: object) -> list[str]:
    return [f"{'.'.join(map(str, one.path))}: {one.message}" for one in OAS31Validator(schema).iter_errors(value)]


def schema_of(name: str, place: str) -> Document:
    document = descriptions()[name]
    return {**document["components"]["schemas"][place], "components": document["components"]}


@pytest.mark.specs
class TestDescriptions:
    def test_every_address_is_the_vendors(self) -> None:
        described = {
            f"{method.upper()} {bare(path)}"
            for one in descriptions().values() for path, methods in one["paths"].items() for method in methods
        }  # fmt: skip
        ours = {f"{route.method} {bare(route.template)}" for route in ROUTES}
        assert ours - described == UNDESCRIBED

    def test_every_code_is_the_vendors(self) -> None:
        folder = Path(sandbox.zoho_crm.__file__).parent
        ours = {code for path in folder.glob("*.py") for code in CODE.findall(path.read_text())}
        assert ours - listed(list(descriptions().values())) == ELSEWHERE

    def test_the_account_is_described_so(self, crm: Crm) -> None:
        [org] = crm.reported("GET", "/org")["org"]
        del org["primary_email"]  # its pattern is of another dialect
        assert faults(schema_of("org", "OrgDetails"), org) == []

    def test_verdicts_are_described_so(self, crm: Crm) -> None:
        rows = [{"Last_Name": "A"}, {"Email": "x"}, {"Last_Name": "B", "Salutation": "Sir"}]
        data = crm.reported("POST", "/Contacts", {"data": rows}, 207)["data"]
        assert faults(schema_of("record", "RecordSuccessResponse"), {"data": data[:1]}) == []
        assert faults(schema_of("record", "RecordsErrorResponse"), {"data": data[1:]}) == []

    def test_refused_channels_are_described_so(self, crm: Crm) -> None:
        row = {"channel_id": "7", "events": ["Contacts.all"], "notify_url": "https://in.example/", "token": "x" * 51}
        [told] = crm.reported("POST", "/actions/watch", {"watch": [row]}, 400)["watch"]
        assert faults(schema_of("notifications", "ErrorResponse"), told) == []
