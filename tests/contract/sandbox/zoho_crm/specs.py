"""Where the vendor's own descriptions lie, when they are there."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[4]
FOLDER = Path(os.environ.get("MILLRACE_SPECS") or ROOT.parent / "shared" / "specs") / "zoho-crm"
