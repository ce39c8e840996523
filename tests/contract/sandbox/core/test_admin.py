"""The admin endpoints: the contract tools rely on."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.contract.sandbox.core.bench import AUTH, Bench
from tests.contract.sandbox.core.ledger import OPERATOR, PREFIX


class TestReset:
    async def test_brings_back_the_first_start(self, bench: Bench) -> None:
        await bench.add("a")
        await bench.fault("status")
        await bench.admin("POST", "clock", {"advance_s": 60})
        await bench.admin("POST", "reset", {})
        assert bench.ledger.rows == []
        assert await bench.calls() == []
        assert (await bench.admin("GET", "faults"))["faults"] == []
        assert (await bench.admin("GET", "clock"))["offset_s"] == 0
        assert (await bench.add("b")).status_code == 201

    async def test_numbers_of_the_log_go_on(self, bench: Bench) -> None:
        await bench.add("a")
        await bench.admin("POST", "reset")
        await bench.add("b")
        assert [call["seq"] for call in await bench.calls()] == [2]


class TestSeed:
    async def test_fills_the_account(self, bench: Bench) -> None:
        told = await bench.admin("POST", "seed", {"vendor": "ledger", "account": "demo", "size": 3, "seed": 7})
        assert (told["vendor"], told["account"], told["rows"]) == ("ledger", "demo", 3)
        assert await bench.admin("GET", "state/ledger?account=demo") == {"rows": ["7-0", "7-1", "7-2"]}

    @pytest.mark.parametrize(
        ("wish", "status"),
        [
            ({"vendor": "nobody"}, 404),
            ({"account": "demo"}, 400),
            ({"vendor": "ledger", "size": -1}, 400),
            ({"vendor": "ledger", "size": "many"}, 400),
            ({"vendor": "ledger", "trouble": "yes"}, 400),
            ({"vendor": "ledger", "account": "nobody"}, 400),
            ([], 400),
        ],
    )
    async def test_what_cannot_be_is_refused_with_the_reason(self, bench: Bench, wish: object, status: int) -> None:
        assert (await bench.admin("POST", "seed", wish, status=status))["error"]


class TestAccounts:
    async def test_addresses_begin_with_the_host_the_caller_used(self, bench: Bench) -> None:
        answer = await bench.client.get(f"{bench.base_url}/_sandbox/accounts", headers={"host": "proxy.test:77"})
        assert answer.json() == {
            "accounts": [
                {
                    "vendor": "ledger",
                    "name": "demo",
                    "base_url": f"http://proxy.test:77{PREFIX}",
                    "organization_id": None,
                    "audience_ids": [],
                    "client_id": None,
                    "client_secret": None,
                    "api_key": None,
                    "operator_token": OPERATOR,
                }
            ]
        }


class TestLog:
    async def test_tells_each_call_once_in_order(self, bench: Bench) -> None:
        await bench.add("a")
        first = await bench.admin("GET", "log?since=0")
        await bench.rows()
        second = await bench.admin("GET", f"log?since={first['next']}")
        assert [call["method"] for call in first["calls"]] == ["POST"]  # type: ignore[attr-defined]
        assert [call["method"] for call in second["calls"]] == ["GET"]  # type: ignore[attr-defined]
        assert (await bench.admin("GET", f"log?since={second['next']}"))["calls"] == []

    async def test_has_every_field_of_the_contract(self, bench: Bench) -> None:
        await bench.client.post(f"{bench.base_url}{PREFIX}/rows?a=1&token=hush", content="x", headers=AUTH)
        [call] = await bench.calls()
        assert {key: call[key] for key in ("seq", "vendor", "account", "method", "path", "query", "status")} == {
            "seq": 1,
            "vendor": "ledger",
            "account": "demo",
            "method": "POST",
            "path": f"{PREFIX}/rows",
            "query": "a=1&token=***",
            "status": 201,
        }
        assert call["applied"] == [{"kind": "row", "id": "x", "op": "create"}]
        assert isinstance(call["mono_ns"], int) and call["request_id"] and call["at"] and call["operator"] is False

    async def test_a_since_that_is_no_number_is_refused(self, bench: Bench) -> None:
        await bench.admin("GET", "log?since=x", status=400)


class TestCounts:
    async def test_are_per_vendor_account_and_route(self, bench: Bench) -> None:
        for row in ("a", "b"):
            await bench.add(row)
        await bench.rows()
        counts = (await bench.admin("GET", "counts"))["counts"]
        assert [(row["route"], row["calls"], row["writes"], row["429s"]) for row in counts] == [  # type: ignore[attr-defined]
            ("GET /rows", 1, 0, 0),
            ("POST /rows", 2, 2, 0),
        ]

    async def test_an_operator_is_logged_and_never_counted_nor_limited(self, bench: Bench) -> None:
        await bench.admin("POST", "limits", {"vendor": "ledger", "limit": 1})
        operator = {"authorization": f"Bearer {OPERATOR}"}
        assert [(await bench.add(str(n), **operator)).status_code for n in range(5)] == [201] * 5
        assert [(await bench.add(str(n))).status_code for n in range(2)] == [201, 429]
        assert [call["operator"] for call in await bench.calls()] == [True] * 5 + [False] * 2
        [count] = (await bench.admin("GET", "counts"))["counts"]  # type: ignore[misc]
        assert count["calls"] == 2


class TestClock:
    async def test_moves_and_leaves_the_offset_in_the_home(self, bench: Bench, tmp_path: Path) -> None:
        told = await bench.admin("POST", "clock", {"advance_s": 3600})
        assert told["offset_s"] == 3600
        assert float((tmp_path / "clock-offset").read_text()) == 3600
        assert bench.ledger.dues

    async def test_goes_to_a_named_moment(self, bench: Bench, tmp_path: Path) -> None:
        told = await bench.admin("POST", "clock", {"at": "2031-02-03T04:05:06Z"})
        assert str(told["now"]).startswith("2031-02-03T04:05:06")
        answer = await bench.add("a")
        assert answer.headers["date"].startswith("Mon, 03 Feb 2031 04:05:0")

    @pytest.mark.parametrize("wish", [{}, {"advance_s": "x"}, {"at": "soon"}, {"at": 1e30}, {"advance_s": True}])
    async def test_nonsense_moves_nothing(self, bench: Bench, wish: dict[str, object]) -> None:
        await bench.admin("POST", "clock", wish, status=400)
        assert (await bench.admin("GET", "clock"))["offset_s"] == 0


class TestLimits:
    @pytest.mark.parametrize("mode", ["fixed", "rolling"])
    async def test_window_mode_and_number_hold_to_the_call(self, bench: Bench, mode: str) -> None:
        told = await bench.admin("POST", "limits", {"vendor": "ledger", "window_mode": mode, "limit": 7})
        assert told["limits"] == {"limit": 7, "window_mode": mode, "places": 100}
        await bench.admin("POST", "clock", {"at": "2031-01-01T00:00:05Z"})
        assert [(await bench.add(str(n))).status_code for n in range(9)] == [201] * 7 + [429] * 2
        await bench.admin("POST", "clock", {"at": "2031-01-01T00:01:01Z"})
        assert (await bench.add("next")).status_code == (201 if mode == "fixed" else 429)
        await bench.admin("POST", "clock", {"at": "2031-01-01T00:01:07Z"})
        assert (await bench.add("later")).status_code == 201

    async def test_a_mode_nobody_knows_is_refused(self, bench: Bench) -> None:
        await bench.admin("POST", "limits", {"vendor": "ledger", "window_mode": "sliding"}, status=400)


class TestEverythingElse:
    async def test_an_unknown_name_is_a_404_and_a_wrong_method_a_405(self, bench: Bench) -> None:
        await bench.admin("GET", "nothing", status=404)
        await bench.admin("GET", "state/nobody", status=404)
        await bench.admin("GET", "state/ledger?account=nobody", status=404)
        await bench.admin("PUT", "seed", {}, status=405)

    async def test_a_body_that_is_no_json_is_refused(self, bench: Bench) -> None:
        answer = await bench.client.post(f"{bench.base_url}/_sandbox/seed", content=b"\xff{")
        assert answer.status_code == 400

    async def test_health_is_told_to_the_supervisor(self, bench: Bench) -> None:
        for path in ("livez", "readyz", "version", "metrics"):
            assert (await bench.client.get(f"{bench.base_url}/{path}")).status_code == 200

    async def test_a_body_beyond_all_measure_is_refused_without_being_read_into_the_vendor(self, bench: Bench) -> None:
        async def flood() -> object:
            for _ in range(40):
                yield b"x" * 1024 * 1024

        try:
            answer = await bench.client.post(f"{bench.base_url}{PREFIX}/rows", content=flood(), headers=AUTH)  # type: ignore[arg-type]
            assert answer.status_code == 413
        except httpx.TransportError:
            pass  # refused while we were still sending
        assert bench.ledger.rows == []


class TestPage:
    async def test_shows_accounts_limits_calls_and_deliveries_without_outside_help(self, bench: Bench) -> None:
        await bench.add("<script>alert(1)</script>")
        await bench.client.get(f"{bench.base_url}{PREFIX}/rows/<b>", headers=AUTH)
        answer = await bench.client.get(f"{bench.base_url}/_sandbox/")
        assert answer.status_code == 200
        for shown in ("calls a minute", f"{bench.base_url}{PREFIX}", "POST /rows", "No delivery yet"):
            assert shown in answer.text
        assert "<script" not in answer.text and "<b>" not in answer.text
        assert "src=" not in answer.text and "<link" not in answer.text
        assert answer.headers["refresh"] == "2"

    async def test_is_where_the_root_leads(self, bench: Bench) -> None:
        answer = await bench.client.get(bench.base_url, follow_redirects=True)
        assert answer.url.path == "/_sandbox/"
