"""The demo account of a fresh sandbox, the vendor's own client on it, and somebody to hear its hooks."""

from __future__ import annotations

from collections.abc import Iterator

import mailchimp_marketing
import pytest

from tests.contract.sandbox.mailchimp.spec import SPECS, Checker
from tests.contract.sandbox.mailchimp.vendor import Admin, Receiver, ReceiverServer, Vendor
from tests.support.sandbox import SandboxProcess

HERE = "contract/sandbox/mailchimp"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the vendor's description there is nothing to check against: those tests are left out, not skipped."""
    if SPECS.exists():
        return
    left_out = [item for item in items if item.get_closest_marker("specs") and HERE in item.path.as_posix()]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def vendor(sandbox: SandboxProcess) -> Iterator[Vendor]:
    admin = Admin(sandbox.base_url)
    connected = Vendor.of(admin)
    yield connected
    connected.http.close()
    admin.close()


@pytest.fixture
def client(vendor: Vendor) -> mailchimp_marketing.Client:
    """`mailchimp-marketing`, pointed at the sandbox the way its users point it elsewhere."""
    made = mailchimp_marketing.Client()
    made.set_config({"api_key": vendor.key})
    made.api_client.host = vendor.api
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with ReceiverServer() as listening:
        yield listening


@pytest.fixture(scope="session")
def checker() -> Checker:
    return Checker.read()
