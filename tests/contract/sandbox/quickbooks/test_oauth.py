"""Consent and tokens: where the company is told, when a refresh value changes, and what ends a connection."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.sandbox.quickbooks.books import REDIRECT, Books

HOUR, DAY = 3_600, 86_400


class TestConsent:
    async def test_tells_the_company_on_the_way_back_and_nowhere_else(self, operator: Books) -> None:
        back = await operator.consent()
        assert back.keys() == {"code", "state", "realmId"}
        assert (back["realmId"], back["state"]) == (operator.row["realm_id"], "a b")
        told = await operator.connect()
        assert operator.row["realm_id"] not in str(told)
        assert (told["token_type"], told["expires_in"]) == ("bearer", HOUR)
        assert 8_726_300 < told["x_refresh_token_expires_in"] <= 8_726_400

    async def test_can_be_declined(self, operator: Books) -> None:
        assert await operator.consent("cancel") == {"error": "access_denied", "state": "a b"}

    @pytest.mark.parametrize(
        "wrong",
        [
            {"client_id": "nobody"}, {"redirect_uri": "https://elsewhere.example/"}, {"response_type": "token"},
            {"scope": "openid"}, {"state": ""},
        ],
    )  # fmt: skip
    async def test_sends_nobody_on_with_a_wrong_request(self, operator: Books, wrong: dict[str, str]) -> None:
        assert (await operator.page(**wrong)).status_code == 400
        assert operator.row["organization_name"].replace("&", "&amp;") in (await operator.page()).text

    async def test_gives_a_code_that_is_good_once(self, operator: Books) -> None:
        code = (await operator.consent())["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        assert (await operator.ask_token(**form)).status_code == 200
        again = await operator.ask_token(**form)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")

    async def test_takes_only_the_secret_of_the_application(self, operator: Books) -> None:
        answer = await operator.ask_token({"authorization": "Basic bm86Ym9keQ=="}, grant_type="refresh_token")
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})

    async def test_is_described_at_the_address_of_discovery(self, operator: Books) -> None:
        path = operator.row["discovery_url"].replace("{base}", "")
        told = (await operator.http.get(path)).json()
        assert told["token_endpoint"] == "http://sandbox.test/quickbooks/oauth2/v1/tokens/bearer"


class TestRefreshing:
    async def test_gives_the_same_value_for_a_day_and_then_a_new_one(self, books: Books) -> None:
        first, access = books.refresh, books.token
        books.later(DAY - 60)
        assert (await books.renew()).json()["refresh_token"] == first
        assert books.token != access
        books.later(120)
        assert (await books.renew()).json()["refresh_token"] != first
        dead = await books.renew(first)
        assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")

    async def test_kills_the_former_value_although_the_answer_was_lost(self, books: Books) -> None:
        former = books.refresh
        books.later(DAY)
        books.core.faults.add({"vendor": "quickbooks", "kind": "half_commit", "count": 1})
        assert (await books.renew()).status_code == 500
        assert (await books.renew(former)).status_code == 400
        assert books.state["grants"]["demo"]["refresh_token"] != former

    async def test_ends_after_a_hundred_idle_days(self, books: Books) -> None:
        books.later(100 * DAY)
        assert (await books.renew()).status_code == 200
        books.later(102 * DAY)
        assert (await books.renew()).status_code == 400

    async def test_ends_after_five_years_however_busy(self, books: Books) -> None:
        for _ in range(19):
            books.later(95 * DAY)
            assert (await books.renew()).status_code == 200
        header = {"x-include-refresh-token-hard-expires-in": "true"}
        form: dict[str, Any] = {"grant_type": "refresh_token", "refresh_token": books.refresh}
        told = (await books.ask_token(header, **form)).json()
        assert told["x_refresh_token_hard_expires_in"] < 21 * DAY
        assert told["x_refresh_token_expires_in"] == told["x_refresh_token_hard_expires_in"]
        assert "x_refresh_token_hard_expires_in" not in (await books.ask_token(**form)).json()
        books.later(21 * DAY)
        assert (await books.renew(told["refresh_token"])).status_code == 400

    async def test_keeps_one_connection_for_forty_days_of_daily_rotation(self, books: Books) -> None:
        values = set()
        for _ in range(40 * 4):
            books.later(DAY / 4)
            assert (await books.renew()).status_code == 200
            values.add(books.refresh)
        assert len(values) == 41
        assert len(books.state["grants"]["demo"]["access_tokens"]) <= 2


class TestAccess:
    async def test_ends_after_an_hour(self, books: Books) -> None:
        await books.customer("Ada")
        books.later(HOUR + 1)
        answer = await books.send("GET", "/customer/1")
        assert answer.status_code == 401
        assert answer.json()["fault"]["error"][0]["message"] == (
            "message=AuthenticationFailed; errorCode=003200; statusCode=401"
        )
        assert answer.headers["intuit_tid"]
        books.switch(gateway_faults="capital")
        assert (await books.send("GET", "/customer/1")).json()["Fault"]["Error"][0]["code"] == "3200"

    async def test_opens_its_own_company_alone(self, books: Books) -> None:
        other = books.at("demo-north")
        other.token = books.token
        assert await other.refused("GET", "/customer/1") == (403, "3100")

    async def test_dies_with_the_connection_by_either_token(self, books: Books) -> None:
        pair = (books.row["client_id"], books.row["client_secret"])
        for token in ("token", "refresh"):
            await books.connect()
            path, body = "/quickbooks/v2/oauth2/tokens/revoke", {"token": getattr(books, token)}
            answer = await books.http.post(path, json=body, auth=pair)
            assert (answer.status_code, answer.content) == (200, b"")
            assert await books.refused("GET", "/customer/1") == (401, "3200")
            assert (await books.renew()).status_code == 400

    async def test_may_be_taken_away_by_people(self, books: Books) -> None:
        for do, undo, told in (("demote", "promote", (401, "120")), ("withdraw", "restore", (403, "3100"))):
            books.act(do)
            assert await books.refused("GET", "/query", query="select count(*) from Customer") == told
            books.act(undo)
            await books.query("select count(*) from Customer")
        books.act("lapse")
        assert await books.refused("POST", "/customer", {"DisplayName": "Ada"}) == (400, "6190")
        books.switch(lapsed_status=200)
        assert await books.refused("POST", "/customer", {"DisplayName": "Ada"}) == (200, "6190")
        books.act("disconnect")
        assert (await books.renew()).status_code == 400

    async def test_reconnecting_ends_the_former_connection(self, books: Books) -> None:
        former = books.token
        await books.connect()
        books.token = former
        assert await books.refused("GET", "/customer/1") == (401, "3200")
