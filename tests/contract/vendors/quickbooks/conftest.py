"""The simulated companies in this process, for what needs no door."""

from tests.contract.sandbox.quickbooks.conftest import books, operator

__all__ = ["books", "operator"]
