"""A plugin for the inner run: says from which file the module that was changed came, so that no test passes on another's sources."""

from __future__ import annotations

import os
import sys

import pytest


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    module = sys.modules.get(os.environ["RULES_MODULE"])
    print(f"\nRULES_SOURCE={getattr(module, '__file__', None)}")
