"""The simulated companies in this process, for what needs no door."""

from tests.contract.sandbox.quickbooks.conftest import books, listener, operator

__all__ = ["books", "listener", "operator"]
