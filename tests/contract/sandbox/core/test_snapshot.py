"""State survives a restart; a kill brings back the last snapshot, whole."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from tests.contract.sandbox.core.bench import AUTH, Bench, Receiver, until
from tests.contract.sandbox.core.ledger import PREFIX, build, served


class SlowRows(list[str]):
    """Cannot be written before a file is there."""

    def __init__(self, needed: Path) -> None:
        super().__init__()
        self.needed = needed

    def __reduce__(self) -> tuple[type[list[str]], tuple[()]]:
        deadline = time.monotonic() + 60
        while not self.needed.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return list, ()


async def restarted(home: Path, rows: int) -> Bench:
    app, ledger = build(home)
    async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
        bench = Bench(app, ledger, base_url, client)
        for n in range(rows):
            await bench.add(str(n))
        bench.seen = await bench.calls()  # type: ignore[attr-defined]
    return bench


class TestSnapshot:
    async def test_records_log_and_counts_come_back(self, tmp_path: Path) -> None:
        await restarted(tmp_path, 3)
        again = await restarted(tmp_path, 1)
        assert again.ledger.rows == ["0", "1", "2", "0"]
        assert [call["seq"] for call in again.seen] == [1, 2, 3, 4]  # type: ignore[attr-defined]
        assert again.app.log.counts()[0]["calls"] == 4

    async def test_a_late_commit_comes_after_the_restart(self, tmp_path: Path) -> None:
        app, ledger = build(tmp_path)
        async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
            bench = Bench(app, ledger, base_url, client)
            await bench.fault("late_commit", seconds=100, count=1)
            with pytest.raises(httpx.TransportError):
                await bench.add("late")
        app, ledger = build(tmp_path)
        async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
            assert ledger.rows == []
            await Bench(app, ledger, base_url, client).admin("POST", "clock", {"advance_s": 100})
            assert ledger.rows == ["late"]

    async def test_a_delivery_waiting_for_its_turn_is_sent_after_the_restart(
        self, tmp_path: Path, receiver: Receiver
    ) -> None:
        receiver.status_for = lambda n: 500 if n == 1 else 200
        app, ledger = build(tmp_path)
        async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
            ledger.hook, ledger.schedule = receiver.url, (0.0, 600.0)
            await Bench(app, ledger, base_url, client).add("a")
            await until(lambda: bool(ledger.heard))
        app, ledger = build(tmp_path)
        async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
            await Bench(app, ledger, base_url, client).admin("POST", "clock", {"advance_s": 600})
            await until(lambda: receiver.bodies == ["a", "a"])

    async def test_is_written_by_itself_while_the_sandbox_goes_on(self, tmp_path: Path) -> None:
        app, ledger = build(tmp_path, snapshot_s=0.05)
        async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
            await Bench(app, ledger, base_url, client).add("a")
            await until(lambda: (tmp_path / "sandbox" / "snapshot").exists())
            copy, copied = build(tmp_path)
            assert copy.snapshot.read()
            assert copied.rows == ["a"]

    async def test_stopping_while_one_is_being_written_keeps_the_newest_state(self, tmp_path: Path) -> None:
        app, ledger = build(tmp_path, snapshot_s=0.01)
        async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
            bench = Bench(app, ledger, base_url, client)
            for n in range(60):
                await bench.add(str(n))
        again, ledger = build(tmp_path)
        assert again.snapshot.read()
        assert ledger.rows == [str(n) for n in range(60)]
        assert [path.name for path in (tmp_path / "sandbox").iterdir()] == ["snapshot"]

    async def test_a_reset_reaches_the_caller_while_one_is_being_written(self, tmp_path: Path) -> None:
        app, ledger = build(tmp_path)
        async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False, timeout=30) as client:
            bench = Bench(app, ledger, base_url, client)
            await bench.fault("reset_before", count=1, route="DELETE /rows")
            await bench.add("the connection is open before the fork")
            ledger.rows = SlowRows(tmp_path / "goes on")  # type: ignore[assignment]
            writing = asyncio.create_task(app.snapshot.write_aside())
            await asyncio.sleep(0.2)
            with pytest.raises(httpx.ReadError):
                await client.delete(f"{base_url}{PREFIX}/rows", headers=AUTH)
            assert not writing.done()
            ledger.rows = []
            (tmp_path / "goes on").touch()
            await writing

    def test_another_version_is_left_unread(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        import pickle

        (tmp_path / "sandbox").mkdir()
        (tmp_path / "sandbox" / "snapshot").write_bytes(pickle.dumps({"format": -1}))
        app, _ = build(tmp_path)
        assert app.snapshot.read() is False
        assert "another version" in capfd.readouterr().err

    def test_nobody_else_may_read_it(self, tmp_path: Path) -> None:
        app, _ = build(tmp_path)
        app.snapshot.write()
        assert (tmp_path / "sandbox" / "snapshot").stat().st_mode & 0o077 == 0
