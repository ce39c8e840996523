"""`millrace keys` against a real broker."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.support import programs
from tests.support.broker import Broker
from tests.support.broker_world import World


def keys(broker: Broker, *words: str, caller: str = "operator") -> subprocess.CompletedProcess[str]:
    where = ["--url", broker.url, "--key-file", str(broker.home / "secrets" / f"{caller}.key")]
    return programs.run("millrace", "keys", *words, *where, environment=os.environ, within=60)


class TestKeys:
    def test_status_then_a_rotation_with_its_end(self, world: World, broker: Broker) -> None:
        world.connect_books(broker, "keyed")
        before = json.loads(keys(broker, "status", "--json").stdout)
        done = keys(broker, "rotate")
        assert done.returncode == 0, done.stderr
        assert "newest  opens 1 connection" in done.stdout and "may be removed" in done.stdout
        after = json.loads(keys(broker, "status", "--json").stdout)
        assert after["primary"] != before["primary"] and after["rotation"]["state"] == "done"
        secrets = (world.home / "secrets" / "master.keys").read_text().split()
        assert not any(word in done.stdout + done.stderr for word in secrets if len(word) > 40)

    @pytest.mark.parametrize(("caller", "code"), [("ingest", 4), ("missing", 4)])
    def test_only_the_operator(self, broker: Broker, caller: str, code: int) -> None:
        assert keys(broker, "status", caller=caller).returncode == code

    def test_a_broker_that_is_away(self, broker: Broker) -> None:
        away = Broker(broker.home, broker.database, port=1)
        refused = keys(away, "status")
        assert refused.returncode == 7 and "does not answer" in refused.stderr
