"""One sandbox process for the session; each test that asks for it finds it as at its first start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sandbox import SandboxProcess

# What a suite asserts is told as plainly as what a test does.
pytest.register_assert_rewrite("tests.contract.vendors.source_suite", "tests.contract.vendors.target_suite")


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox")).start()
    yield process
    process.stop()


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    sandbox_process.post("reset")
    return sandbox_process
