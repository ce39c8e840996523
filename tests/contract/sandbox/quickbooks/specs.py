"""Where the vendor's own descriptions lie, when they are there, and what they say."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
FOLDER = Path(os.environ.get("MILLRACE_SPECS") or ROOT.parent / "shared" / "specs") / "quickbooks"


def members(name: str) -> set[str]:
    """The members of a type, with those of the types it is built on."""
    for file in ("IntuitNamesTypes.xsd", "IntuitBaseTypes.xsd", "IntuitRestServiceDef.xsd", "Finance.xsd"):
        text = (FOLDER / file).read_text()
        found = re.search(rf'<xs:complexType name="{name}".*?</xs:complexType>', text, re.DOTALL)
        if found is not None:
            own = set(re.findall(r'<xs:(?:element|attribute) (?:ref|name)="(\w+)"', found[0]))
            return own.union(*(members(base) for base in re.findall(r'extension base="(\w+)"', found[0])))
    return set()
