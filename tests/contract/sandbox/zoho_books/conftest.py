"""Sessions with the organisations of a fresh sandbox, and somebody to hear their webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.contract.sandbox.zoho_books.books import SCOPE, Books, Receiver, Tokens, account_of
from tests.contract.sandbox.zoho_books.spec import FOLDER, Checker
from tests.support.sandbox import SandboxProcess

HERE = "contract/sandbox/zoho_books"
Connect = Callable[..., Books]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the vendor's description there is nothing to check against: those tests are left out, not skipped."""
    if FOLDER.exists():
        return
    left_out = [item for item in items if item.get_closest_marker("specs") and HERE in item.path.as_posix()]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def connect(sandbox: SandboxProcess) -> Iterator[Connect]:
    """Open a session: by account name, with the owner's token, another user's, or the operator's."""
    opened: list[Books] = []
    tokens = Tokens()

    def made(name: str = "demo", who: str = "demo", scope: str = SCOPE, *, operator: bool = False) -> Books:
        account = account_of(sandbox, name)
        token = account["operator_token"] if operator else tokens.of(sandbox, account["dc"], who, scope)
        opened.append(Books(account["base_url"], account["organization_id"], token))
        return opened[-1]

    yield made
    for books in opened:
        books.http.close()


@pytest.fixture
def books(connect: Connect, sandbox: SandboxProcess) -> Books:
    """The demo organisation, with a minute that is never used up."""
    sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "per_minute": 10_000})
    return connect()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture(scope="session")
def checker() -> Checker:
    return Checker.read()
