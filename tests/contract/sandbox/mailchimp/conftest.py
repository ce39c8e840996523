"""The demo account of a fresh sandbox, the vendor's own client on it, and somebody to hear its hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import mailchimp_marketing
import pytest
import requests

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
def vendor(sandbox: SandboxProcess, checker: Checker | None) -> Iterator[Vendor]:
    """The account; each answer it gives is held against the vendor's description, if there is one."""
    admin = Admin(sandbox.base_url)
    connected = Vendor.of(admin)
    if checker is not None:
        connected.http.event_hooks["response"].append(lambda answer: judged(checker, answer))
    yield connected
    connected.http.close()
    admin.close()
    if checker is not None:
        found, checker.found = checker.found, []
        assert not found, "\n".join(found)


def judged(checker: Checker, answer: httpx.Response) -> None:
    request = answer.request
    if "x-trigger-error" not in request.headers:
        method = request.headers.get("x-http-method-override") or request.method
        checker.judge(method, str(request.url), answer.status_code, answer.read())


@pytest.fixture
def client(vendor: Vendor, checker: Checker | None) -> mailchimp_marketing.Client:
    """`mailchimp-marketing`, pointed at the sandbox the way its users point it elsewhere."""
    made = mailchimp_marketing.Client()
    made.set_config({"api_key": vendor.key})
    made.api_client.host = vendor.api
    if checker is not None:
        asked = made.api_client.request

        def request(method: str, url: str, *more: Any, **others: Any) -> requests.Response:
            answer: requests.Response = asked(method, url, *more, **others)
            checker.judge(method, answer.request.url or "", answer.status_code, answer.content)
            return answer

        made.api_client.request = request
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with ReceiverServer() as listening:
        yield listening


@pytest.fixture(scope="session")
def checker() -> Checker | None:
    """The vendor's description as a judge; None where it is not at hand."""
    return Checker.read() if SPECS.exists() else None
