"""Where the vendor's own description lies, when it is at hand."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[4]
FOLDER = Path(os.environ.get("MILLRACE_SPECS") or ROOT.parent / "shared" / "specs") / "shopify"
SPECS = {version: FOLDER / f"admin_{version}.introspection.json.gz" for version in ("2026-04", "2026-10")}


def described(version: str) -> dict[str, dict[str, Any]]:
    """The vendor's types by their names."""
    document = json.loads(gzip.decompress(SPECS[version].read_bytes()))
    return {one["name"]: one for one in document["data"]["__schema"]["types"]}


def reference(kind: dict[str, Any]) -> str:
    """A type as it is written in queries: `[Order!]!`."""
    match kind["kind"]:
        case "NON_NULL":
            return f"{reference(kind['ofType'])}!"
        case "LIST":
            return f"[{reference(kind['ofType'])}]"
    return str(kind["name"])
