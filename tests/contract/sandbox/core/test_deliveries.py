"""Webhooks: sent, tried again on the schedule, and late, doubled, lost and shuffled from a seed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from tests.contract.sandbox.core.bench import Bench, Receiver, until
from tests.contract.sandbox.core.ledger import build, served


async def rows_of(bench: Bench) -> list[dict[str, object]]:
    rows = (await bench.admin("GET", "deliveries"))["deliveries"]
    assert isinstance(rows, list)
    return rows


class TestDelivery:
    async def test_arrives_and_is_logged_with_its_times(self, bench: Bench, receiver: Receiver) -> None:
        bench.ledger.hook = receiver.url
        await bench.add("a")
        await until(lambda: bool(bench.ledger.heard))
        [row] = await rows_of(bench)
        assert receiver.bodies == ["a"]
        assert (row["vendor"], row["account"], row["status"], row["attempt"], row["topic"]) == (
            "ledger",
            "demo",
            200,
            1,
            "row",
        )
        assert int(str(row["answered_mono_ns"])) >= int(str(row["sent_mono_ns"])) > 0

    async def test_is_tried_again_on_the_schedule_of_the_sandboxs_clock(self, bench: Bench, receiver: Receiver) -> None:
        receiver.status_for = lambda n: 200 if n == 3 else 500
        bench.ledger.hook, bench.ledger.schedule = receiver.url, (0.0, 600.0, 3600.0, 3600.0)
        await bench.add("a")
        for attempts, wait in ((1, 600), (2, 3600)):
            await until(lambda attempts=attempts: len(bench.ledger.heard) == attempts)  # type: ignore[misc]
            await bench.admin("POST", "clock", {"advance_s": wait})
        await until(lambda: len(bench.ledger.heard) == 3)
        await bench.admin("POST", "clock", {"advance_s": 7200})
        assert [row["status"] for row in await rows_of(bench)] == [500, 500, 200]
        assert (await bench.admin("GET", "deliveries"))["pending"] == 0

    async def test_is_not_tried_before_its_time(self, bench: Bench, receiver: Receiver) -> None:
        receiver.status_for = lambda _: 500
        bench.ledger.hook, bench.ledger.schedule = receiver.url, (0.0, 600.0)
        await bench.add("a")
        await until(lambda: len(bench.ledger.heard) == 1)
        await bench.admin("POST", "clock", {"advance_s": 590})
        await asyncio.sleep(0.1)  # long enough for a wrong attempt to arrive
        assert len(receiver.bodies) == 1

    async def test_ends_when_the_vendor_gives_up(self, bench: Bench, receiver: Receiver) -> None:
        receiver.status_for = lambda _: 410
        bench.ledger.hook, bench.ledger.schedule = receiver.url, (0.0, 0.0, 0.0)
        await bench.add("a")
        await until(lambda: bool(bench.ledger.heard))
        await asyncio.sleep(0.1)  # long enough for a wrong attempt to arrive
        assert len(receiver.bodies) == 1

    async def test_nobody_listening_is_an_attempt_without_a_status(self, bench: Bench) -> None:
        bench.ledger.hook = "http://127.0.0.1:9/hook"
        await bench.add("a")
        await until(lambda: bool(bench.ledger.heard))
        [row] = await rows_of(bench)
        assert (row["status"], row["answered_mono_ns"]) == (0, None)
        assert "ConnectError" in str(row["error"])

    async def test_an_address_that_is_none_harms_nobody(self, bench: Bench) -> None:
        for address in ("http://[", "nonsense", "ftp://x/", "http://127.0.0.1:99999/"):
            bench.ledger.hook = address
            await bench.add(address)
        await until(lambda: len(bench.ledger.heard) == 4)
        assert {attempt.status for attempt in bench.ledger.heard} == {0}


class TestWebhookFaults:
    async def test_lost_leaves_a_row_and_nothing_else(self, bench: Bench, receiver: Receiver) -> None:
        bench.ledger.hook = receiver.url
        await bench.fault("webhook_lost", count=1)
        for row in ("a", "b"):
            await bench.add(row)
        await until(lambda: bool(bench.ledger.heard))
        assert receiver.bodies == ["b"]
        assert [(row["fault"], row["status"]) for row in await rows_of(bench)] == [("lost", None), ("", 200)]

    async def test_doubled_arrives_twice_under_one_id(self, bench: Bench, receiver: Receiver) -> None:
        bench.ledger.hook = receiver.url
        await bench.fault("webhook_double")
        await bench.add("a")
        await until(lambda: len(bench.ledger.heard) == 2)
        assert receiver.bodies == ["a", "a"]
        assert len({row["id"] for row in await rows_of(bench)}) == 1

    async def test_late_waits_for_the_clock(self, bench: Bench, receiver: Receiver) -> None:
        bench.ledger.hook = receiver.url
        await bench.fault("webhook_late", seconds=900)
        await bench.add("a")
        await asyncio.sleep(0.1)  # long enough for a wrong attempt to arrive
        assert receiver.bodies == []
        await bench.admin("POST", "clock", {"advance_s": 900})
        await until(lambda: receiver.bodies == ["a"])

    async def test_shuffled_arrives_in_the_order_of_the_seed(self, tmp_path: Path, receiver: Receiver) -> None:
        async def order(home: Path, seed: int) -> list[str]:
            app, ledger = build(home)
            async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
                again = Bench(app, ledger, base_url, client)
                ledger.hook = receiver.url
                await again.fault("webhook_shuffle", window=8, seed=seed)
                receiver.bodies.clear()
                for n in range(16):
                    await again.add(str(n))
                await until(lambda: len(receiver.bodies) == 16)
                return list(receiver.bodies)

        first = await order(tmp_path / "a", 5)
        assert first == await order(tmp_path / "b", 5)
        assert first != await order(tmp_path / "c", 6)
        assert first != sorted(first, key=int)
        assert sorted(first[:8], key=int) == [str(n) for n in range(8)]

    async def test_a_shuffle_does_not_hold_the_last_ones_for_ever(self, bench: Bench, receiver: Receiver) -> None:
        bench.ledger.hook = receiver.url
        await bench.fault("webhook_shuffle", window=100, seconds=0.2)
        for row in ("a", "b", "c"):
            await bench.add(row)
        await until(lambda: len(receiver.bodies) == 3)

    async def test_lost_and_doubled_hit_the_same_messages_again(self, tmp_path: Path, receiver: Receiver) -> None:
        async def arrived(home: Path) -> list[str]:
            app, ledger = build(home)
            async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
                again = Bench(app, ledger, base_url, client)
                ledger.hook = receiver.url
                await again.fault("webhook_lost", share=0.3, seed=3)
                await again.fault("webhook_double", share=0.3, seed=4)
                receiver.bodies.clear()
                for n in range(30):
                    await again.add(str(n))
                await until(lambda: app.core.deliveries.pending() == 0)
                return sorted(receiver.bodies, key=int)

        first = await arrived(tmp_path / "a")
        assert first == await arrived(tmp_path / "b")
        assert len(set(first)) < 30 < len(first) + 30 - len(set(first))
