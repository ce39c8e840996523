"""A service that runs several times: each process is seen, replaced and stopped like any other."""

from __future__ import annotations

import signal

import httpx

from tests.support.command import Millrace, with_service

ECHOES = ("echo", "echo-2", "echo-3")


class TestScale:
    def test_of_three_each_is_ready_replaced_when_it_dies_and_stopped_with_the_service(self, fresh: Millrace) -> None:
        fresh.environment.update(with_service(fresh.home, more="scales = true"))
        shown = fresh.run("up", "--scale", "echo=3")
        assert shown.returncode == 0, shown.stderr
        parts = fresh.status()["parts"]
        assert len({parts[name]["pid"] for name in ECHOES}) == len({parts[name]["url"] for name in ECHOES}) == 3
        assert all(httpx.get(parts[name]["url"], timeout=60).status_code == 200 for name in ECHOES)
        assert "echo-3" in shown.stdout

        fresh.process("echo-2").send(signal.SIGKILL)
        fresh.wait("it is replaced", lambda now: now["parts"]["echo-2"]["restarts"] == 1 and now["state"] == "up")
        assert fresh.status()["parts"]["echo"]["pid"] == parts["echo"]["pid"]

        assert fresh.run("stop", "echo").returncode == 0
        assert [fresh.status()["parts"][name]["pid"] for name in ECHOES] == [None] * 3
        assert fresh.run("start", "echo").returncode == 0
        fresh.wait_until_up()

        again = fresh.run("up", "--scale", "echo=2")
        assert again.returncode != 0
        assert "echo runs 3 times in it, not 2" in again.stderr
        assert fresh.run("up").returncode == 0
