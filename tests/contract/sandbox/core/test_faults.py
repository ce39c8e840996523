"""Every fault does what its name says, to the calls it should, and the same again from the same seed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from sandbox.faults import Faults, decides, route_pattern
from tests.contract.sandbox.core.bench import AUTH, Bench, until
from tests.contract.sandbox.core.ledger import OPERATOR, PREFIX, build, served


class TestCallFaults:
    async def test_latency_delays_the_answer_and_holds_the_place(self, bench: Bench) -> None:
        await bench.admin("POST", "limits", {"vendor": "ledger", "places": 1})
        await bench.fault("latency", seconds=0.4, count=1)
        started = time.monotonic()
        slow = asyncio.create_task(bench.add("a"))
        await until(lambda: bench.ledger.places.used == 1)
        assert (await bench.add("b")).status_code == 429
        assert (await slow).status_code == 201
        assert time.monotonic() - started >= 0.4
        assert (await bench.add("c")).status_code == 201

    async def test_latency_that_is_lifted_lets_its_calls_go(self, bench: Bench) -> None:
        await bench.fault("latency", seconds=600)
        slow = [asyncio.create_task(bench.add(name)) for name in "ab"]
        await until(lambda: bench.ledger.places.used == 2)
        assert await bench.admin("DELETE", "faults?go=1") == {"removed": 1}
        assert [(await one).status_code for one in slow] == [201, 201]

    async def test_status_answers_in_the_vendors_place_and_applies_nothing(self, bench: Bench) -> None:
        await bench.fault("status", status=503, body='{"oops":1}', count=1)
        answer = await bench.add("a")
        assert (answer.status_code, answer.json()) == (503, {"oops": 1})
        assert bench.ledger.rows == []

    async def test_reset_before_applies_nothing(self, bench: Bench) -> None:
        await bench.fault("reset_before", count=1)
        with pytest.raises(httpx.TransportError):
            await bench.add("a")
        assert bench.ledger.rows == []
        [call] = await bench.calls()
        assert (call["status"], call["applied"], call["fault"]) == (0, [], "reset_before")

    async def test_reset_after_applies_and_tells_nobody_but_the_log(self, bench: Bench) -> None:
        await bench.fault("reset_after", count=1)
        with pytest.raises(httpx.TransportError):
            await bench.add("a")
        assert bench.ledger.rows == ["a"]
        [call] = await bench.calls()
        assert (call["status"], call["applied"]) == (0, [{"kind": "row", "id": "a", "op": "create"}])

    async def test_a_reset_is_a_reset_and_not_an_orderly_end(self, bench: Bench) -> None:
        await bench.fault("reset_after", count=1)
        host, port = bench.base_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST {PREFIX}/rows HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alive\r\ncontent-length: 1\r\n\r\na".encode()
        )
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()

    async def test_half_commit_applies_and_answers_500(self, bench: Bench) -> None:
        await bench.fault("half_commit", count=1)
        assert (await bench.add("a")).status_code == 500
        assert bench.ledger.rows == ["a"]
        [call] = await bench.calls()
        assert (call["status"], call["applied"]) == (500, [{"kind": "row", "id": "a", "op": "create"}])

    async def test_late_commit_resets_now_and_applies_when_the_clock_says(self, bench: Bench) -> None:
        await bench.fault("late-commit", seconds=3600, count=1)
        with pytest.raises(httpx.TransportError):
            await bench.add("late")
        assert (await bench.add("soon")).status_code == 201
        assert bench.ledger.rows == ["soon"]
        await bench.admin("POST", "clock", {"advance_s": 3600})
        assert bench.ledger.rows == ["soon", "late"]
        assert [call["fault"] for call in await bench.calls()] == ["", "late_commit"]
        assert bench.ledger.places.used == 0

    async def test_late_commit_comes_by_itself_after_its_seconds(self, bench: Bench) -> None:
        await bench.fault("late_commit", seconds=0.2, count=1)
        with pytest.raises(httpx.TransportError):
            await bench.add("late")
        await until(lambda: bench.ledger.rows == ["late"])

    async def test_storm_answers_the_vendors_own_429(self, bench: Bench) -> None:
        await bench.fault("storm_429", count=2)
        answers = [await bench.add(str(n)) for n in range(3)]
        assert [answer.status_code for answer in answers] == [429, 429, 201]
        assert answers[0].json() == {"error": "slow down"}
        [count] = (await bench.admin("GET", "counts"))["counts"]  # type: ignore[misc]
        assert (count["calls"], count["writes"], count["429s"]) == (3, 1, 2)

    async def test_slow_body_comes_in_pieces(self, bench: Bench) -> None:
        await bench.fault("slow_body", seconds=0.3, count=1)
        started = time.monotonic()
        answer = await bench.rows()
        assert time.monotonic() - started >= 0.3
        assert len(answer.json()["padding"]) == 5000

    async def test_truncated_body_breaks_off_in_the_middle(self, bench: Bench) -> None:
        await bench.fault("truncated_body", count=1)
        got = b""
        with pytest.raises(httpx.TransportError):
            async with bench.client.stream("GET", f"{bench.base_url}{PREFIX}/rows", headers=AUTH) as answer:
                assert answer.status_code == 200
                async for chunk in answer.aiter_raw():
                    got += chunk
        assert 0 < len(got) < int(answer.headers["content-length"])

    async def test_token_revoked_kills_the_credential_for_good(self, bench: Bench) -> None:
        await bench.fault("token_revoked", count=1)
        assert [(await bench.add(str(n))).status_code for n in range(2)] == [401, 401]
        assert bench.ledger.rows == []

    async def test_an_operator_meets_no_fault_unless_named(self, bench: Bench) -> None:
        await bench.fault("status", status=503)
        assert (await bench.add("a", authorization=f"Bearer {OPERATOR}")).status_code == 201
        await bench.fault("status", status=504, operator=True)
        assert (await bench.add("a", authorization=f"Bearer {OPERATOR}")).status_code == 504


class TestWhichCallsAreHit:
    async def test_only_the_route_that_was_named(self, bench: Bench) -> None:
        await bench.fault("status", status=503, route="POST /rows")
        assert (await bench.rows()).status_code == 200
        assert (await bench.add("a")).status_code == 503

    @pytest.mark.parametrize(
        ("route", "call", "hit"),
        [
            ("GET /contacts", "GET /contacts", True),
            ("GET /contacts", "GET /contacts/4", False),
            ("GET /contacts", "POST /contacts", False),
            ("GET /contacts/{id}", "GET /contacts/4", True),
            ("GET /contacts/{id}", "GET /contacts/4/comments", False),
            ("GET /contacts/*", "GET /contacts/4/comments", True),
            ("/contacts", "PUT /contacts", True),
            ("post /lists/{id}/", "POST /lists/a/members/b", True),
        ],
    )
    def test_routes_are_templates_and_a_star_is_a_prefix(self, route: str, call: str, hit: bool) -> None:
        assert bool(route_pattern(route).fullmatch(call)) is hit

    async def test_another_account_is_left_alone(self, bench: Bench) -> None:
        await bench.fault("status", account="other")
        assert (await bench.add("a")).status_code == 201

    async def test_a_share_hits_the_same_calls_again(self, tmp_path: Path) -> None:
        async def hits(home: Path) -> list[int]:
            app, ledger = build(home)
            async with served(app) as base_url, httpx.AsyncClient(verify=False, trust_env=False) as client:
                again = Bench(app, ledger, base_url, client)
                await again.fault("half_commit", share=0.3, seed=7)
                return [(await again.add(str(n))).status_code for n in range(40)]

        first, second = await hits(tmp_path / "a"), await hits(tmp_path / "b")
        assert first == second
        assert 4 <= first.count(500) <= 20
        assert [status == 500 for status in first] == [decides(7, n, 0.3) for n in range(1, 41)]

    def test_a_count_ends_the_rule(self) -> None:
        faults = Faults()
        faults.add({"vendor": "v", "kind": "status", "count": 2})
        assert [len(faults.of_call("v", "a", "GET", ("/",), False)) for _ in range(4)] == [1, 1, 0, 0]


class TestRules:
    async def test_are_listed_with_what_became_of_them_and_lifted(self, bench: Bench) -> None:
        made = await bench.fault("status", count=1)
        for row in ("a", "b"):
            await bench.add(row)
        [rule] = (await bench.admin("GET", "faults"))["faults"]  # type: ignore[misc]
        assert (rule["id"], rule["matched"], rule["hits"]) == (made["id"], 2, 1)
        assert await bench.admin("DELETE", "faults") == {"removed": 1}
        assert (await bench.admin("GET", "faults"))["faults"] == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"kind": "flood"},
            {"kind": "status", "share": 2},
            {"kind": "status", "share": "half"},
            {"kind": "status", "count": 1.5},
            {"kind": "status", "seconds": True},
            {"kind": "status", "colour": "red"},
            {"kind": "status", "status": 42},
        ],
    )
    async def test_nonsense_is_refused_and_changes_nothing(self, bench: Bench, wrong: dict[str, object]) -> None:
        told = await bench.admin("POST", "faults", {"vendor": "ledger"} | wrong, status=400)
        assert told["error"]
        assert (await bench.admin("GET", "faults"))["faults"] == []

    async def test_an_unknown_vendor_is_a_404(self, bench: Bench) -> None:
        await bench.admin("POST", "faults", {"vendor": "nobody", "kind": "status"}, status=404)
