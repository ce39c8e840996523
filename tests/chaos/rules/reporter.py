"""A plugin for the inner run: says which module it had without a line, so that no test passes on the whole sources."""

from __future__ import annotations

import sys

import pytest

from tests.chaos.rules.changed import Without


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    specs = [(name, getattr(one, "__spec__", None)) for name, one in list(sys.modules.items())]
    changed = [name for name, spec in specs if isinstance(getattr(spec, "loader", None), Without)]
    print(f"\nWITHOUT_A_LINE={','.join(changed)};")
