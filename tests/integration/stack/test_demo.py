"""`millrace up` as it comes: every declared service, and the demo connected to the sandbox, once."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from millrace.stack.services import SERVICES
from tests.support.command import Millrace


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Millrace]:
    """A stack with its demo."""
    millrace = Millrace(tmp_path_factory.mktemp("demo") / "home", {"NO_DEMO": ""})
    millrace.up()
    yield millrace
    millrace.run("down")
    assert millrace.processes() == []


def connections(millrace: Millrace) -> dict[str, dict[str, Any]]:
    done = millrace.run("connection", "list", "--json")
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)["items"]}


class TestDemo:
    def test_every_declared_service_is_ready(self, demo: Millrace) -> None:
        parts = demo.status()["parts"]
        assert [service.name for service in SERVICES if not parts[service.name]["ready"]] == []

    def test_both_accounts_are_connected(self, demo: Millrace) -> None:
        found = connections(demo)
        assert {name: one["standing"] for name, one in found.items()} == {"demo-books": "ok", "demo-mailchimp": "ok"}
        assert found["demo-books"]["details"]["dc"] == "eu" and found["demo-books"]["grant"]["kind"] == "oauth"
        for name in found:
            assert demo.run("connection", "test", name).returncode == 0

    def test_a_second_up_connects_nothing_anew(self, demo: Millrace) -> None:
        before = connections(demo)
        again = demo.up()
        assert "is already running" in again.stdout and "demo-books is connected" not in again.stderr
        after = connections(demo)
        assert {name: one["id"] for name, one in after.items()} == {name: one["id"] for name, one in before.items()}
        assert after["demo-books"]["grant"]["granted_at"] == before["demo-books"]["grant"]["granted_at"]

    def test_every_secret_is_its_owners_alone(self, demo: Millrace) -> None:
        folder = demo.home / "secrets"
        open_files = [p for p in folder.rglob("*") if p.is_file() and stat.S_IMODE(p.stat().st_mode) != 0o600]
        assert open_files == []
        names = {path.name for path in folder.glob("*.key")}
        assert {"console.key", "ingest.key", "writer-mailchimp.key"} <= names
        assert all(_bare(path) not in _shown(demo) for path in folder.glob("*.key"))

    def test_without_the_demo_there_is_no_sandbox_and_an_empty_list(self, tmp_path: Path) -> None:
        bare = Millrace(tmp_path / "home")
        try:
            done = bare.up()
            assert "sandbox" not in bare.status()["parts"] and "The demo" not in done.stdout
            assert "millrace connection add" in bare.run("connection", "list").stdout
            refused = bare.run("connection", "add", "--vendor", "zoho-books", "--name", "books", "--no-wait")
            assert refused.returncode == 7 and "MILLRACE_ZOHO_CLIENT" in refused.stderr
            assert connections(bare) == {}
        finally:
            bare.run("down")
        assert bare.processes() == []


def _bare(path: Path) -> str:
    return path.read_text().strip()


def _shown(millrace: Millrace) -> str:
    return "".join(log.read_text(errors="replace") for log in (millrace.home / "logs").glob("*.log"))
